"""``biovisor device read``: values of one instrument as they are now."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.cli.device_shared import Target, add_action, add_target, as_json, carry_out, chosen, complain, target
from controller.cli.shared import table

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.composition.devices_points import Reading, Spot

USUAL_EVERY_S = 1.0


def add_parser(actions: Subparsers) -> None:
    """Add the action's arguments."""
    parser = add_action(
        actions,
        "read",
        "values of an instrument as they are now",
        "Reads points of a site's connection in the units of its tags, or of an instrument that no site names as raw "
        "numbers. Exit code 1: it does not answer, or one of the last values is bad.",
    )
    add_target(parser)
    parser.add_argument(
        "points", metavar="POINT", nargs="*", help="what to read: the instrument's words, or names of tags; all if none"
    )
    parser.add_argument("--every", type=float, metavar="SECONDS", help="read again and again")
    parser.add_argument("--count", type=int, metavar="N", help="so many times; without --every once a second")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when no value of the last reading is bad."""
    if args.every is not None and not 0 < args.every < float("inf"):
        return complain(args, f"--every must be above 0, not {args.every:g}", 2)
    if args.count is not None and args.count < 1:
        return complain(args, f"--count must be 1 or more, not {args.count}", 2)
    try:
        return carry_out(args, _read)
    except KeyboardInterrupt:
        return 0


async def _read(args: argparse.Namespace) -> int:
    from controller.composition.devices_points import follow
    from drivers.contract import Quality

    meant = target(args)
    spots = chosen(meant, args.points) if args.points else _all(meant)
    many = args.every is not None or (args.count or 1) > 1
    count = args.count or (float("inf") if many else 1)
    last: list[Reading] = []

    def show(readings: Sequence[Reading]) -> None:
        """Print one reading."""
        sys.stdout.write(_document(meant, readings) if args.json else _text(readings, timed=many))
        sys.stdout.flush()
        last[:] = readings

    await follow(meant.device, spots, args.every or USUAL_EVERY_S, count, show)
    return 1 if any(reading.sample.quality is Quality.BAD for reading in last) else 0


def _all(meant: Target) -> list[Spot]:
    """Every point that is known and can be read."""
    from controller.composition.devices import all_points
    from controller.composition.devices_points import choose

    if meant.spots:
        return [spot for spot in meant.spots if spot.is_read]
    return choose(meant.device, (), all_points(meant.device))


def _text(readings: Sequence[Reading], *, timed: bool) -> str:
    rows = [(*reading.cells(),) for reading in readings]
    if timed:
        return table([(_now(), *row) for row in rows])
    return table([("point", "value", "quality", "reason", "detail"), *rows])


def _document(meant: Target, readings: Sequence[Reading]) -> str:
    points = [reading.as_json() for reading in readings]
    return as_json({"time": _now(), "instrument": meant.device.name, "points": list(points)}, indent=None)


def _now() -> str:
    from controller.clock import ScaledClock, iso_utc

    return iso_utc(ScaledClock().utc())
