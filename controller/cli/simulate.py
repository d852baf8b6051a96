"""``biovisor simulate``: only the instruments of a site, as a process of its own that outlives any supervisor."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "simulate",
        help="run only the simulated instruments of a site",
        description="Starts a wire-level simulator for every connection of the site, prints one JSON line with every "
        "address (url, port, pty, control), and runs until it is stopped. Point a supervisor at it with "
        "`biovisor run SITE --instruments FILE`, FILE holding that line.",
    )
    parser.add_argument("site", type=Path, help="site file")
    parser.add_argument("--speed", type=float, default=1.0, help="process time runs this much faster (default 1)")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where the pseudo-terminals are linked (default ./data)"
    )


def run(args: argparse.Namespace) -> int:
    """Replace this process by the simulators'; returns only when the site file is wrong."""
    from controller.cli.shared import load_or_complain
    from controller.composition.simulated import exec_simulators

    site = load_or_complain(args.site)
    if site is None:
        return 1
    return exec_simulators(site, speed=args.speed, directory=args.data / "instruments")
