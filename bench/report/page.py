#!/usr/bin/python3
"""The page of a run: index.html, self-contained, and each figure as SVG and PNG beside it.

Usage: page.py DIRECTORY, which holds the JSON files and gets the rest. Every number on the page
carries its sources, FILE.json and measurement, for readers and for verify.py.
"""

import base64
import html
import pathlib
import re
import sys

import figures
import theme
from results import TRACE, Number, Results

HERE = pathlib.Path(__file__).parent


def element(tag, content):
    if not isinstance(content, Number):
        return f"<{tag}>{html.escape(content or '–')}</{tag}>"
    sources = html.escape("\n/ ".join(content.sources))
    return (f'<{tag} data-kind="{content.kind}" title="{sources}">{html.escape(str(content))}'
            f"</{tag}>")


def paragraph(parts):
    """Texts and numbers, one after another; an address becomes a link."""
    joined = "".join(element("span", part) if isinstance(part, Number) else html.escape(part)
                     for part in parts)
    return re.sub(r"https://[\w./]*\w", r'<a href="\g<0>">\g<0></a>', joined)


def where(results, files):
    """Machine, compilers, commit and date of what was measured."""
    def several(key):
        return ", ".join(dict.fromkeys(str(results.context(file, key)) for file in files))

    days = sorted({results.context(file, "date")[:10] for file in files})
    return (f"{several('processor')}, {several('num_cpus')} processors · {several('compiler')} · "
            f"commit {several('commit')} · {', '.join(days)}")


def command(results, file):
    return (f"PARALLEL_TRACE={file} " if file == TRACE else "") + results.context(file, "command")


def section(results, figure):
    theme.png(figure.drawing, results.directory / f"{figure.name}.png")
    drawn = theme.svg(figure.drawing)
    (results.directory / f"{figure.name}.svg").write_text(drawn, encoding="utf-8")
    data = base64.b64encode(drawn.encode()).decode()
    headers = "".join(f"<th>{html.escape(header)}</th>" for header in figure.headers)
    rows = "\n".join(f"<tr>{''.join(element('td', each) for each in row)}</tr>" for row in figure.rows)
    commands = "".join(
        f'<li><a href="{file}">{file}</a>: '
        f"<code>{html.escape(command(results, file))}</code></li>"
        for file in figure.files)
    return f"""<section id="{figure.name}">
<h2>{html.escape(figure.title)}</h2>
<p>{paragraph((*figure.seen, figure.text))}</p>
<figure>
<img src="data:image/svg+xml;base64,{data}" alt="{html.escape(figure.alt)}">
<figcaption class="where">{html.escape(where(results, figure.files))}</figcaption>
</figure>
<details>
<summary>The numbers, and where they come from</summary>
<div class="wide"><table><thead><tr>{headers}</tr></thead><tbody>
{rows}
</tbody></table></div>
<p class="where">{html.escape(figure.numbers)}; hold the pointer over a number to see which.</p>
<ul class="where">{commands}</ul>
<p class="where">The figure alone: <a href="{figure.name}.svg">SVG</a>,
<a href="{figure.name}.png">PNG</a>.</p>
</details>
</section>
"""


def main():
    results = Results(sys.argv[1])
    drawn = [figure for make in figures.ALL if (figure := make(results))]
    if not drawn:
        raise SystemExit(f"{sys.argv[1]} holds no measurements to show")
    absent = []
    if one_sided := [program for program in figures.COMPARISONS
                     if f"python-{program}.json" not in results.files]:
        absent.append("Python's side of " + ", ".join(one_sided))
    if not results.timeline:
        absent.append(f"the timeline, for want of a {TRACE} with a call that was shared")
    first = next(iter(results.files))
    facts = {
        "Machine": f"{results.context(first, 'processor')}, "
                   f"{results.context(first, 'num_cpus')} processors",
        "Compilers": ", ".join(dict.fromkeys(
            results.context(file, "compiler") for file in results.files)),
        "Commit": results.context(first, "commit"),
        "Command": results.context(first, "run"),
        "Date": results.context(first, "date"),
    }
    if absent:
        facts["Absent"] = "; ".join(absent)
    listed = "".join(f"<dt>{name}</dt><dd>{html.escape(fact)}</dd>" for name, fact in facts.items())
    page = f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>parallel: the comparisons</title>
<link rel="icon" href="data:,">
<style>
{(HERE / "style.css").read_text(encoding="utf-8")}</style>
</head>
<body>
<h1>parallel: the comparisons</h1>
<p>A loop, Python's pools, this library's, its peers, and what is possible.</p>
<dl>{listed}</dl>
{"".join(section(results, figure) for figure in drawn)}</body>
</html>
"""
    (results.directory / "index.html").write_text(page, encoding="utf-8")
    print(f"{results.directory / 'index.html'}: {len(drawn)} figures")


if __name__ == "__main__":
    main()
