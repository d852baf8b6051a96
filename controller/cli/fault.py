"""``biovisor fault``: what can go wrong with a simulated vessel, and letting it happen while a simulated site runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.shared import table

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's actions and their arguments."""
    parser = subparsers.add_parser(
        "fault",
        help="let something go wrong with a simulated vessel",
        description="Process faults of simulated vessels: probes that drift, pumps that run on, a power cut. They act "
        "in the plant, and the supervisor learns of them by its instruments alone, but for a line on record.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, prog="biovisor fault")
    actions.add_parser("list", help="the catalogue", description="Every process fault, with its range and signature.")
    status = actions.add_parser("status", help="what waits or goes on", description="What waits or goes on now.")
    _add_where(status)
    inject = actions.add_parser("inject", help="order a fault", description="Orders one fault; prints its number.")
    inject.add_argument("fault", help="name of the catalogue, such as gas-loss")
    inject.add_argument("--vessel", required=True, help="vessel of the running site")
    inject.add_argument("--signal", help="which of the possible signals (default: the first)")
    inject.add_argument("--start", metavar="TIME", help='process time from now, such as "10 min" (default: now)')
    inject.add_argument("--duration", metavar="TIME", help="process time (default: as usual)")
    inject.add_argument("--magnitude", metavar="QUANTITY", help='such as "0.2 [pH]" (default: as usual)')
    _add_where(inject)
    clear = actions.add_parser("clear", help="end a fault", description="Ends a fault, or calls it off.")
    clear.add_argument("number", help="number that inject printed, or all")
    _add_where(clear)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="data directory of the supervisor or demo (default ./data)"
    )
    parser.add_argument("--instruments", type=Path, metavar="FILE", help="instruments that `biovisor simulate` started")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it was done, 1 when it was refused or nothing simulated runs, 2 for a wrong order."""
    from controller.composition.fault_desk import NotOrdered, clear, going_on, inject
    from controller.composition.simulated import SimulatorError

    try:
        if args.action == "list":
            sys.stdout.write(listed())
        elif args.action == "status":
            sys.stdout.write(standing(going_on(args.data, args.instruments)))
        elif args.action == "inject":
            texts = (args.signal, args.start, args.duration, args.magnitude)
            sys.stdout.write(inject(args.fault, args.vessel, texts, args.data, args.instruments))
        else:
            sys.stdout.write(clear(args.number, args.data, args.instruments))
    except NotOrdered as error:
        sys.stderr.write(f"biovisor fault: {error}\n")
        return 2
    except SimulatorError as error:
        sys.stderr.write(f"biovisor fault: {error}\n")
        return 1
    return 0


def standing(rows: Sequence[tuple[str, ...]]) -> str:
    """What waits or goes on, as a table."""
    from controller.composition.fault_status import HEAD

    return table([HEAD, *rows]) if rows else "no process fault is waiting or going on\n"


def listed() -> str:
    """The catalogue as a table."""
    from controller.composition.fault_desk import rows

    return table([("NO", "FAULT", "BEFALLS", "MAGNITUDE", "DURATION", "WHAT"), *rows()])
