"""``biovisor run``: the supervisor of one site, on hardware or on simulated instruments."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.shared import add_server_arguments

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.composition.options import BatchOrder


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "run",
        help="run the supervisor of a site",
        description="Runs until SIGTERM or Ctrl-C; then every output goes to its safe value. After a crash the batch "
        "comes back Held, at the same step.",
    )
    parser.add_argument("site", type=Path, help="site file")
    parser.add_argument("--simulate", action="store_true", help="start simulated instruments and use them")
    parser.add_argument(
        "--instruments",
        type=Path,
        metavar="FILE",
        help="use instruments that `biovisor simulate` started; FILE holds its line",
    )
    parser.add_argument("--speed", type=float, help="process time runs this much faster; simulated instruments only")
    parser.add_argument(
        "--recipe", type=Path, help="recipe to start on --vessel, unless that vessel already has a batch"
    )
    parser.add_argument("--vessel", help="vessel for --recipe")
    parser.add_argument(
        "--formula",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help='a formula value, such as "target_density=2 10*6/mL"',
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="what goes wrong with simulated vessels; with --simulate only"
    )
    add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the supervisor; the exit code is 0 after an orderly stop."""
    complaint = complain(args)
    if complaint:
        sys.stderr.write(f"biovisor run: {complaint}\n")
        return 2
    gc.disable()  # until the first scan: what is imported and made for it stays
    from controller.composition.options import Options
    from controller.composition.supervisor import supervise

    return supervise(
        Options(
            site=args.site,
            data=args.data,
            host=args.host,
            port=args.port,
            speed=args.speed or 1.0,
            simulate=args.simulate,
            instruments=args.instruments.read_text(encoding="utf-8") if args.instruments else None,
            batches=(order(args),) if args.recipe else (),
            scenario=args.scenario,
        )
    )


def complain(args: argparse.Namespace) -> str:
    """What is wrong with the combination of arguments, or an empty text."""
    wrong = [text for text in args.formula if "=" not in text]
    rules = (
        (bool(args.recipe) != bool(args.vessel), "--recipe and --vessel belong together"),
        (
            args.simulate and args.instruments,
            "--simulate starts instruments, --instruments uses running ones: choose one",
        ),
        (
            args.instruments and not args.instruments.is_file(),
            f"{args.instruments} does not exist; `biovisor simulate` prints the line that belongs in it",
        ),
        (
            args.speed is not None and args.instruments,
            "the instruments' own speed counts: leave out --speed, or give it to `biovisor simulate`",
        ),
        (args.speed is not None and not args.speed > 0, f"--speed must be above 0, not {args.speed}"),
        (
            args.speed not in {None, 1.0} and not args.simulate,
            "--speed is for simulated instruments only; hardware runs in real time",
        ),
        (args.recipe and not args.recipe.is_file(), f"{args.recipe} does not exist"),
        (args.scenario and not args.simulate, "--scenario is for simulated instruments: add --simulate"),
        (args.scenario and not args.scenario.is_file(), f"{args.scenario} does not exist"),
        (wrong, f"--formula takes NAME=VALUE, not {''.join(wrong[:1])!r}"),
    )
    return next((complaint for broken, complaint in rules if broken), "")


def order(args: argparse.Namespace) -> BatchOrder:
    """The batch that the command line asks for."""
    from controller.composition.options import BatchOrder

    pairs = (text.split("=", 1) for text in args.formula)
    return BatchOrder(args.recipe, args.vessel, {name.strip(): value.strip() for name, value in pairs})
