#!/usr/bin/python3
"""The talk's thumbnails: Pillow on the same JPEG files as thumbnails.cpp, a loop and pools.

As there, libjpeg-turbo decodes at a fraction of the size and encodes at quality 85; Pillow's
fractions are halves, quarters and eighths only, which for the sample photographs are the same. Its
bicubic filter corresponds to stb_image_resize's, which has the same width.
"""

import multiprocessing
import os
import pathlib
import subprocess
import tempfile

import PIL
from PIL import Image

from measure import Comparison

SIDE = 256


def create_thumbnail(request):
    """Makes one thumbnail; false if the photograph is no sound JPEG, so that others go on."""
    photograph, thumbnail = request
    try:
        with Image.open(photograph) as image:
            scale = SIDE / max(image.size)
            target = tuple(max(1, round(side * scale)) for side in image.size)
            image.draft("RGB", target)
            small = image.convert("RGB")
            if scale < 1:
                small = small.resize(target, Image.Resampling.BICUBIC)
            small.save(thumbnail, "JPEG", quality=85)
    except (OSError, SyntaxError):
        return False
    return True


def expect(directory, made):
    """As many files as calls that said so, one looked at, and no more than half missing."""
    files = sorted(os.listdir(directory))
    if len(files) != sum(made) or 2 * len(files) < len(made):
        raise SystemExit(f"{len(files)} thumbnails of {len(made)} photographs")
    with Image.open(os.path.join(directory, files[0])) as image:
        if max(image.size) > SIDE:
            raise SystemExit(f"{files[0]} is larger than a thumbnail")


def main():
    table = Comparison("thumbnails", __doc__, {"pillow": PIL.__version__})
    listed = subprocess.run(table.program("--list"), check=True, text=True, stdout=subprocess.PIPE)
    photographs = listed.stdout.splitlines()

    with tempfile.TemporaryDirectory(prefix="python-thumbnails-") as scratch:

        def run(map_function):
            directory = tempfile.mkdtemp(dir=scratch)
            requests = [
                (photograph, os.path.join(directory, f"{i}.jpg"))
                for i, photograph in enumerate(photographs)
            ]
            expect(directory, list(map_function(create_thumbnail, requests)))

        for photograph in photographs:  # once untimed, so that no run pays for a cold disk
            pathlib.Path(photograph).read_bytes()
        table.measure("serial", lambda: run(map))
        for size in table.sizes("Pool"):
            pool = multiprocessing.Pool(size)
            table.measure(f"Pool/{size}", lambda pool=pool: run(pool.map))
        table.run()


if __name__ == "__main__":
    main()
