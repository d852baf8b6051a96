"""``biovisor device``: instruments on their wires, without a supervisor: who is there, read, write, test, calibrate.

Each action has a module ``controller.cli.device_<action>`` with ``add_parser`` and ``run``.
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers

ACTIONS = ("list", "scan", "read", "write", "test", "calibrate")


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's actions and their arguments."""
    parser = subparsers.add_parser(
        "device",
        help="find, read, write, test and calibrate instruments, without a supervisor",
        description="Speaks to instruments by itself. A wire has one owner: stop the supervisor first, or use its API.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, prog="biovisor device")
    for action in ACTIONS:
        import_module(f"controller.cli.device_{action}").add_parser(actions)


def run(args: argparse.Namespace) -> int:
    """Do one action; gives the exit code."""
    code: int = import_module(f"controller.cli.device_{args.action}").run(args)
    return code
