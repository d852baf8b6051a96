"""``biovisor rehearse``: a recipe on hundreds of virtual donors before it is run on one real one."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.composition.rehearsal import Shown


MOST = 2000
"""Donors whose trends of a month still fit into 2 GB."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "rehearse",
        help="run a recipe on virtual donors, and see what to expect",
        description="Runs the recipe with the scan, loops, alarms and recipe engine that run hardware, on simulated "
        "vessels, one for each virtual donor, in a fraction of the time. Prints what to expect, and stores it with a "
        "report. The same command gives the same bytes.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="recipe file")
    parser.add_argument("--class", dest="vessel_class", metavar="NAME", help="vessel class (default: the recipe's)")
    parser.add_argument("--site", type=Path, help="site file (default: the first beside the recipe with such a vessel)")
    parser.add_argument(
        "--vessel",
        help="vessel of the site whose plant is used (default: the first of the class with the recipe's culture)",
    )
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="scenario file: faults of every donor's vessel")
    parser.add_argument(
        "--formula",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a formula value, also several",
    )
    parser.add_argument("--donors", type=_count, default=200, metavar="N", help="virtual donors (default 200)")
    parser.add_argument("--seed", type=_seed, default=1, help="decides every random number (default 1)")
    parser.add_argument("--period", type=_period, default=20.0, metavar="S", help="scan period in s (default 20)")
    parser.add_argument(
        "--longest", type=_period, default=30.0, metavar="D", help="days after which it ends (default 30)"
    )
    parser.add_argument("--processes", type=_count, metavar="N", help="processes at work (default: one per processor)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where everything is stored (default ./data)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it was rehearsed, 1 for files or a plant that cannot be, or when it cannot be stored: then the
    figures are printed nevertheless.
    """
    from controller.cli.rehearsing import Refused, rehearse_and_store

    show = progress_bar(args.donors, args.longest, every_s=0.25 if sys.stderr.isatty() else 30.0)
    try:
        told, trouble = rehearse_and_store(args, args.processes or os.cpu_count() or 1, show)
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # figures of minutes are not lost to a terminal that has no °
    sys.stdout.write(told)
    sys.stderr.write(trouble)
    return 1 if trouble else 0


def progress_bar(donors: int, longest_d: float, every_s: float) -> Callable[[Shown], None]:
    """Shows how far it is: on one line of a terminal a few times a second, elsewhere on a new line now and then."""
    width, began = 30, time.monotonic()
    last = [began]

    def show(at: Shown) -> None:
        now = time.monotonic()
        if now - last[0] < every_s and (at.over < donors or every_s > 1.0):
            return
        last[0] = now
        done = "#" * (width * at.over // donors)
        day = min(at.process_s / 86_400.0, longest_d)
        start, end = ("\r", "\x1b[K" + "\n" * (at.over == donors)) if every_s < 1.0 else ("", "\n")
        line = f"[{done.ljust(width)}] {at.over} of {donors} batches over, day {day:.1f}, {now - began:.0f} s"
        sys.stderr.write(f"{start}{line}{end}")
        sys.stderr.flush()

    return show


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 to {MOST}, not {text!r}")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"it must be a whole number from 0 on, not {text!r}")
    return int(text)


def _period(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.1 <= number <= 60.0:
        raise argparse.ArgumentTypeError(f"it must be a number from 0.1 to 60, not {text!r}")
    return number
