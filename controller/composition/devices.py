"""Instruments without a supervisor: which one is meant, a session with it, what it says.

Nothing is retried and nothing is written twice here: whoever asks for something at the command line decides himself
whether to ask again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar
from urllib.parse import urlsplit

from controller.clock import wall_ns
from controller.composition.claims import owner_of, wires_of
from controller.composition.simulated import SIMULATED_OPTIONS
from controller.config.url import SHARED
from drivers import registry
from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    Driver,
    Identity,
    Point,
    Reason,
    Sample,
    WriteOutcome,
    WriteState,
)
from drivers.link import CLOSE_DEADLINE_S, OPEN_DEADLINE_S
from drivers.link_state import compare, explain, in_tag_units

if TYPE_CHECKING:
    from controller.composition.simulated import Addresses
    from controller.config.load import LoadedSite

REPLY_S = 1.0
"""How long an instrument may take to answer, as in a running supervisor."""
WRITE_S = 10.0
"""How long a write and its confirmation may take; some instruments need seconds."""
FIRST_VALUES_S = 5.0
"""How long points are waited for that an instrument tells one at a time."""
PAUSE_S = 0.2

SEE_IT_THERE = "look at its page or its HTTP API, or stop it first"
THROUGH_THE_DOOR = (
    "nothing acts behind its back. Use its page, its HTTP API or `biovisor loop`; or stop it first, which sends its "
    "outputs to their safe values"
)

Result = TypeVar("Result")


class Failed(Exception):
    """It was not done; the text says why. ``code`` is the exit code."""

    def __init__(self, text: str, code: int = 1) -> None:
        super().__init__(text)
        self.code = code


class Owned(Failed):
    """It belongs to a supervisor that runs on this machine."""


@dataclass(frozen=True, slots=True)
class Device:
    """One instrument: its driver, where it is, the driver's options, and what it must say of itself."""

    name: str
    kind: str
    url: str
    options: Mapping[str, object] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)

    def with_options(self, options: Mapping[str, object]) -> Device:
        """The same with other options in addition."""
        return replace(self, options={**self.options, **options})

    def keep_off(self, *, to_act: bool) -> None:
        """Refuse what would come between a running supervisor and this instrument: anything that acts, and also a
        reading where a second one who asks would disturb. Raises :class:`Owned`.
        """
        owner = owner_of(wires_of(self.url, self.options))
        if owner is None:
            return
        if to_act:
            raise Owned(f"{self.name} belongs to {owner}: {THROUGH_THE_DOOR}")
        if urlsplit(self.url).scheme in SHARED:
            raise Owned(f"{self.name} belongs to {owner}, and its wire has one owner: {SEE_IT_THERE}")
        if registry.about(self.kind).disturbs:
            raise Owned(f"{self.name} belongs to {owner}, and connecting would disturb it: {SEE_IT_THERE}")

    def create(self) -> Driver:
        """Its driver; no I/O. Raises :class:`Failed` for an unknown driver, a wrong URL or option."""
        try:
            return registry.create(self.kind, ConnectionSpec(self.name, self.url, dict(self.options), REPLY_S))
        except (registry.UnknownDriver, ValueError) as error:
            raise Failed(str(error), 2) from error
        except (ImportError, AttributeError) as error:
            raise Failed(f"the driver {self.kind!r} is registered, but cannot be loaded: {error}") from error


def devices_of(site: LoadedSite, addresses: Addresses | None = None) -> dict[str, Device]:
    """The instruments of a site by connection; with ``addresses`` simulators in their place, which are compared with
    nothing that is expected. Raises :class:`Failed` when those are not the site's.
    """
    if addresses is None:
        return {
            name: Device(
                name, one.driver, one.url, one.options, one.expect.model_dump(exclude_none=True) if one.expect else {}
            )
            for name, one in site.config.connections.items()
        }
    return {
        name: Device(name, one.driver, addresses.urls[name], {**one.options, **SIMULATED_OPTIONS.get(one.driver, {})})
        for name, one in site.config.connections.items()
    }


class Session:
    """An open connection to an instrument that is the expected one."""

    def __init__(self, device: Device, driver: Driver, identity: Identity) -> None:
        self.device = device
        self.identity = identity
        self._driver = driver

    @property
    def url(self) -> str:
        """Where it is, with all settings if the driver tells them."""
        return str(getattr(self._driver, "url", self.device.url))

    async def read(self, points: Sequence[Point], within_s: float = REPLY_S) -> list[Sample]:
        """One sample per point, in the units of their tags. Raises :class:`DriverError`, ``TimeoutError``."""
        plan = self._driver.plan(points)
        async with asyncio.timeout(within_s):
            raw = await self._driver.read(plan)
        now = wall_ns()
        return [in_tag_units(point, sample, now) for point, sample in zip(points, raw, strict=True)]

    async def read_all(self, points: Sequence[Point]) -> list[Sample]:
        """As :meth:`read`, again until every point was read once, as long as that may take."""
        loop = asyncio.get_running_loop()
        end = loop.time() + FIRST_VALUES_S
        samples = await self.read(points)
        while any(sample.reason is Reason.NOT_READ for sample in samples) and loop.time() < end:
            await asyncio.sleep(PAUSE_S)
            samples = await self.read(points)
        return samples

    async def write(self, point: Point, value: float) -> WriteOutcome:
        """Write once, in the unit of the tag. What became of it; a driver that fails leaves it unknown."""
        work = self._driver.write([(point, (value - point.offset) / point.gain)])
        result = await settled(_within(work, WRITE_S))
        if isinstance(result, BaseException):
            return WriteOutcome(point, value, WriteState.UNKNOWN, explain(result))
        (outcome,) = result
        return WriteOutcome(point, value, outcome.state, outcome.detail)


@contextlib.asynccontextmanager
async def session(device: Device, *, to_act: bool = False, to_stop: bool = False) -> AsyncIterator[Session]:
    """Connect, and let go in the end; ``to_act`` also to write, ``to_stop`` what this program has started.

    Raises :class:`Failed` when it cannot be used at all or is a running supervisor's, :class:`DriverError` or
    ``TimeoutError`` when it does not answer or is another one than expected.
    """
    driver = device.create()
    if not to_stop:
        device.keep_off(to_act=to_act)
    try:
        async with asyncio.timeout(OPEN_DEADLINE_S):
            identity = await driver.open()
        compare(identity, device.expected)
        yield Session(device, driver, identity)
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await driver.close()


async def settled(work: Awaitable[Result]) -> Result | BaseException:
    """What ``work`` gives, or what it raises, as a value: a fault in a driver must not end the others."""
    (result,) = await asyncio.gather(work, return_exceptions=True)
    return result


async def _within(work: Awaitable[Result], within_s: float) -> Result:
    async with asyncio.timeout(within_s):
        return await work


def known_points(device: Device, points: Iterable[Point]) -> None:
    """Refuse points that the driver does not know. Raises :class:`Failed`."""
    driver = device.create()
    for point in points:
        try:
            driver.plan([point])
        except BadAddress as error:
            raise Failed(str(error), 2) from error


def all_points(device: Device) -> list[str]:
    """Addresses of everything that the driver can name and read. Raises :class:`Failed` when it cannot name any."""
    driver = device.create()
    found: list[str] = []
    for address in registry.about(device.kind).points:
        entry = driver.entry(address) if hasattr(driver, "entry") else None
        if "r" not in getattr(entry, "access", "r"):
            continue
        with contextlib.suppress(BadAddress):
            driver.plan([Point(address, address)])
            found.append(address)
    if not found:
        raise Failed(f"the driver {device.kind!r} cannot name its points: say which to read", 2)
    return found


class Row(NamedTuple):
    """A driver that is installed; ``trouble`` when it cannot be loaded."""

    about: registry.About
    trouble: str = ""


def installed() -> list[Row]:
    """Every installed driver, with what it says of itself."""
    rows: list[Row] = []
    for name in registry.names():
        try:
            rows.append(Row(registry.about(name)))
        except (ImportError, AttributeError) as error:
            rows.append(Row(registry.About(name), f"cannot be loaded: {error}"))
    return rows
