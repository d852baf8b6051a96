"""An instrument on its wire, for one calibration: read until it stands still, and a pump that always stops."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    Driver,
    DriverError,
    LinkLost,
    Point,
    Quality,
    Sample,
    WriteState,
)
from drivers.link_state import compare, explain
from drivers.registry import create

PERIOD_S = 0.5
READ_WITHIN_S = 2.0
OPEN_WITHIN_S = 5.0
RETRY_S = 1.0
ATTEMPTS = 3
"""Times that a stop is tried, and a read, before it counts as failed."""


class Unreachable(Exception):
    """The instrument does not answer, or is somebody else's."""


class Still(NamedTuple):
    """What stands still: the values of a window span at most ``band``, and those of its halves differ by a quarter."""

    band: float
    window_s: float


class Settled(NamedTuple):
    """A value with how it came: ``span`` of the last window, whether it stood still, the worst quality and its word."""

    value: float
    span: float
    still: bool
    quality: Quality
    detail: str


class Instrument:
    """One connection with its driver, opened when it is first needed and again when it failed."""

    def __init__(
        self, name: str, kind: str, url: str, options: Mapping[str, object], expected: Mapping[str, str]
    ) -> None:
        self.name = name
        self.url = url
        self._driver: Driver = create(kind, ConnectionSpec(name, url, dict(options), READ_WITHIN_S / 2))
        self._expected = expected
        self._open = False

    def point(self, address: str) -> Point:
        """A point of the instrument. Raises ``ValueError`` for an address that it does not have."""
        point = Point(f"{self.name} {address}", address, "rw")
        try:
            self._driver.plan([point])
        except BadAddress as error:
            raise ValueError(str(error)) from error
        return point

    async def read(self, points: Sequence[Point], attempts: int = ATTEMPTS) -> Sequence[Sample]:
        """The samples of now. Raises :class:`Unreachable` after some attempts."""
        plan = self._driver.plan(points)
        for attempt in range(attempts):
            try:
                await self.open()
                async with asyncio.timeout(READ_WITHIN_S):
                    return await self._driver.read(plan)
            except (DriverError, TimeoutError) as error:
                await self._give_up(error, last=attempt == attempts - 1)
        raise AssertionError("the last attempt raises")

    async def write(self, point: Point, value: float) -> str:
        """Write once; gives why it is not known to have worked, empty when it has."""
        try:
            await self.open()
            async with asyncio.timeout(READ_WITHIN_S):
                (outcome,) = await self._driver.write([(point, value)])
        except (DriverError, TimeoutError) as error:
            await self.close()
            return explain(error)
        return "" if outcome.state is WriteState.APPLIED else outcome.detail or str(outcome.state.value)

    async def open(self) -> None:
        """Connect and see that it is the one that is expected. Raises :class:`DriverError`, ``TimeoutError``."""
        if self._open:
            return
        async with asyncio.timeout(OPEN_WITHIN_S):
            compare(await self._driver.open(), self._expected)
        self._open = True

    async def close(self) -> None:
        """Give the line back."""
        self._open = False
        await self._driver.close()

    async def _give_up(self, error: Exception, *, last: bool) -> None:
        await self.close()
        owned = isinstance(error, LinkLost) and "another program uses it" in str(error)
        if owned:
            raise Unreachable(f"{self.name}: {error}. A wire has one owner: stop the supervisor first") from error
        if last:
            raise Unreachable(f"{self.name}: {explain(error)}") from error
        await asyncio.sleep(RETRY_S)


class Window:
    """The newest values of a point, until they stand still."""

    def __init__(self, still: Still) -> None:
        self._still = still
        self._values: deque[tuple[float, float]] = deque()
        self.worst, self.detail = Quality.GOOD, ""

    def add(self, at_s: float, sample: Sample) -> None:
        """One more sample; a Bad one begins anew."""
        self.detail = sample.detail
        if sample.quality is Quality.BAD or not math.isfinite(sample.value):
            self._values.clear()
            self.worst = Quality.GOOD
            return
        self.worst = max(self.worst, sample.quality)
        self._values.append((at_s, sample.value))
        while len(self._values) > 2 and at_s - self._values[1][0] >= self._still.window_s:
            self._values.popleft()

    def settled(self) -> Settled | None:
        """The mean of the newer half, and whether the whole stands still; ``None`` without values."""
        values = [value for _, value in self._values]
        if not values:
            return None
        older, newer = values[: len(values) // 2] or values, values[len(values) // 2 :]
        span = max(values) - min(values)
        drift = abs(_mean(newer) - _mean(older))
        full = self._values[-1][0] - self._values[0][0] >= self._still.window_s
        still = full and span <= self._still.band and drift <= self._still.band / 4
        return Settled(_mean(newer), span, still, self.worst, self.detail)


async def settle(
    instrument: Instrument, address: str, still: Still, patience_s: float, show: Callable[[float], None]
) -> Settled | None:
    """Read a point until it stands still, at most ``patience_s``; then what there is. Raises :class:`Unreachable`."""
    points, window, loop = [instrument.point(address)], Window(still), asyncio.get_running_loop()
    started = loop.time()
    while (now := loop.time()) - started < patience_s:
        (sample,) = await instrument.read(points)
        window.add(now, sample)
        show(sample.value)
        found = window.settled()
        if found and found.still:
            return found
        await asyncio.sleep(PERIOD_S)
    return window.settled()


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
