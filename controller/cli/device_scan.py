"""``biovisor device scan``: who answers on a port, at a host, or on the connections of a site."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from controller.cli.device_shared import (
    add_action,
    add_instruments,
    as_json,
    carry_out,
    complain,
    is_site,
    say,
    site_devices,
)
from controller.cli.shared import add_set, table
from drivers.contract import Identity

if TYPE_CHECKING:
    from controller.cli.shared import Subparsers
    from controller.commands import Json
    from controller.composition.devices_scan import Answer

COLUMNS = ("vendor", "model", "serial", "firmware", "driver", "URL", "address")
SITE_COLUMNS = ("connection", *COLUMNS[:-1], "why not")


def add_parser(actions: Subparsers) -> None:
    """Add the action's arguments."""
    parser = add_action(
        actions,
        "scan",
        "who answers on a port, at a host, or on the connections of a site",
        "Asks for identities only. Tries the installed drivers in turn until one is answered, a serial URL without "
        "settings at each one's usual ones. What did not answer is on standard error.",
    )
    parser.add_argument("where", metavar="URL|SITE", nargs="+", help="URLs, or one site file")
    parser.add_argument(
        "--driver", action="append", default=[], metavar="NAME", help="try this one; all that are named are tried"
    )
    parser.add_argument("--address", metavar="RANGE", help="numbers on the line: 1-32, A-F or 1,5,7")
    add_set(parser, "an option of the drivers, such as slowest_reply=2")
    add_instruments(parser)


def run(args: argparse.Namespace) -> int:
    """Exit code 0 when something answers, of a site all; 1 otherwise; 2 for a wrong command line."""
    sites = [where for where in args.where if is_site(where)]
    if sites and (len(args.where) > 1 or args.driver or args.address or args.set):
        return complain(args, "a site file stands alone: it says which drivers are where", 2)
    if args.instruments and not sites:
        return complain(args, "--instruments is for a site", 2)
    return carry_out(args, _site if sites else _urls)


async def _site(args: argparse.Namespace) -> int:
    from controller.composition.devices_scan import scan_site

    _, devices = site_devices(Path(args.where[0]), args.instruments)
    answers = await scan_site(devices)
    rows = [(one.device.name, *_cells(one)[:-1], one.why) for one in answers]
    _print(args, [{"connection": one.device.name, **_document(one)} for one in answers], [SITE_COLUMNS, *rows])
    return 0 if all(one.identity for one in answers) else 1


async def _urls(args: argparse.Namespace) -> int:
    from controller.composition.devices import Failed
    from controller.composition.devices_scan import Search, addresses_of, check_url, scan

    try:
        search = Search(args.driver, addresses_of(args.address) if args.address else (), dict(args.set))
    except ValueError as error:
        raise Failed(f"--address: {error}", 2) from error
    for url in args.where:
        check_url(url)
    answers: list[Answer] = []
    for url in args.where:
        try:
            answers += await scan(url, search, say)
        except Failed as failed:
            if failed.code == 2:
                raise
            say(f"{url}: {failed}")
    if answers or args.json:
        _print(args, [_document(one) for one in answers], [COLUMNS, *map(_cells, answers)])
    return 0 if answers else complain(args, "nothing answers")


def _print(args: argparse.Namespace, documents: Sequence[Json], rows: Sequence[Sequence[str]]) -> None:
    sys.stdout.write(as_json({"found": list(documents)}) if args.json else table(rows))


def _cells(answer: Answer) -> tuple[str, ...]:
    told = answer.identity or Identity("", "")
    where = f"{answer.url} at {told.via}" if told.via else answer.url
    return (told.vendor, told.model, told.serial, told.firmware, answer.device.kind, where, answer.address)


def _document(answer: Answer) -> dict[str, Json]:
    return {
        **(answer.identity._asdict() if answer.identity else {}),
        "driver": answer.device.kind,
        "url": answer.url,
        "address": answer.address,
        "answers": answer.identity is not None,
        "why": answer.why,
    }
