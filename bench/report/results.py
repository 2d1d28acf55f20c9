"""The JSON files of a run, and numbers computed from them that remember where they come from.

A number is a measurement's median, a counter of it, or what a trace says of a thread, divided by
others: every number of the page and of the summary is one of these, so that each can be traced.
"""

import dataclasses
import functools
import json
import pathlib
import re
import statistics

import timeline

TRACE = "trace.json"
TRACED = "thumbnails-traced.json"  # what the program that wrote the trace says of itself
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
SUFFIX = re.compile(r"/(iterations:|min_time:|repeats:|process_time|real_time|manual_time).*$")


@dataclasses.dataclass(frozen=True)
class Number:
    """The first source divided by the others. A source: "FILE.json NAME" or, for a counter,
    "FILE.json NAME#COUNTER", where NAME is as it stands in the file; of the trace "call", "all"
    threads or "thread TID"."""

    value: float
    kind: str  # "time", "factor", "share" or "count"
    sources: tuple

    def __str__(self):
        if self.kind == "factor":
            return f"{self.value:.2f}×"
        if self.kind == "share":
            return f"{100 * self.value:.0f} %"
        if self.kind == "count":
            return f"{self.value:.0f}"
        for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)):
            if self.value >= 0.9995 * size:
                return f"{self.value / size:.3g} {unit}"
        return f"{self.value * 1e9:.3g} ns"


class Results:
    """What the files NAME.json of a directory say. Asked by the measurements' names without what
    Google Benchmark appends to them."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.files = {}
        for path in sorted(self.directory.glob("*.json")):
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
            if "benchmarks" in content:  # else it is a summary, from bench/run --json
                self.files[path.name] = content
        # A trace alone knows neither its machine nor its command.
        self.timeline = timeline.read(self.directory / TRACE) if TRACED in self.files else None

    def __contains__(self, source):
        return source in self._values

    def context(self, file, key, otherwise="unknown"):
        return self.files[TRACED if file == TRACE else file]["context"].get(key, otherwise)

    def names(self, file):
        """The measurements of a file, in its order."""
        return list(dict.fromkeys(name for name, _ in self._entries(file)))

    def label(self, file, name):
        """What a comparison calls a row, and the name of its opposite in Python, if any."""
        labels = [entry.get("label", "") for own, entry in self._entries(file) if own == name]
        what, _, python = (labels or [""])[0].partition(" | ")
        return what, python

    def number(self, kind, *sources):
        """The Number of these sources; None if one is absent or divides by nothing."""
        if any(source not in self._values for source in sources):
            return None
        value, first = self._values[sources[0]]
        named = [first]
        for source in sources[1:]:
            divisor, as_written = self._values[source]
            if divisor == 0:
                return None
            value /= divisor
            named.append(as_written)
        return Number(value, kind, tuple(named))

    def _entries(self, file):
        for entry in self.files.get(file, {"benchmarks": []})["benchmarks"]:
            if entry["run_type"] == "iteration" and not entry.get("error_occurred", False):
                yield SUFFIX.sub("", entry["run_name"]), entry

    @functools.cached_property
    def _values(self):
        """The median of each source, and the source with the name as it stands in the file."""
        every = {}
        for file in self.files:
            for name, entry in self._entries(file):
                counters = {f"#{key}": value for key, value in entry.items()
                            if key.endswith(("_seconds", "_speedup"))}
                counters[""] = entry["real_time"] * UNITS[entry["time_unit"]]
                for key, value in counters.items():
                    values, _ = every.setdefault(
                        f"{file} {name}{key}", ([], f"{file} {entry['name']}{key}"))
                    values.append(value)
        found = {source: (statistics.median(values), as_written)
                 for source, (values, as_written) in every.items()}
        for name, value in self.timeline.values().items() if self.timeline else ():
            found[f"{TRACE} {name}"] = value, f"{TRACE} {name}"
        return found


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a comparison: ours, what is possible, Python here, and the talk's. Numbers or
    None."""

    program: str
    name: str
    what: str
    python_name: str
    serial: Number
    pooled: Number
    speedup: Number
    ideal: Number
    python_serial: Number
    python_pooled: Number
    python_speedup: Number
    talk_serial: Number
    talk_pooled: Number
    talk_speedup: Number


def comparison_rows(results, program):
    """The rows of the comparison `program`, in order of their names' numbers."""
    ours, python = f"{program}.json", f"python-{program}.json"
    rows = []
    for name in results.names(ours):
        what, opposite = results.label(ours, name)
        if not what:
            continue
        pooled = f"{ours} {name}"
        serial = f"{pooled}#assumed_serial_seconds"
        if serial not in results:
            serial = f"{ours} {program}/serial"
        python_serial, python_pooled = f"{python} {program}/serial", f"{python} {opposite}"
        talk = f"{pooled}#talk_serial_seconds", f"{pooled}#talk_pooled_seconds"
        paired = opposite if python_pooled in results else ""
        rows.append(Row(
            program, name, what, opposite,
            results.number("time", serial),
            results.number("time", pooled),
            results.number("factor", serial, pooled),
            results.number("factor", f"{pooled}#ideal_speedup"),
            results.number("time", python_serial) if paired else None,
            results.number("time", python_pooled),
            results.number("factor", python_serial, python_pooled),
            results.number("time", talk[0]),
            results.number("time", talk[1]),
            results.number("factor", *talk)))

    def order(row):
        return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", row.name)]

    return sorted(rows, key=order)
