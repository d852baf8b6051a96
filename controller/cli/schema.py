"""``biovisor schema``: the JSON Schema of a kind of file, for editors and other programs."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "schema",
        help="print the JSON Schema of a kind of file",
        description="Prints the JSON Schema (draft 2020-12) of a kind of configuration file. An editor that knows it "
        "completes keys and marks mistakes while you type; `biovisor check` finds more.",
    )
    parser.add_argument("kind", choices=("site", "class", "recipe", "scenario"), help="kind of file")


def run(args: argparse.Namespace) -> int:
    """Print the schema to stdout."""
    import controller.composition.scenario
    import controller.recipe.model  # noqa: F401 - both add a kind of file when they are imported
    from controller.config.schema import schema

    sys.stdout.write(json.dumps(schema(args.kind), indent=2) + "\n")
    return 0
