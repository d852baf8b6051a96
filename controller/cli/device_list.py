"""``biovisor device list``: every installed driver, what it is for, and what it was checked against."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from controller.cli.device_shared import add_action, as_json

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.commands import Json
    from controller.composition.devices import Row

NOT_TOLD = "not told"


def add_parser(actions: Subparsers) -> None:
    """Add the action's arguments."""
    add_action(
        actions,
        "list",
        "installed drivers",
        "Every installed driver: what it is for, what it was checked against, its points as far as it can name them.",
    )


def run(args: argparse.Namespace) -> int:
    """Exit code 0."""
    from controller.composition.devices import installed

    rows = installed()
    if args.json:
        sys.stdout.write(as_json({"drivers": [_document(row) for row in rows]}))
    else:
        sys.stdout.write("".join(_text(row) for row in rows))
    return 0


def _document(row: Row) -> dict[str, Json]:
    about = row.about
    return {
        "name": about.name,
        "purpose": about.purpose,
        "verified_on": list(about.verified_on),
        "points": list(about.points),
        "schemes": list(about.schemes),
        "address_option": about.address_option,
        "trouble": row.trouble,
    }


def _text(row: Row) -> str:
    about = row.about
    if row.trouble:
        return f"{about.name}\n  {row.trouble}\n"
    verified = "; ".join(about.verified_on) or NOT_TOLD
    points = f"  points: {', '.join(about.points)}\n" if about.points else ""
    return f"{about.name}\n  {about.purpose}\n  verified on: {verified}\n{points}"
