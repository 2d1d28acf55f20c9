"""The last call in a trace: what each thread did meanwhile, and when.

Reads the file that PARALLEL_TRACE names (Chrome's Trace Event Format). The spans of a thread nest,
and instants lie between them.
"""

import collections
import dataclasses
import json
import math
import re

Span = collections.namedtuple("Span", "name begin end arguments outermost")  # in seconds


@dataclasses.dataclass
class Thread:
    """Times are in seconds since the call's beginning."""

    number: int  # its "tid" in the file
    name: str
    chunks: list  # Spans
    parks: list  # Spans, cut off where the call begins and ends
    steals: list  # moments
    wakes: list  # moments


QUANTITIES = {
    "chunks": lambda thread: len(thread.chunks),
    "elements": lambda thread: sum(chunk.arguments["elements"] for chunk in thread.chunks),
    "steals": lambda thread: len(thread.steals),
    "wakes": lambda thread: len(thread.wakes),
    "busy": lambda thread: sum(chunk.end - chunk.begin for chunk in thread.chunks),
}


@dataclasses.dataclass
class Timeline:
    seconds: float
    elements: int
    threads: list  # its caller first, then the others by name

    def values(self):
        """Every number of it, by the name that the page gives as its source."""
        named = {"call#time": self.seconds, "call#elements": self.elements,
                 "all#threads": len(self.threads)}
        for quantity, of in QUANTITIES.items():
            each = {f"thread {thread.number}#{quantity}": of(thread) for thread in self.threads}
            named |= each
            named[f"all#{quantity}"] = sum(each.values())
        return named


def read(path):
    """The Timeline of a trace; None if there is no such file, or its last call was not shared."""
    if not path.exists():
        return None
    with open(path, encoding="utf-8") as file:
        events = json.load(file)["traceEvents"]
    names = {}
    own = collections.defaultdict(list)
    for event in events:
        if event["ph"] != "M":
            own[event["tid"]].append(event)
        elif event["name"] == "thread_name":
            names[event["tid"]] = event["args"]["name"]
    spans = {number: _spans(own[number]) for number in names}
    calls = [(span.begin, number, span) for number in names for span in spans[number]
             if span.name == "call" and span.outermost]
    if not calls:
        return None
    _, caller, call = max(calls, key=lambda each: each[0])

    def named(number, name):
        return [span._replace(begin=max(span.begin, call.begin) - call.begin,
                              end=min(span.end, call.end) - call.begin)
                for span in spans[number]
                if span.name == name and span.end > call.begin and span.begin < call.end]

    def moments(number, name):
        return [seconds for event in own[number] if event["ph"] == "i" and event["name"] == name
                and 0 <= (seconds := event["ts"] / 1e6 - call.begin) <= call.end - call.begin]

    threads = [Thread(number, names[number], named(number, "chunk"), named(number, "park"),
                      moments(number, "steal"), moments(number, "wake"))
               for number in names
               if any(span.end > call.begin and span.begin < call.end for span in spans[number])]
    if not any(thread.chunks for thread in threads):
        return None
    threads.sort(key=lambda thread: (thread.number != caller, [
        int(part) if part.isdigit() else part for part in re.split(r"(\d+)", thread.name)]))
    return Timeline(call.end - call.begin, call.arguments["elements"], threads)


def _spans(events):
    """The spans of one thread's events; a span that has not ended lasts for ever."""
    found = []
    open_ = []  # indices of found
    for event in events:
        if event["ph"] == "B":
            found.append(Span(event["name"], event["ts"] / 1e6, math.inf, event.get("args", {}),
                              not open_))
            open_.append(len(found) - 1)
        elif event["ph"] == "E":
            ended = open_.pop()
            found[ended] = found[ended]._replace(end=event["ts"] / 1e6)
    return found
