"""``biovisor loop``: loops of a running supervisor, over its HTTP API: look, set, tune."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers

RULES = ("simc", "amigo-pi", "amigo-pid", "lambda")
MODES = ("auto", "manual", "off", "cascade", "remote", "out_of_service")
URL = "http://127.0.0.1:8000"


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's actions and their arguments."""
    parser = subparsers.add_parser(
        "loop",
        help="look at, set and tune the loops of a running supervisor",
        description="Talks to a running supervisor. Exit code 1: it does not answer, or it refused.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True, prog="biovisor loop")
    _action(actions, "list", "every loop: mode, PV, setpoint, output", loop=False)
    show = _action(actions, "show", "one loop and its tuning")
    show.add_argument(
        "--form",
        choices=("standard", "series", "parallel"),
        default="standard",
        help="how the tuning is written (default standard, the ISA form)",
    )
    change = _action(actions, "set", "change a setpoint", reason=True)
    change.add_argument("value", metavar="VALUE", help='number with unit, such as "36.5 Cel"')
    mode = _action(actions, "mode", "change a mode", reason=True)
    mode.add_argument("mode", metavar="MODE", choices=MODES, help=", ".join(MODES))
    _add_tune(actions)
    health = _action(actions, "health", "how well a loop does")
    health.add_argument("--sisters", action="store_true", help="beside the same loop on the other vessels of its class")
    health.add_argument("--operation", metavar="NAME", help="with --sisters: only this operation of the batches")


def _add_tune(actions: Subparsers) -> None:
    tune = _action(
        actions,
        "tune",
        "tune by experiment: moves the output, fits a model, proposes tunings with what to expect of them, asks",
        reason=True,
    )
    tune.add_argument("--method", choices=("relay", "step"), default="relay", help="the experiment (default relay)")
    tune.add_argument("--amplitude", type=float, help="in output units; 10 %% of the output's range unless given")
    tune.add_argument("--asymmetry", type=float, help="relay: how many times larger up than down; 1.5 unless given")
    tune.add_argument("--cycles", type=int, help="relay: at least so many; 4 unless given")
    tune.add_argument("--longest", type=float, metavar="SECONDS", help="give up after; 21600 unless given")
    tune.add_argument("--pv-low", type=float, help="end it below this PV; the alarms count anyway")
    tune.add_argument("--pv-high", type=float, help="end it above this PV; the alarms count anyway")
    tune.add_argument("--again", action="store_true", help="no experiment: proposals from the newest one's record")
    tune.add_argument("--accept", choices=RULES, help="bring this proposal into force without asking")
    tune.add_argument("--undo", action="store_true", help="put the tuning back that the present one replaced")


def _action(
    actions: Subparsers, name: str, text: str, *, loop: bool = True, reason: bool = False
) -> argparse.ArgumentParser:
    """One action with the arguments that all of its kind have."""
    parser = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    if loop:
        parser.add_argument("loop", metavar="LOOP", help="vessel and loop, such as BR-101.temperature")
    if reason:
        parser.add_argument("--reason", default="from the command line", help="goes on record")
    parser.add_argument("--url", default=URL, help=f"of the supervisor (default {URL})")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")
    return parser


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when it was done, 1 when the supervisor does not answer or refuses, 2 for a wrong loop name."""
    from controller.cli.loop_actions import ACTIONS
    from controller.cli.loop_client import Client, Failed

    try:
        return ACTIONS[args.action](Client(args.url), args)
    except Failed as failed:
        sys.stderr.write(f"biovisor loop {args.action}: {failed}\n")
        return failed.code
