"""``biovisor simulate``: only instruments, as a process of its own that outlives any supervisor."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.shared import add_set

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "simulate",
        help="run only simulated instruments: those of a site, or one",
        description="Starts a wire-level simulator for every connection of a site, or of one kind of instrument, "
        "prints one JSON line with every address (url, port, pty, control), and runs until it is stopped. "
        "Point a supervisor at a site's with `biovisor run SITE --instruments FILE`, FILE holding that line.",
    )
    parser.add_argument("what", metavar="SITE|INSTRUMENT", help="site file, or the name of a driver, such as alicat")
    parser.add_argument("--speed", type=float, default=1.0, help="process time runs this much faster (default 1)")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where the pseudo-terminals are linked (default ./data)"
    )
    wire = parser.add_mutually_exclusive_group()
    wire.add_argument("--port", type=int, help="one instrument: its wire on this TCP port, 0 for a free one")
    wire.add_argument("--pty", action="store_true", help="one instrument: a pseudo-terminal (the default)")
    add_set(parser, "one instrument: a setting of the simulator, such as unit=B")


def run(args: argparse.Namespace) -> int:
    """Replace this process by the simulators'; returns only when something is wrong."""
    directory = args.data / "instruments"
    if is_name(args.what):
        from controller.composition.simulated import exec_spec

        if args.port is not None and not 0 <= args.port <= 65535:
            sys.stderr.write(f"biovisor simulate: --port must be 0 to 65535, not {args.port}\n")
            return 2
        wire = {**({} if args.port is None else {"port": args.port}), **({"pty": True} if args.pty else {})}
        return exec_spec(
            {
                "site": args.what,
                "speed": args.speed,
                "seed": 1,
                "directory": str(directory.resolve()),
                "instruments": {args.what: {"kind": args.what, **wire, **dict(args.set)}},
            }
        )
    if args.port is not None or args.pty or args.set:
        sys.stderr.write("biovisor simulate: --port, --pty and --set are for one instrument; a site file has its own\n")
        return 2
    from controller.cli.shared import load_or_complain
    from controller.composition.simulated import check_simulation, exec_simulators

    site = load_or_complain(Path(args.what), check_simulation)
    return 1 if site is None else exec_simulators(site, speed=args.speed, directory=directory)


def is_name(what: str) -> bool:
    """Whether ``what`` is the name of an instrument and not a file."""
    return what.isidentifier() and not Path(what).exists()
