"""``python -m tests.bench``: prints the ratio table. The exit code is 0 when every goal was met, else 1."""

import argparse
import sys

from tests.bench import machine, table
from tests.bench.lines import LINE_ROWS
from tests.bench.rows import ROWS


def main(argv=None, rows=(*ROWS, *LINE_ROWS), **options):
    """Race row by row and print each as it is done."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="The ratio table.")
    parser.add_argument("--only", default="", metavar="TEXT", help="only rows whose name or peer contains TEXT")
    only = parser.parse_args(argv).only
    print(*machine.described(), sep="\n")
    print("Medians, in brackets minima; the goal is judged by the ratio of the medians.\n")
    print(*table.head(), sep="\n")
    missed = 0
    for row in [row for row in rows if only in f"{row.name} {row.peer}"]:
        result = row.measure(**options) if row.possible else None
        print(table.line(table.missing(row) if result is None else table.cells(result)), flush=True)
        missed += row.goal != "" and not (result and result.met)
    print(f"\nload per core {machine.load():.2f}; " + (f"{missed} goals missed" if missed else "every goal met"))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
