"""The figures: what each shows, drawn from numbers that know where they come from.

Each function returns a Figure, or None where the run has no data for it. The numbers come from
results.py, the looks from theme.py.
"""

import dataclasses
import math
import re

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator
from matplotlib.transforms import offset_copy

import theme
from results import TRACE, comparison_rows
from theme import plt

COMPARISONS = ("countdown", "thumbnails", "fetch")


@dataclasses.dataclass(frozen=True)
class Figure:
    name: str  # of its files
    title: str
    text: str  # what is to be seen, in a sentence or two
    alt: str  # for readers that cannot see it
    headers: tuple
    rows: list  # of cells: texts, numbers or None
    drawing: object
    seen: tuple = ()  # what the text begins with where there are numbers in it
    numbers: str = "Medians of the lines of that name in the JSON files"  # what the rows' are

    @property
    def files(self):
        """The JSON files that its numbers come from."""
        sources = [source for parts in (self.seen, *self.rows) for part in parts
                   for source in getattr(part, "sources", ())]
        return sorted({source.split(" ")[0] for source in sources})


def comparisons(results):
    """The talk's three programs: by how much a pool is quicker than the loop."""
    shown = [(program, rows) for program in COMPARISONS
             if (rows := _main_rows(comparison_rows(results, program)))]
    if not shown:
        return None
    panels = [(results.context(f"{program}.json", "title"), _bars(rows)) for program, rows in shown]
    heights = [len(bars) for _, bars in panels]
    drawing, axes = plt.subplots(
        len(panels), 1, figsize=(theme.WIDTH, 0.27 * sum(heights) + 0.75 * len(panels)),
        gridspec_kw={"height_ratios": heights}, layout="constrained", squeeze=False)
    for axis, (title, bars) in zip(axes[:, 0], panels):
        axis.set_title(title)
        most = max(bar[1] for bar in bars)
        for place, (label, length, note, colour, hatch) in enumerate(bars):
            axis.barh(place, length, 0.74, color=colour or "none", hatch=hatch,
                      edgecolor=theme.INK, linewidth=0.7)
            axis.text(length + most * 0.02, place, note, va="center", fontsize=8)
        axis.set_yticks(range(len(bars)), [bar[0] for bar in bars])
        axis.invert_yaxis()
        axis.set_xlim(0, most * 1.75)
        axis.set_xticks([tick for tick in MaxNLocator(5, integer=True).tick_values(0, most)
                         if tick <= most * 1.1])
        axis.grid(visible=False)
        axis.tick_params(axis="y", length=0)
    axes[-1, 0].set_xlabel("speed-up over the same language's loop")
    every = [row for program in COMPARISONS for row in comparison_rows(results, program)]
    return Figure(
        "comparisons", "The three comparisons",
        "How much quicker than its own loop each pool is, and how much quicker as many perfect "
        "threads would be. Python and C++ do the same work: the same counts, JPEG files and server.",
        "Bars of the speed-up of Python's pools, of this library's, and of perfect threads, for "
        + ", ".join(title for title, _ in panels) + ". The table below has the numbers.",
        ("", "serial", "pooled", "speed-up", "ideal", "Python: serial", "pooled", "speed-up",
         "the talk: serial", "pooled", "speed-up"),
        [[f"{row.program}: {row.what}", row.serial, row.pooled, row.speedup, row.ideal,
          row.python_serial, row.python_pooled, row.python_speedup, row.talk_serial,
          row.talk_pooled, row.talk_speedup] for row in every],
        drawing)


def _main_rows(rows):
    """The rows that stand opposite something; of one pool measured in several sizes on the cores,
    the largest."""
    opposite = [row for row in rows if row.python_name and row.speedup]
    if opposite and opposite[0].program == "fetch":
        return opposite
    largest = {re.sub(r"\d+$", "", row.name): row for row in opposite}
    return sorted(largest.values(), key=lambda row: row.name, reverse=True)


def _bars(rows):
    """Label, length, note, colour and hatch of each bar; the loop's own first."""
    python = next((row.python_serial for row in rows if row.python_serial), None)
    bars = [("the loop", 1, (f"Python {python}, " if python else "") + f"C++ {rows[0].serial}",
             theme.SERIAL, None)]
    for row in rows:
        kind, size = row.python_name.split("/")[1:]
        if row.python_speedup:
            bars.append((f"Python, {kind}({size})" if kind != "threads" else
                         f"Python, {size} threads", row.python_speedup.value,
                         f"{row.python_speedup}, {row.python_pooled}", theme.ORANGE, "////"))
        bars.append((row.what.replace(", one interpreter lock", ", one lock"), row.speedup.value,
                     f"{row.speedup}, {row.pooled}", theme.BLUE, None))
        bars.append(("ideal", row.ideal.value, f"{row.ideal}", None, None))
    return bars


def threads(results):
    """Speed-up against threads, for what computes."""
    lines = []
    for program, marker, dash in (("countdown", "o", "-"), ("thumbnails", "s", "--")):
        rows = comparison_rows(results, program)
        ours = [row for row in rows if "/map/" in row.name and row.speedup]
        lines.append((f"{program}, parallel::map", theme.BLUE, marker, dash, [
            (_last_number(row.name), row.speedup, row.pooled, row.ideal) for row in ours]))
        lines.append((f"{program}, Python's Pool", theme.ORANGE, marker, dash, [
            (_last_number(row.name), row.python_speedup, row.python_pooled, None)
            for row in ours if row.python_speedup]))
    loops = {}
    for name in results.names("scaling.json"):
        loop, kind, *size = name.split("/")
        if kind == "map":
            pooled, serial = f"scaling.json {name}", f"scaling.json {loop}/serial"
            if speedup := results.number("factor", serial, pooled):
                loops.setdefault(loop, []).append((
                    int(size[0]), speedup, results.number("time", pooled),
                    results.number("factor", f"{pooled}#ideal_speedup")))
    by_length = sorted(loops.items(), key=lambda each: max(p[2].value for p in each[1]))
    for (loop, points), marker in zip(by_length, "^vD"):
        lines.append((f"a loop of {loop.replace('us', 'µs')}", theme.GREEN, marker, ":", points))
    lines = [line for line in lines if line[-1]]
    if not lines:
        return None
    drawing, axis = plt.subplots(figsize=(theme.WIDTH, 3.7), layout="constrained")
    most = max(point[0] for line in lines for point in line[-1])
    axis.plot([1, most], [1, most], color=theme.FAINT, linewidth=1, linestyle=(0, (6, 3)),
              label="ideal")
    for label, colour, marker, dash, points in lines:
        points.sort(key=lambda point: point[0])
        axis.plot([point[0] for point in points], [point[1].value for point in points],
                  color=colour, marker=marker, linestyle=dash, label=label,
                  markeredgecolor=theme.INK, markeredgewidth=0.6)
    axis.set_xlabel("threads, or processes of Python's")
    axis.set_ylabel("speed-up")
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axis.set_ylim(bottom=0)
    _legend_below(axis, 2)
    return Figure(
        "threads", "Speed-up against threads",
        "The same work on one thread, two, and so on up to all processors. For the loops of 100 µs "
        "to 50 ms the table has what a simulation expects as their ideal.",
        f"Lines of the speed-up on 1 to {most} threads, beside the ideal. The table below has the "
        "numbers.",
        ("", "threads", "time", "speed-up", "ideal"),
        [[label, str(size), time, speedup, ideal]
         for label, *_, points in lines for size, speedup, time, ideal in points],
        drawing)


PEERS = {  # contender: colour, marker, line
    "serial": (theme.SERIAL, "", (0, (6, 3))),
    "parallel::map": (theme.BLUE, "o", "-"),
    "oneTBB": (theme.RED, "s", "--"),
    "std::par": (theme.GREEN, "^", "-"),
    "OMP guided": (theme.PINK, "v", "-"),
    "OMP static": (theme.ORANGE, "D", "-"),
    "Asio": (theme.SKY, "P", "-"),
}
ROW = re.compile(r"n=(\d+) w=(\d+)/(.*)")


def _grid(results):
    """The contest's grid: {(n, w): {contender: name}}."""
    grid = {}
    for name in results.names("overhead.json"):
        if match := ROW.fullmatch(name):
            grid.setdefault((int(match[1]), int(match[2])), {})[match[3]] = name
    return grid


def overhead(results):
    """What a call takes, against the number of its elements, by all contenders."""
    grid = _grid(results)
    works = [w for w in (0, 30, 300) if any(w == row[1] for row in grid)]
    if not works:
        return None
    drawing, axes = plt.subplots(len(works), 1, figsize=(theme.WIDTH, 2.5 * len(works) + 0.6),
                                 layout="constrained", sharex=True, squeeze=False)
    rows = []
    for axis, w in zip(axes[:, 0], works):
        axis.set_title("elements of nothing: all of it is overhead" if w == 0 else
                       f"elements of {w} multiplications")
        for contender, (colour, marker, line) in PEERS.items():
            points = [(n, results.number("time", f"overhead.json {names[contender]}"))
                      for (n, work), names in sorted(grid.items())
                      if work == w and contender in names]
            own = contender == "parallel::map"
            axis.loglog([n for n, _ in points], [time.value for _, time in points], color=colour,
                        marker=marker, linestyle=line, label=contender, zorder=3 if own else 2,
                        linewidth=2 if own else 1.1, markersize=5 if own else 4,
                        markeredgecolor=theme.INK, markeredgewidth=0.4)
        axis.set_ylabel("a call")
        axis.yaxis.set_major_formatter(FuncFormatter(_time_tick))
        axis.minorticks_off()
        for (n, work), names in sorted(grid.items()):
            if work == w:
                rows.append([f"{w}", f"{n}"] + [
                    results.number("time", f"overhead.json {names[contender]}")
                    if contender in names else None for contender in PEERS])
    axes[-1, 0].set_xlabel("n, elements")
    _legend_below(axes[-1, 0], 3)
    return Figure(
        "overhead", "Overhead against n",
        "The time of a whole call, its result included, with workers awake; both axes are "
        "logarithmic. Below the dashed line of the plain loop a call has gained something.",
        "Lines of a call's time against its number of elements, for the plain loop, parallel::map "
        "and its peers. The table below has the numbers.",
        ("w", "n", *PEERS), rows, drawing)


def _time_tick(seconds, _):
    for unit, size in (("s", 1), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if seconds >= 0.999 * size:
            return f"{seconds / size:.3g} {unit}"
    return ""


def efficiency(results):
    """How much of what is possible parallel::map reaches, over n and w."""
    grid = _grid(results)
    cells = {}
    for row, names in grid.items():
        if "serial" in names and "parallel::map" in names:
            serial, mapped = (f"overhead.json {names[who]}" for who in ("serial", "parallel::map"))
            ideal = f"{mapped}#ideal_speedup"
            cells[row] = serial, mapped, ideal, results.number("share", serial, mapped, ideal)
    if not cells:
        return None
    ns = sorted({n for n, _ in cells})
    ws = sorted({w for _, w in cells})
    drawing, axis = plt.subplots(figsize=(theme.WIDTH, 0.42 * len(ns) + 0.8), layout="constrained")
    for (n, w), (*_, share) in cells.items():
        x, y = ws.index(w), ns.index(n)
        axis.add_patch(plt.Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=theme.BLUE,
                                     alpha=0.55 * min(share.value, 1), linewidth=0))
        axis.text(x, y, str(share), ha="center", va="center")
    for x in range(len(ws)):
        for y in range(len(ns)):
            if (ns[y], ws[x]) not in cells:
                axis.text(x, y, "–", ha="center", va="center", color=theme.FAINT)
    axis.set_xlim(-0.5, len(ws) - 0.5)
    axis.set_ylim(len(ns) - 0.5, -0.5)
    axis.set_xticks(range(len(ws)), [f"{w:,}".replace(",", " ") for w in ws])
    axis.set_yticks(range(len(ns)), [f"{n:,}".replace(",", " ") for n in ns])
    axis.grid(visible=False)
    axis.tick_params(length=0)
    axis.set_xlabel("w, multiplications an element")
    axis.set_ylabel("n, elements")
    return Figure(
        "efficiency", "Efficiency over n and w",
        "The speed-up of parallel::map as a share of what perfect threads would reach, workers "
        "awake. Calls that are too small to be shared run on the caller and stay at the plain "
        "loop's share. Rows that take too long serially are left out (–).",
        "A grid of percentages: the more elements and the more work in each, the nearer to 100 %. "
        "The table below has the numbers.",
        ("n", "w", "serial", "parallel::map", "ideal", "efficiency"),
        [[str(n), str(w), results.number("time", serial), results.number("time", mapped),
          results.number("factor", ideal), share]
         for (n, w), (serial, mapped, ideal, share) in sorted(cells.items())],
        drawing)


POOLS = {  # contender: colour, marker
    "map on io_pool": (theme.BLUE, "o"),
    "io_pool::submit": (theme.SKY, "P"),
    "asio::post": (theme.RED, "s"),
    "OMP dynamic": (theme.PINK, "v"),
    "oneTBB arena": (theme.GREEN, "^"),
}
SLEEPS = re.compile(r"(\d+) x 10 ms, (\d+) threads/(.*)")


def concurrency(results):
    """Calls that wait: how many wait at once."""
    fetched = [row for row in comparison_rows(results, "fetch") if row.speedup]
    sleeps = {}
    for name in results.names("blocking.json"):
        match = SLEEPS.fullmatch(name)
        ideal = f"blocking.json {name}#ideal_seconds"
        if match and match[3] in POOLS and ideal in results:
            sleeps.setdefault(match[3], []).append(
                (int(match[1]), int(match[2]),
                 results.number("time", f"blocking.json {name}"),
                 results.number("share", ideal, f"blocking.json {name}")))
    panels = [part for part in (fetched, sleeps) if part]
    if not panels:
        return None
    drawing, axes = plt.subplots(len(panels), 1, figsize=(theme.WIDTH, 2.6 * len(panels) + 0.7),
                                 layout="constrained", squeeze=False)
    rows = []
    if fetched:
        axis = axes[0, 0]
        axis.set_title("pages fetched")
        ours = [(_threads_of(row), row.speedup) for row in fetched]
        python = [(_threads_of(row), row.python_speedup) for row in fetched if row.python_speedup]
        axis.plot([n for n, _ in ours], [row.ideal.value for row in fetched], color=theme.FAINT,
                  linestyle=(0, (6, 3)), label="ideal, from the delays")
        for label, points, colour, marker, size in (
                ("Python's dummy.Pool", python, theme.ORANGE, "s", 9),
                ("io_pool", ours, theme.BLUE, "o", 5)):
            if points:
                axis.plot([n for n, _ in points], [factor.value for _, factor in points],
                          color=colour, marker=marker, markersize=size, label=label,
                          markeredgecolor=theme.INK, markeredgewidth=0.6)
        _log_threads(axis, [n for n, _ in ours])
        axis.set_yscale("log")
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axis.minorticks_off()
        axis.set_ylabel("speed-up")
        axis.legend(loc="upper left")
        for row in fetched:
            rows.append([f"fetch: {row.what}", row.pooled, row.speedup, row.ideal, None])
            if row.python_speedup:
                rows.append([f"fetch: Python, {row.python_name.split('/', 1)[1]}",
                             row.python_pooled, row.python_speedup, row.ideal, None])
    if sleeps:
        axis = axes[-1, 0]
        calls = max(point[0] for points in sleeps.values() for point in points)
        axis.set_title(f"{calls} calls that sleep for 10 ms")
        for contender, (colour, marker) in POOLS.items():
            points = sorted(point for point in sleeps.get(contender, []) if point[0] == calls)
            axis.plot([point[1] for point in points], [100 * point[3].value for point in points],
                      color=colour, marker=marker, label=contender, markeredgecolor=theme.INK,
                      markeredgewidth=0.4)
            rows.extend([f"blocking: {calls} calls on {size} threads, {contender}", time, None,
                         None, share] for _, size, time, share in points)
        _log_threads(axis, [point[1] for point in sleeps["map on io_pool"] if point[0] == calls])
        axis.set_ylim(0, 110)
        axis.set_ylabel("of what is possible, %")
        axis.legend(loc="lower left", ncols=2)
    axes[-1, 0].set_xlabel("threads")
    return Figure(
        "concurrency", "Concurrency of io_pool",
        "Calls that wait should all wait at once, as far as there are threads. Above, pages from "
        "the slow server (the last point: many more URLs than the talk's 15); below, sleeps on "
        "pools of many threads, by all contenders.",
        "Lines of the speed-up of fetching on ever more threads, beside what the delays allow, and "
        "of how near to the least possible time pools get. The table below has the numbers.",
        ("", "time", "speed-up", "ideal", "of what is possible"), rows, drawing)


def timeline(results):
    """What each thread did during one call, drawn from the trace of it."""
    traced = results.timeline
    if not traced:
        return None
    threads = traced.threads
    lane = min(0.42, max(0.11, 7 / len(threads)))  # inches
    drawing, axis = plt.subplots(figsize=(theme.WIDTH, lane * len(threads) + 1.1),
                                 layout="constrained")
    chunk = {"facecolor": theme.BLUE, "edgecolor": theme.PAPER, "linewidth": 0.6}
    parked = {"facecolor": theme.GRID, "linewidth": 0}
    mark = {"linestyle": "none", "markersize": min(6, 25 * lane), "clip_on": False,
            "markeredgecolor": theme.INK, "markeredgewidth": 0.5, "zorder": 3}
    steal = {"color": theme.ORANGE, "marker": "v", **mark}
    wake = {"color": theme.PINK, "marker": "^", **mark}
    for place, thread in enumerate(threads):
        for spans, looks in ((thread.parks, parked), (thread.chunks, chunk)):
            axis.broken_barh([(1e3 * span.begin, 1e3 * (span.end - span.begin)) for span in spans],
                             (place - 0.28, 0.56), **looks)
        for moments, looks, beside in ((thread.steals, steal, -0.36), (thread.wakes, wake, 0.36)):
            if moments:  # a line of no points has its place too, outside
                axis.plot([1e3 * moment for moment in moments],
                          [place + beside] * len(moments), **looks)
    axis.set_xlim(0, 1.005e3 * traced.seconds)
    axis.set_ylim(len(threads) - 0.5, -0.5)
    named = range(0, len(threads), math.ceil(0.17 / lane))
    axis.set_yticks(named, [threads[place].name for place in named])
    axis.tick_params(axis="y", length=0)
    axis.grid(visible=False, axis="y")
    axis.set_xlabel("ms since the call began")
    _legend_below(axis, 4, handles=[
        Patch(**chunk, label="chunk"), Patch(**parked, label="parked"),
        Line2D([], [], **steal, label="steal"), Line2D([], [], **wake, label="wake")])

    def number(kind, *names):
        return results.number(kind, *(f"{TRACE} {name}" for name in names))

    def counted(noun):
        count = number("count", f"all#{noun}s")
        return count, f" {noun}" if count.value == 1 else f" {noun}s"

    def row(label, whose, *shared):
        return [label, *(number("count", f"{whose}#{quantity}")
                         for quantity in ("chunks", "elements", "steals", "wakes")),
                number("time", f"{whose}#busy"), number("share", f"{whose}#busy", *shared)]

    return Figure(
        "timeline", "One call, thread by thread",
        "A bar is a chunk: photographs that a thread has taken at once. A steal or a wake is "
        "marked on the lane of the thread that steals, or wakes another. A thread whose lane is "
        f"empty looks for work, or waits for the rest. {TRACE}, beside this page, also opens in "
        "https://ui.perfetto.dev.",
        f"A lane for each of {len(threads)} threads, from the call's beginning to its end, with "
        "the chunks that it ran as bars. The table below has the numbers.",
        ("", "chunks", "photographs", "steals", "wakes", "busy", "of the call"),
        [row(thread.name, f"thread {thread.number}", "call#time") for thread in threads]
        + [row("together", "all", "call#time", "all#threads")],
        drawing,
        (number("count", "call#elements"), " thumbnails in one call of parallel::map, in ",
         number("time", "call#time"), ": ", *counted("thread"), ", ", *counted("chunk"), ", ",
         *counted("steal"), ", ", *counted("wake"), ". "),
        f"Counts, and sums of the chunks' durations, within the last call in {TRACE}")


def _log_threads(axis, counts):
    axis.set_xscale("log")
    axis.set_xticks(sorted(set(counts)), [str(count) for count in sorted(set(counts))])
    axis.minorticks_off()


def _legend_below(axis, columns, **entries):
    """A legend under the axis' own label."""
    below = offset_copy(axis.transAxes, axis.figure, y=-34, units="points")
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, ncols=columns,
                **entries)


def _last_number(name):
    return int(name.rsplit("/", 1)[1])


def _threads_of(row):
    return int(re.search(r"/io_pool/(\d+)", row.name)[1])


ALL = (comparisons, threads, timeline, overhead, efficiency, concurrency)
