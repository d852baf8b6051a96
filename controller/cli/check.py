"""``biovisor check``: everything that is wrong with site, vessel-class and recipe files, at once, line by line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.config.problems import Problem


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser(
        "check",
        help="check site, vessel-class, recipe and scenario files",
        description="Checks files and prints every problem as file:line:column: message (hint). A site is checked with "
        "its vessel classes and its stored calibrations. A recipe is checked against its vessel class, which is looked "
        "for among the given files and in ../classes beside the recipe.",
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="site, class, recipe or scenario file")
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="where a site's calibrations are stored (default ./data)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of text")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when nothing is wrong, 1 otherwise."""
    from controller.cli.checking import check_files

    problems = check_files(args.files, args.data)
    sys.stdout.write(as_json(problems) if args.json else as_text(problems, len(args.files)))
    return 1 if problems else 0


def as_text(problems: Sequence[Problem], files: int) -> str:
    """One line per problem and a count."""
    from controller.config.problems import count

    if not problems:
        return f"{files} file{'' if files == 1 else 's'} checked, no problems\n"
    return "".join(f"{problem}\n" for problem in problems) + f"{count(len(problems))}\n"


def as_json(problems: Sequence[Problem]) -> str:
    """``{"ok": …, "problems": [{"file", "line", "column", "path", "message", "hint"}]}``."""
    document = {"ok": not problems, "problems": [problem.as_json() for problem in problems]}
    return json.dumps(document, indent=2) + "\n"
