"""What several sub-commands share: loading a site with readable complaints, and common arguments."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.commands import Json
    from controller.config.load import LoadedSite
    from controller.config.simulation_words import SimulationCheck

    Subparsers = argparse._SubParsersAction[argparse.ArgumentParser]

EXAMPLES = Path(__file__).parent.parent / "examples"
"""The example configuration carried by the wheel; in a source checkout it is ``configs/`` at the top."""


def example(relative: str) -> Path:
    """Path of a shipped configuration file: ``example("sites/bench.yaml")``."""
    source = Path(__file__).parent.parent.parent / "configs" / relative
    return source if source.exists() else EXAMPLES / relative


def load_or_complain(path: Path, simulation: SimulationCheck | None = None) -> LoadedSite | None:
    """Load a site and its classes; on problems print them all to stderr and return ``None``. Simulated vessels are
    judged by ``simulation``, when given.
    """
    from controller.config.load import load_site
    from controller.config.problems import Problems
    from controller.recipe.conditions import check_condition

    try:
        return load_site(path, conditions=check_condition, simulation=simulation)
    except Problems as problems:
        sys.stderr.write(f"{problems}\n")
        return None


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """``--host``, ``--port`` and ``--data``, the same everywhere."""
    parser.add_argument("--host", default="127.0.0.1", help="loopback address of the page (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port of the page (default 8000; 0 takes a free one)")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where everything is stored (default ./data)")


def add_set(parser: argparse.ArgumentParser, text: str) -> None:
    """``--set NAME=VALUE``, which may be given several times."""
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], type=setting, help=text)


def setting(text: str) -> tuple[str, Json]:
    """``name=value``, the value being a number, true, false or a text."""
    name, found, value = text.partition("=")
    if not found or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        number: Json = json.loads(value)
    except ValueError:
        return name, value
    return name, number


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns, aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )
