#!/usr/bin/python3
"""The talk's countdown: a loop, two threads under one interpreter lock, and pools of processes.

The pools count the same chunks as parallel::map does in countdown.cpp. A pool is made before the
measurement, as ours is.
"""

import multiprocessing
import threading

from measure import Comparison


def countdown(n):
    steps = 0
    while n > 0:
        n -= 1
        steps += 1
    return steps


def main():
    table = Comparison("countdown", __doc__)
    count = int(table.ours["context"]["count"])
    pieces = int(table.ours["context"]["chunks"])
    chunks = [count * (i + 1) // pieces - count * i // pieces for i in range(pieces)]

    def expect(steps):
        if steps != count:
            raise SystemExit(f"counted {steps} steps of {count}")

    for _ in range(8):  # CPython 3.11 runs a function's loop faster once it has been called so often
        countdown(1)

    def serial():
        expect(countdown(count))

    def in_threads(number):
        counted = [0] * number

        def part(i):
            counted[i] = countdown(count * (i + 1) // number - count * i // number)

        threads = [threading.Thread(target=part, args=(i,)) for i in range(number)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        expect(sum(counted))

    table.measure("serial", serial)
    for size in table.sizes("threads"):
        table.measure(f"threads/{size}", lambda size=size: in_threads(size))
    for size in table.sizes("Pool"):
        pool = multiprocessing.Pool(size)
        table.measure(
            f"Pool/{size}",
            lambda pool=pool: expect(sum(pool.map(countdown, chunks, chunksize=1))),
        )
    table.run()


if __name__ == "__main__":
    main()
