"""``biovisor``: parses the command line and calls one sub-command.

Only the standard library is imported here, so that ``biovisor --help`` answers at once and ``biovisor run`` reaches
its first scan quickly; each sub-command imports what it needs when it runs.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

# Read by libraries when they are imported, so they are set before anything is; what the user has set stays.
# A scan's arrays are a few dozen numbers: a pool of threads for them costs start-up time and gains nothing.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# Looking for plug-ins reads the metadata of every installed package.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")

COMMANDS = ("demo", "run", "rehearse", "simulate", "fault", "check", "schema", "verify", "loop", "device")
EXIT_CODES = """exit codes:
  0  done
  1  the checked files have problems, or the work failed or was interrupted
  2  the command line is wrong
"""


class Version(argparse.Action):
    """Prints the version; reads the package metadata only when asked."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print ``biovisor <version>`` and leave."""
        from importlib import metadata

        sys.stdout.write(f"biovisor {metadata.version('biovisor')}\n")
        parser.exit()


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line with some sub-commands; each one's module adds its own part with ``add_parser``."""
    parser = argparse.ArgumentParser(
        prog="biovisor",
        description="Supervisory control for bioreactors and the instruments around them.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=Version, nargs=0, help="print the version and leave")
    # Without prog, argparse formats a usage to find it, which imports shutil with every compression there is.
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, prog=parser.prog)
    for name in commands:
        import_module(f"controller.cli.{name}").add_parser(subparsers)
    return parser


def spare_plugins() -> None:
    """Put a loader that finds none in the place of pydantic's loader of plug-ins, unless the user wants plug-ins.

    Even when it may not look for any, importing it takes what reads the metadata of packages, e-mail and ZIP files:
    fifty modules, and longer than to read a site.
    """
    if os.environ["PYDANTIC_DISABLE_PLUGINS"] == "1":
        loader = ModuleType("pydantic.plugin._loader")
        vars(loader)["get_plugins"] = tuple
        sys.modules.setdefault(loader.__name__, loader)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the return value is the process's exit code."""
    argv = sys.argv[1:] if argv is None else argv
    # A command that is named first needs only its own part; anything else may need them all, for help or a complaint.
    args = build_parser(argv[:1] if argv[:1] and argv[0] in COMMANDS else COMMANDS).parse_args(argv)
    spare_plugins()
    run = import_module(f"controller.cli.{args.command}").run
    try:
        code: int = run(args)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has seen enough, as `head` has: what is left goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        sys.stderr.write(f"\nbiovisor {args.command}: interrupted\n")
        return 1
    return code


if __name__ == "__main__":
    sys.exit(main())
