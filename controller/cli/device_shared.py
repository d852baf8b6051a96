"""What the actions of ``biovisor device`` share: their arguments, the instruments that are meant, and complaints."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from controller.cli.shared import add_set

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.commands import Json
    from controller.composition.calibrations import Stored
    from controller.composition.devices import Device
    from controller.composition.devices_points import Spot
    from controller.config.load import LoadedSite

NOISY = ("asyncio", "asyncua", "pymodbus")
"""Libraries that log what is told here in one line."""


def add_action(actions: Subparsers, name: str, text: str, description: str) -> argparse.ArgumentParser:
    """One action, with ``--json``."""
    parser = actions.add_parser(name, help=text, description=description)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return parser


def add_target(parser: argparse.ArgumentParser) -> None:
    """The two ways to name an instrument: ``SITE CONNECTION`` and ``DRIVER URL``."""
    parser.add_argument("what", metavar="SITE|DRIVER", help="site file, or name of a driver")
    parser.add_argument("where", metavar="CONNECTION|URL", help="connection of the site, or URL")
    add_set(parser, "an option of the driver, such as unit=B")
    add_instruments(parser)
    add_data(parser)


def add_instruments(parser: argparse.ArgumentParser) -> None:
    """``--instruments``, as in ``run``."""
    parser.add_argument(
        "--instruments",
        type=Path,
        metavar="FILE",
        help="of a site: use instruments that `biovisor simulate` started; FILE holds its line",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """``--data``, as in ``run``."""
    parser.add_argument(
        "--data", type=Path, default=Path("data"), help="of a site: where its calibrations are stored (default ./data)"
    )


class Target(NamedTuple):
    """An instrument and the points of the site's tags on it."""

    device: Device
    spots: Sequence[Spot] = ()


def target(args: argparse.Namespace) -> Target:
    """The instrument that ``add_target``'s arguments name. Raises :class:`Failed`."""
    from controller.composition.devices import Device, Failed
    from controller.composition.devices_scan import check_url

    if not is_site(args.what):
        if args.instruments:
            raise Failed("--instruments is for a site", 2)
        check_url(args.where)
        device = Device(args.what, args.what, args.where, dict(args.set))
        device.create()
        return Target(device)
    from controller.composition.devices_points import spots_of

    site, devices = site_devices(Path(args.what), args.instruments)
    if args.where not in devices:
        vessel = site.config.vessels.get(args.where)
        here = vessel.instruments.values() if vessel else devices
        raise Failed(
            f"there is no connection {args.where!r}; the {'vessel' if vessel else 'site'} has {', '.join(here)}", 2
        )
    device = devices[args.where].with_options(dict(args.set))
    device.create()
    site, _ = with_calibrations(args, site)
    return Target(device, spots_of(site).get(args.where, ()))


def with_calibrations(args: argparse.Namespace, site: LoadedSite) -> tuple[LoadedSite, Stored]:
    """The site with the calibrations that are stored for it, and what else is. Raises :class:`Failed`."""
    from controller.composition.calibrations import stored
    from controller.composition.devices import Failed
    from controller.store.calibrations import CalibrationsUnusable

    try:
        found = stored(site, args.data, simulated=args.instruments is not None)
    except CalibrationsUnusable as error:
        raise Failed(str(error)) from error
    if found.unfit:
        raise Failed(found.unfit[0])
    for text in found.warnings:
        say(text)
    return site._replace(calibrations=found.in_force), found


def chosen(meant: Target, words: Sequence[str]) -> list[Spot]:
    """The points that are meant; a word that is nearly a tag is told. Raises :class:`Failed`."""
    from controller.composition.devices_points import choose, near_miss

    spots = choose(meant.device, meant.spots, words)
    for spot in spots:
        if hint := near_miss(meant.spots, spot):
            say(f"{hint} It is taken for the instrument's own word")
    return spots


def is_site(what: str) -> bool:
    """Whether ``what`` is a site file and neither a driver nor a URL."""
    return "://" not in what and (Path(what).suffix in {".yaml", ".yml"} or Path(what).is_file())


def site_devices(path: Path, instruments: Path | None) -> tuple[LoadedSite, Mapping[str, Device]]:
    """A site and its instruments, or the simulated ones in their place. Raises :class:`Failed`."""
    from controller.composition.devices import Failed, devices_of
    from controller.composition.simulated import Addresses, SimulatorError
    from controller.config.load import load_site
    from controller.config.problems import Problems
    from controller.recipe.conditions import check_condition

    try:
        site = load_site(path, conditions=check_condition)
        if instruments is None:
            return site, devices_of(site)
        addresses = Addresses.parse(instruments.read_text(encoding="utf-8"))
        addresses.check(site.config.connections)
    except (Problems, SimulatorError) as error:
        raise Failed(str(error)) from error
    except OSError as error:
        raise Failed(f"{instruments}: {error.strerror}", 2) from error
    return site, devices_of(site, addresses)


def carry_out(args: argparse.Namespace, work: Callable[[argparse.Namespace], Awaitable[int]]) -> int:
    """Do one action in an event loop; gives the exit code. What stands in its way is one line on stderr."""
    import asyncio
    import logging

    from controller.composition.devices import Failed
    from drivers.contract import DriverError

    async def done() -> int:
        """The action."""
        return await work(args)

    for library in NOISY:
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        return asyncio.run(done())
    except Failed as failed:
        return complain(args, str(failed), failed.code)
    except DriverError as error:
        return complain(args, str(error) or type(error).__name__)
    except TimeoutError:
        return complain(args, "no answer within the deadline")


def complain(args: argparse.Namespace, text: str, code: int = 1) -> int:
    """Say why on stderr; the exit code."""
    sys.stderr.write(f"biovisor device {args.action}: {text}\n")
    return code


def say(text: str) -> None:
    """A line about progress, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def as_json(document: Mapping[str, Json], *, indent: int | None = 2) -> str:
    """One JSON object; one line of it without ``indent``."""
    return json.dumps(document, indent=indent) + "\n"


def is_confirmed(args: argparse.Namespace, question: str) -> bool:
    """Ask on the terminal, unless ``--yes`` answers it. Raises :class:`Failed` when there is nobody to ask."""
    from controller.composition.devices import Failed

    if args.yes:
        say(question)
        return True
    if not sys.stdin.isatty():
        raise Failed(f"{question}? There is no terminal to ask on: confirm with --yes", 2)
    return _typed(f"{question}? [y/N] ").strip().lower() in {"y", "yes"}


def _typed(prompt: str) -> str:
    """A line from the terminal. Raises :class:`Failed` for Ctrl-C, from the prompt on: an event loop would keep it to
    itself until the line is there.
    """
    import signal

    from controller.composition.devices import Failed

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write(prompt)
        sys.stderr.flush()
        return sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise Failed("interrupted at the question: it was not done") from None
    finally:
        signal.signal(signal.SIGINT, before)
