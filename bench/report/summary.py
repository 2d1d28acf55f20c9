#!/usr/bin/python3
"""A run as one JSON object: machine, compiler, commit, command, date and the rows of the table.

Usage: summary.py RESULTS-DIRECTORY > FILE.
"""

import dataclasses
import json
import sys

from results import Number, Results, comparison_rows


def plain(row):
    """The row with its numbers in seconds or as plain factors; null where there is none."""
    return {
        field.name: value.value if isinstance(value := getattr(row, field.name), Number) else value
        for field in dataclasses.fields(row)
    }


def main():
    results = Results(sys.argv[1])
    programs = [p for p in ("countdown", "thumbnails", "fetch") if f"{p}.json" in results.files]
    if not programs:
        raise SystemExit(f"{sys.argv[1]} holds no measurements")
    first = f"{programs[0]}.json"
    summary = {
        "machine": {
            "processor": results.context(first, "processor"),
            "processors": results.context(first, "num_cpus"),
        },
        "compiler": results.context(first, "compiler"),
        "python": next((results.context(file, "compiler") for file in results.files
                        if file.startswith("python-")), None),
        "commit": results.context(first, "commit"),
        "command": results.context(first, "run"),
        "date": results.context(first, "date"),
        "rows": [
            {"title": results.context(f"{program}.json", "title"), **plain(row)}
            for program in programs
            for row in comparison_rows(results, program)
        ],
    }
    json.dump(summary, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
