"""What the talk's programs share: named measurements, written as Google Benchmark writes them.

Each program is given the JSON file of our own comparison, so that both do the same work: that file
gives its amount, and the pools with which ours is to be compared.
"""

import argparse
import datetime
import json
import os
import platform
import random
import statistics
import sys
import time


class Comparison:
    def __init__(self, name, about, notes=None):
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("--repetitions", type=int, default=3)
        parser.add_argument("--table", help="append rows for the table of bench/run to this file")
        parser.add_argument("--context", action="append", default=[], metavar="KEY=VALUE")
        parser.add_argument("--out", required=True, help="the JSON file to write")
        parser.add_argument("ours", help="the JSON file of our own program")
        parser.add_argument("program", help="our own program, which provides the work")
        parser.add_argument("flags", nargs=argparse.REMAINDER, help="its flags")
        self.arguments = parser.parse_args()
        self.name = name
        with open(self.arguments.ours, encoding="utf-8") as file:
            self.ours = json.load(file)
        self.context = {
            "date": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            "executable": sys.argv[0],
            "num_cpus": os.cpu_count(),
            "compiler": f"{platform.python_implementation()} {platform.python_version()}",
            "command": " ".join(a for a in sys.argv if not a.startswith("--context=")),
            **(notes or {}),
            **dict(note.split("=", 1) for note in self.arguments.context),
        }
        self.works = {}

    def program(self, flag):
        """The command line of our own program that has it provide the work."""
        return [self.arguments.program, flag, *self.arguments.flags]

    def sizes(self, kind):
        """The numbers of threads or processes that our program names as ours' opposite."""
        prefix = f" | {self.name}/{kind}/"
        labels = [entry.get("label", "") for entry in self.ours["benchmarks"]]
        return sorted({int(label.split(prefix)[1]) for label in labels if prefix in label})

    def measure(self, name, work):
        """Has `work`, a function that checks its own result, timed."""
        self.works[f"{self.name}/{name}"] = work

    def run(self):
        """Times everything in random order, as the other program does, and writes it down."""
        times = {name: [] for name in self.works}
        repetitions = self.arguments.repetitions
        turns = [name for name in self.works for _ in range(repetitions)]
        random.shuffle(turns)
        for done, name in enumerate(turns):
            self._show(done, len(turns))
            start = time.perf_counter()
            self.works[name]()
            times[name].append(time.perf_counter() - start)
        self._show(len(turns), len(turns))
        self._write(times)
        serial = statistics.median(times[f"{self.name}/serial"])
        with open(self.arguments.table or os.devnull, "a", encoding="utf-8") as table:
            for name, seconds in times.items():
                pooled = statistics.median(seconds)
                print(f"{name:<42} {text(pooled):>10}  {serial / pooled:.2f}x")
                table.write(f"python\t{name}\t{text(serial)} -> {text(pooled)}, "
                            f"{serial / pooled:.2f}x\n")

    def _write(self, times):
        entries = [
            {
                "name": name,
                "run_name": name,
                "run_type": "iteration",
                "repetitions": len(seconds),
                "repetition_index": index,
                "iterations": 1,
                "real_time": each * 1e3,
                "time_unit": "ms",
            }
            for name, seconds in times.items()
            for index, each in enumerate(seconds)
        ]
        with open(self.arguments.out, "w", encoding="utf-8") as file:
            json.dump({"context": self.context, "benchmarks": entries}, file, indent=1)
            file.write("\n")

    @staticmethod
    def _show(done, total):
        if sys.stderr.isatty():
            bar = "#" * (40 * done // total)
            end = "\n" if done == total else ""
            print(f"\rmeasured: |{bar:<40}| {done}/{total}", end=end, file=sys.stderr, flush=True)


def text(seconds):
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
