"""``biovisor device calibrate``: a probe, a pump or a balance, guided, one question at a time."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers

METHODS = ("ph-1", "ph-2", "do", "pump-balance", "pump-volume", "balance")


def add_parser(subparsers: Subparsers) -> None:
    """Add the action's arguments."""
    parser = subparsers.add_parser(
        "calibrate",
        help="calibrate a probe or a pump, or check a balance",
        description="Asks one question at a time; what was found is kept until it is finished. The supervisor takes a "
        "new calibration at its next start.",
    )
    parser.add_argument("site", type=Path, help="site file")
    parser.add_argument("vessel", nargs="?", default="", help="vessel; may be left out with --list")
    parser.add_argument("name", nargs="?", default="", help="calibration, such as ph or base_flow")
    parser.add_argument("--method", choices=METHODS, help="how it is done")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where everything is stored (default ./data)")
    _add_instruments(parser)
    _add_answers(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--resume", action="store_true", help="go on with what was interrupted")
    what.add_argument("--abandon", action="store_true", help="give up what was interrupted")
    what.add_argument("--undo", action="store_true", help="put the calibration before back into force")
    what.add_argument("--list", action="store_true", help="what is stored, oldest first")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def _add_instruments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--instruments", type=Path, metavar="FILE", help="use instruments that `biovisor simulate` started"
    )
    parser.add_argument("--balance", default="", metavar="WHERE", help="CONNECTION, CONNECTION.POINT or a measured tag")
    parser.add_argument("--thermometer", default="", metavar="POINT", help="of the probe, for the buffer's temperature")
    parser.add_argument("--band", type=float, help="how much a reading that is still may span, in the tag's unit")
    parser.add_argument("--window", type=float, metavar="SECONDS", help="for how long it must have been still")
    parser.add_argument(
        "--wait", type=float, default=120.0, metavar="SECONDS", help="for a still reading, until it is asked"
    )


def _add_answers(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--expires", metavar="TIME", help='how long it is valid, such as "90 d", or never')
    parser.add_argument(
        "--answer",
        action="append",
        default=[],
        type=_answer,
        metavar="KEY=TEXT",
        help="answer a question beforehand; its key stands in brackets behind it",
    )
    parser.add_argument("--who", help="same as --answer who=…")
    parser.add_argument("--reason", help="same as --answer reason=…")


def run(args: argparse.Namespace) -> int:
    """Exit code 0: done, passed or shown. 1: refused, failed or interrupted, the reason on stderr. 2: wrong words."""
    if complaint := _complaint(args):
        sys.stderr.write(f"biovisor device calibrate: {complaint}\n")
        if not args.name and args.site.is_file():
            from controller.cli.calibrating import offered

            sys.stderr.write(offered(args.site))
        return 2
    from controller.cli.calibrating import run as calibrating

    return calibrating(args)


def _complaint(args: argparse.Namespace) -> str:
    if not args.list and not args.name:
        return "which vessel, and which calibration?"
    if not (args.method or args.resume or args.abandon or args.undo or args.list):
        return f"how? --method {', '.join(METHODS)}"
    return ""


def _answer(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=TEXT")
    return key, value
