"""``biovisor verify``: checks the journal's hash chain from its first row to its last."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Add the sub-command's arguments."""
    parser = subparsers.add_parser("verify", help="check that the journal was not altered")
    parser.add_argument("--data", type=Path, default=Path("data"), help="data directory (default ./data)")


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when every entry is as it was written, 1 with the first bad one otherwise."""
    from controller.composition.paths import store_path
    from controller.store.verify import verify

    path = store_path(args.data)
    if not path.exists():
        others = ", ".join(sorted(str(other.parent) for other in args.data.glob(f"*/{path.name}")))
        hint = f"; choose one of these with --data: {others}" if others else ""
        sys.stderr.write(f"{path} does not exist: nothing has been recorded in {args.data}{hint}\n")
        return 1
    checked, bad = verify(path)
    if bad is None:
        sys.stdout.write(f"{checked} entries, the chain is whole\n")
        return 0
    sys.stderr.write(f"entry {bad} was altered, removed or reordered\n")
    return 1
