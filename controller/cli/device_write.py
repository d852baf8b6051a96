"""``biovisor device write``: one value, once, after a question; and what became of it."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from controller.cli.device_shared import (
    add_action,
    add_target,
    as_json,
    carry_out,
    chosen,
    complain,
    is_confirmed,
    target,
)

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.composition.devices_points import Spot, Written


def add_parser(actions: Subparsers) -> None:
    """Add the action's arguments."""
    parser = add_action(
        actions,
        "write",
        "write one value, once, after a question",
        "Shows what the value replaces, asks, writes once, and says what became of it: applied, refused with the "
        "instrument's reason, or unknown, and what is then read back. Exit code 0: applied.",
    )
    add_target(parser)
    parser.add_argument("assignment", metavar="POINT=VALUE", help='for a tag in its unit, or as "feed_flow=2 mL/min"')
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when the instrument took it."""
    point, found, value = args.assignment.partition("=")
    if not (point and found and value):
        return complain(args, f"{args.assignment!r} is not POINT=VALUE", 2)
    return carry_out(args, _write)


async def _write(args: argparse.Namespace) -> int:
    from controller.composition.devices import session
    from controller.composition.devices_points import glance, is_applied, value_for, write

    meant = target(args)
    word, _, text = args.assignment.partition("=")
    (spot,) = chosen(meant, [word.strip()])
    if spot.vessel and not spot.is_output:
        outputs = ", ".join(one.name for one in meant.spots if one.is_output) or "none"
        return complain(args, f"{spot.name} is measured, not written; outputs of {args.where}: {outputs}", 2)
    value = value_for(spot, text.strip())
    async with session(meant.device, to_act=True) as opened:
        before = await glance(opened, spot)
        now = f", which reads {before.shown()} now" if before else ""
        who = f"{opened.identity.vendor} {opened.identity.model} at {opened.url}"
        if not is_confirmed(args, f"Write {value:g} {spot.unit}".rstrip() + f" to {spot.name} of {who}{now}"):
            return complain(args, "nothing was written")
        meant.device.keep_off(to_act=True)
        written = await write(opened, spot, value)
    sys.stdout.write(_document(spot, written) if args.json else _text(spot, written))
    return 0 if is_applied(written) else 1


def _text(spot: Spot, written: Written) -> str:
    from controller.composition.devices_points import told

    after = f"; it reads {written.after.shown()}" if written.after else ""
    value = f"{written.outcome.value:g} {spot.unit}".rstrip()
    return f"{spot.name} = {value}: {told(written.outcome)}{after}\n"


def _document(spot: Spot, written: Written) -> str:
    outcome = written.outcome
    return as_json(
        {
            "point": spot.name,
            "value": outcome.value,
            "unit": spot.unit,
            "state": outcome.state.value,
            "detail": outcome.detail,
            "reads": written.after.as_json() if written.after else None,
        }
    )
