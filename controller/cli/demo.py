"""``biovisor demo``: two simulated bioreactors, their recipes and the page, at sixty times real speed."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.shared import add_server_arguments, example

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers

SPEED = 60.0
GROWING = {"temperature_c": 37.0, "volume_l": 1.05, "ph": 7.2, "do": 55.0, "vcd": 1.1, "culture_age_h": 40.0}
"""BR-101 is found in its second day: warm, inoculated and growing."""
WARM = {"temperature_c": 36.9, "volume_l": 1.0, "ph": 7.22, "do": 60.0}
"""BR-102 is found with warm medium and no cells."""


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "demo",
        help="two simulated bioreactors, the recipe and the page",
        description="Runs the bench site on simulated instruments at 60 times real speed: BR-101 is growing cells, "
        "BR-102 asks for its inoculation. Every start is a new day: its record is kept in a folder of its own.",
    )
    parser.add_argument("--speed", type=float, default=SPEED, help="process time runs this much faster (default 60)")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="what goes wrong with the vessels")
    add_server_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the demonstration until Ctrl-C."""
    if not args.speed > 0:
        sys.stderr.write(f"biovisor demo: --speed must be above 0, not {args.speed}\n")
        return 2
    if args.scenario and not args.scenario.is_file():
        sys.stderr.write(f"biovisor demo: {args.scenario} does not exist\n")
        return 2
    gc.disable()  # until the first scan: what is imported and made for it stays
    from controller.composition.options import BatchOrder, Options
    from controller.composition.paths import fresh
    from controller.composition.supervisor import supervise

    recipe = example("recipes/car-t-expansion.yaml")
    growing = BatchOrder(recipe, "BR-101", begin_at="expand", reason="demonstration: inoculated the day before")
    warm = BatchOrder(recipe, "BR-102", begin_at="equilibrate", reason="demonstration: filled beforehand")
    return supervise(
        Options(
            site=example("sites/bench.yaml"),
            data=fresh(Path(args.data), "demo"),
            host=args.host,
            port=args.port,
            speed=args.speed,
            simulate=True,
            initial={"BR-101": GROWING, "BR-102": WARM},
            batches=(growing, warm),
            scenario=args.scenario,
        )
    )
