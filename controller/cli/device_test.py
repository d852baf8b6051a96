"""``biovisor device test``: the check before a run, one line per check."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.device_shared import (
    add_action,
    add_data,
    add_instruments,
    as_json,
    carry_out,
    complain,
    is_confirmed,
    site_devices,
    with_calibrations,
)
from controller.cli.shared import table

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.composition.devices_check import Check

USUAL_DAYS = 90
COLUMNS = ("result", "of", "check", "why", "what to do")


def add_parser(actions: Subparsers) -> None:
    """Add the action's arguments."""
    parser = add_action(
        actions,
        "test",
        "the check before a run: connections, identities, values, calibrations, pumps",
        "Every connection answers and is the expected instrument, every tag of the vessel is good and within its "
        "range, calibrations are there and not too old. With --pumps each pump that is confirmed turns for two "
        "seconds at its smallest speed. Exit code 1: a check failed.",
    )
    parser.add_argument("site", type=Path, help="site file")
    parser.add_argument("vessel", nargs="?", help="only this vessel and its instruments")
    parser.add_argument("--pumps", action="store_true", help="turn pumps; each is asked about")
    parser.add_argument("--yes", action="store_true", help="all pumps are confirmed by this")
    parser.add_argument(
        "--calibrated-within", type=float, default=USUAL_DAYS, metavar="DAYS", help="oldest calibration (default 90)"
    )
    add_instruments(parser)
    add_data(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when every check is right."""
    if not args.calibrated_within >= 0:
        return complain(args, f"--calibrated-within must be 0 or more, not {args.calibrated_within:g}", 2)
    if args.pumps and not args.yes and not sys.stdin.isatty():
        return complain(args, "--pumps asks about each pump, and there is no terminal: confirm all with --yes", 2)
    return carry_out(args, _test)


async def _test(args: argparse.Namespace) -> int:
    from controller.composition.devices_prerun import PreRun

    site, devices = site_devices(args.site, args.instruments)
    site, stored = with_calibrations(args, site)
    prerun = PreRun(site, stored, devices, args.vessel)
    checks = await prerun.run(args.calibrated_within)
    if args.pumps:
        checks += await prerun.try_pumps(lambda question: is_confirmed(args, question))
    failed = [check for check in checks if check.result == "failed"]
    if args.json:
        sys.stdout.write(as_json({"ok": not failed, "checks": [check.as_json() for check in checks]}))
    else:
        sys.stdout.write(table([COLUMNS, *map(_cells, checks)]))
        sys.stdout.write(f"{len(checks)} checks, {len(failed)} failed\n")
    return 1 if failed else 0


def _cells(check: Check) -> tuple[str, ...]:
    return (check.result, check.what, check.check, check.why, check.todo)
