"""Who answers: on a port or at a host, asked in the language of every driver that fits; or on a site's connections.

Only identities are asked for. A driver that changes something at an instrument by connecting is tried when it is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from controller.composition.devices import Device, Failed, installed, session, settled
from controller.config.url import SHARED, UrlError, parse_url
from drivers.contract import Identity, LinkLost
from drivers.link_state import explain
from drivers.registry import About, UnknownDriver

CONNECT_S = 3.0
"""How long a host may take to accept a connection."""


class Answer(NamedTuple):
    """What came of asking once: an identity, or why there is none. ``address`` is the number on the line, if given."""

    device: Device
    url: str
    address: str = ""
    identity: Identity | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What to try at every URL: drivers (all that may be, if none is named), numbers on the line, options."""

    drivers: Sequence[str] = ()
    addresses: Sequence[str] = ()
    options: Mapping[str, object] | None = None


async def scan(url: str, search: Search, tell: Callable[[str], None]) -> list[Answer]:
    """Ask at one URL, driver by driver; those that answered. ``tell`` gets a line for everything else.

    Raises :class:`Failed` for a wrong URL or driver, and when the port or the host itself cannot be reached.
    """
    check_url(url)
    abouts = candidates(url, search, tell)
    Device(url, abouts[0].name, url).keep_off(to_act=False)
    await reach(url)
    found: list[Answer] = []
    for number, about in enumerate(abouts):
        for place, (device, address) in enumerate(attempts(url, about, search)):
            answer = await ask(device, address, strict=bool(search.drivers))
            if answer.identity is None and number and not place:
                # What the one before said in another language may still stand before the first question of this one.
                answer = await ask(device, address, strict=bool(search.drivers))
            if answer.identity is not None:
                found.append(answer)
            else:
                tell(f"{about.name}{f' {address}' if address else ''}: {answer.why}")
        if found and not search.drivers:
            if not about.recognises:
                tell(f"{about.name}: {UNSURE}")
            break
    return found


async def ask(device: Device, address: str, *, strict: bool) -> Answer:
    """Ask one instrument who it is. Raises :class:`Failed` when the port itself cannot be opened and, if ``strict``,
    when the driver does not know an option.
    """
    result = await settled(_identity(device))
    if isinstance(result, Answer):
        return result._replace(address=address)
    if isinstance(result, Failed) and strict:
        raise result
    if isinstance(result, LinkLost) and urlsplit(device.url).scheme in SHARED:
        raise Failed(str(result)) from result
    return Answer(device, device.url, address, None, _why(result))


async def scan_site(devices: Mapping[str, Device]) -> list[Answer]:
    """Ask every instrument of a site, all at the same time."""
    results = await asyncio.gather(*(settled(_identity(device)) for device in devices.values()))
    return [
        result if isinstance(result, Answer) else Answer(device, device.url, why=_why(result))
        for device, result in zip(devices.values(), results, strict=True)
    ]


async def _identity(device: Device) -> Answer:
    async with session(device) as opened:
        return Answer(device, opened.url, identity=opened.identity)


def _why(error: BaseException) -> str:
    return str(error) if isinstance(error, Failed) else explain(error)


def check_url(url: str) -> None:
    """Refuse what is no URL of a wire. Raises :class:`Failed`."""
    try:
        parse_url(url)
    except UrlError as error:
        raise Failed(str(error), 2) from error


def candidates(url: str, search: Search, tell: Callable[[str], None]) -> list[About]:
    """The drivers to try, last those that take whatever speaks their language for their instrument.

    Raises :class:`Failed` for a name that there is not, or when none is left.
    """
    rows = {row.about.name: row for row in installed()}
    for name in search.drivers:
        if name not in rows:
            raise Failed(str(UnknownDriver(f"there is no driver {name!r}; installed are: {', '.join(rows)}")), 2)
        if rows[name].trouble:
            raise Failed(f"the driver {name!r} {rows[name].trouble}")
    chosen: list[About] = []
    for name, row in rows.items():
        if search.drivers and name not in search.drivers:
            continue
        reason = row.trouble or _unfit(row.about, url, search)
        if not reason:
            chosen.append(row.about)
        elif search.drivers:
            raise Failed(f"{name}: {reason}", 2)
        elif reason != OTHER_WIRE:
            tell(f"{name}: not tried: {reason}")
    if not chosen:
        raise Failed(f"no installed driver can be tried at {url}", 2)
    return sorted(chosen, key=lambda about: not about.recognises)


UNSURE = (
    "it takes whatever speaks its protocol for its instrument; look whether this is one, and name the driver if not"
)
OTHER_WIRE = "it speaks on other wires"


def _unfit(about: About, url: str, search: Search) -> str:
    """Why a driver is not tried; empty when it is."""
    if about.schemes and urlsplit(url).scheme not in about.schemes:
        return OTHER_WIRE
    if search.addresses and not about.address_option:
        return "its instruments have no number" if search.drivers else OTHER_WIRE
    if about.disturbs and about.name not in search.drivers:
        return f"it {about.disturbs}; name it with --driver"
    return ""


def attempts(url: str, about: About, search: Search) -> Iterator[tuple[Device, str]]:
    """One device for each number that is asked for; one as the driver's defaults have it otherwise."""
    device = Device(about.name, about.name, url, search.options or {})
    if not search.addresses:
        yield device, ""
    for address in search.addresses:
        number: object = int(address) if address.isdecimal() else address
        yield device.with_options({about.address_option: number}), address


async def reach(url: str) -> None:
    """See that a host accepts connections: one message instead of one from each driver. Raises :class:`Failed`."""
    parts = urlsplit(url)
    if parts.scheme == "serial":
        return
    try:
        async with asyncio.timeout(CONNECT_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
            writer.close()
            await writer.wait_closed()
    except TimeoutError as error:
        raise Failed(f"{parts.hostname}:{parts.port} does not answer within {CONNECT_S:g} s") from error
    except OSError as error:
        raise Failed(f"cannot reach {parts.hostname}:{parts.port}: {error.strerror or error}") from error


def addresses_of(text: str) -> tuple[str, ...]:
    """``1-32``, ``A-F`` or ``1,5,7`` as single numbers or letters. Raises ``ValueError``."""
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if first.isdecimal() and last.isdecimal() and int(first) <= int(last):
            found += map(str, range(int(first), int(last) + 1))
        elif len(first) == len(last) == 1 and first.isalpha() and last.isalpha() and first <= last:
            found += map(chr, range(ord(first), ord(last) + 1))
        else:
            raise ValueError(f"{text!r} is no range of numbers or letters: 1-32, A-F or 1,5,7")
    return tuple(dict.fromkeys(found))
