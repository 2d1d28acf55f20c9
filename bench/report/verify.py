#!/usr/bin/python3
"""Checks that every number in the tables of a page is what the JSON files beside it say.

Usage: verify.py DIRECTORY. Reads the page as a stranger would: from a cell's sources it finds the
lines, takes their medians, or adds up a trace's events, divides, and compares with the text that
stands there.
"""

import html.parser
import json
import math
import pathlib
import statistics
import sys

SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0}


class Cells(html.parser.HTMLParser):
    """The elements that name their sources, as [kind, sources, text]."""

    def __init__(self):
        super().__init__()
        self.found = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.inside = "data-kind" in attributes
        if self.inside:
            self.found.append([attributes["data-kind"], attributes["title"].split("\n/ "), ""])

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found[-1][2] += data


def measured(directory, source):
    """The median of the lines that a source names."""
    file, name = source.split(" ", 1)
    name, _, counter = name.partition("#")
    if file == "trace.json":
        return traced(json.loads((directory / file).read_text())["traceEvents"], name, counter)
    lines = [line for line in json.loads((directory / file).read_text())["benchmarks"]
             if line["name"] == name and line["run_type"] == "iteration"]
    return statistics.median(line[counter] if counter else
                             line["real_time"] * SECONDS[line["time_unit"]] for line in lines)


def traced(events, whose, quantity):
    """A quantity of the last call in a trace: of the call, a thread, or all threads together."""
    done = []  # thread, name, begin, end, elements
    running = {}  # thread: the same of what has begun there and not ended
    for event in events:
        own = running.setdefault(event["tid"], [])
        if event["ph"] == "B":
            own.append((event["tid"], event["name"], event["ts"],
                        event.get("args", {}).get("elements")))
        elif event["ph"] == "E":
            thread, name, begin, elements = own.pop()
            done.append((thread, name, begin, event["ts"], elements))
        elif event["ph"] == "i":
            done.append((event["tid"], event["name"], event["ts"], event["ts"], None))
    done += [(thread, name, begin, math.inf, elements)
             for own in running.values() for thread, name, begin, elements in own]
    _, _, first, last, elements = max((each for each in done if each[1] == "call"),
                                      key=lambda each: each[2])
    if whose == "call":
        return {"elements": elements, "time": (last - first) / 1e6}[quantity]
    meanwhile = [each for each in done if each[3] >= first and each[2] <= last
                 and whose in ("all", f"thread {each[0]}")]
    if quantity == "threads":
        return len({each[0] for each in meanwhile})
    chunks = [each for each in meanwhile if each[1] == "chunk"]
    if quantity == "busy":
        return sum(end - begin for _, _, begin, end, _ in chunks) / 1e6
    if quantity == "elements":
        return sum(each[4] for each in chunks)
    return sum(each[1] == quantity.removesuffix("s") for each in meanwhile)


def written(kind, text):
    """The text's value and how much its last digit leaves open."""
    if kind == "count":
        return int(text), 0
    number, unit = (text[:-1], "×") if kind == "factor" else text.split(" ")
    scale = {"×": 1.0, "%": 0.01}.get(unit) or SECONDS[unit]
    digits = math.floor(math.log10(float(number))) if float(number) else 0
    step = 10.0 ** (digits - 2) if kind == "time" else 0.01 if kind == "factor" else 1
    return float(number) * scale, step * scale / 2


def main():
    directory = pathlib.Path(sys.argv[1])
    cells = Cells()
    cells.feed((directory / "index.html").read_text(encoding="utf-8"))
    for kind, sources, text in cells.found:
        first, *others = (measured(directory, source) for source in sources)
        expected = first / math.prod(others)
        value, open_ = written(kind, text)
        if abs(value - expected) > open_ * 1.001:
            raise SystemExit(f"the page says {text}, the files {expected}: {sources}")
    if not cells.found:
        raise SystemExit("the page has no numbers")
    print(f"{len(cells.found)} numbers of the page are what the files say")


if __name__ == "__main__":
    main()
