"""How the figures look: Okabe and Ito's colours, which colour-blind readers can tell apart.

A PNG gets the colours for paper. An SVG gets names in their place and a style of its own that says
what they are by day and by night, so that it is readable wherever it is shown.
"""

import io
import re

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # after the choice of a backend that needs no display

# name: light, dark. The light ones are all different, as they are looked for in the SVG.
COLOURS = {
    "ink": ("#1b1b1c", "#e8e8e6"),
    "paper": ("#fefeff", "#161617"),
    "faint": ("#6a6a6b", "#a2a2a0"),
    "grid": ("#dcdcdb", "#3a3a3c"),
    "serial": ("#8c8c8d", "#8d8d8e"),
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#e69f00", "#e69f01"),
    "green": ("#009e73", "#20b98d"),
    "red": ("#d55e00", "#f07c20"),
    "pink": ("#cc79a7", "#dd94bc"),
    "sky": ("#56b4e9", "#f0e442"),
}
INK, PAPER, FAINT, GRID, SERIAL, BLUE, ORANGE, GREEN, RED, PINK, SKY = (
    light for light, _ in COLOURS.values())

WIDTH = 4.4  # inches: what still reads on a phone

plt.rcParams.update({
    "svg.fonttype": "none",
    "svg.hashsalt": "parallel",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
})


def svg(figure):
    """The figure as the text of an SVG file, transparent."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, bbox_inches="tight",
                   metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    for name, (light, _) in COLOURS.items():
        text = text.replace(light, f"var(--{name})")
    text = re.sub(r"'DejaVu Sans'(, [^;\"]*)?", "system-ui, 'DejaVu Sans', sans-serif", text)
    by_day, by_night = (
        " ".join(f"--{name}: {pair[i]};" for name, pair in COLOURS.items()) for i in (0, 1))
    style = (f"<style>:root {{ {by_day} }} @media (prefers-color-scheme: dark) "
             f"{{ :root {{ {by_night} }} }}</style>")
    return re.sub(r"(<svg[^>]*>)", lambda match: match[1] + style, text, count=1)


def png(figure, path):
    figure.savefig(path, format="png", dpi=200, facecolor="white", bbox_inches="tight")
