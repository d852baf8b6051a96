"""What the checks need: a driver, its instrument, and ways to make the instrument fail."""

from __future__ import annotations

import asyncio
import contextlib
import math
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum
from typing import TypeVar

from drivers.contract import Driver, DriverError, Plan, Point, Quality, Sample

Result = TypeVar("Result")

OPEN_S = 10.0
"""Connecting, late replies of earlier sessions waited for."""
FAIL_S = 3.0
"""A silent instrument is noticed by the driver itself within this time."""
CLOSE_S = 1.0
RECOVER_S = 15.0
"""So long an instrument that answers again is waited for, also on a machine that has much else to do."""
LATE = 1.5
"""How late answers are in a disturbance, in time-outs of the driver."""


class Disturbance(Enum):
    """What can happen on a wire. The instrument stays, and answers correctly behind it."""

    GARBAGE = "random bytes come instead of every answer"
    TRUNCATED = "half of every answer comes"
    DAMAGED = "a bit of every answer is wrong"
    FOREIGN = "every answer is another device's"
    LATE = "every answer comes after the driver's time-out"
    UNPLUGGED = "the connection is gone"


class Bench(ABC):
    """A driver and its instrument; a subclass gives what the instrument can.

    ``readable`` are points of which each has a value; ``unknown`` has an address that means nothing to the driver.
    ``setting`` is a point with a value that it can be set to and that is read back, ``outside`` one with a value that
    the instrument cannot take; ``None`` where there is none. ``true`` are values by address that do not move, to the
    accuracy of what is on the wire: they show the order of bytes and words, and that no value is another's. Without any
    the checks that need them pass whatever is believed.
    """

    readable: Sequence[Point]
    unknown: Point
    setting: tuple[Point, float] | None = None
    outside: tuple[Point, float] | None = None
    true: Mapping[str, float] = {}

    @abstractmethod
    def driver(self) -> Driver:
        """A new driver for the instrument, not open."""

    @abstractmethod
    async def silence(self) -> None:
        """The instrument stops answering; the connection stays."""

    @abstractmethod
    async def restore(self) -> None:
        """The instrument answers again, at once and from then on; every disturbance is over."""

    async def disturb(self, disturbance: Disturbance) -> bool:
        """Start a disturbance that lasts until :meth:`restore`. False when this wire cannot show it."""
        return False


async def opened(bench: Bench, points: Sequence[Point] | None = None) -> tuple[Driver, Plan]:
    """A new driver, open, and its plan for ``points`` (all readable ones). It is opened as often as a link would: an
    answer to whoever used the line before is rightly refused.
    """
    driver = bench.driver()
    try:
        await within(OPEN_S, _open(driver))
    except TimeoutError:
        await driver.close()  # or no later check could open the port
        raise
    return driver, driver.plan(bench.readable if points is None else points)


async def _open(driver: Driver) -> None:
    """Open until it works."""
    while True:
        try:
            await driver.open()
            return
        except DriverError:
            await driver.close()
            await asyncio.sleep(0.05)


async def reopen(driver: Driver, plan: Plan) -> None:
    """Open until it works, then read until all is Good."""
    await within(RECOVER_S, _open(driver))
    await good(driver, plan)


async def good(driver: Driver, plan: Plan) -> Sequence[Sample]:
    """Read until every sample is Good, as a link would: what is doubtful or not yet known is read again."""
    async with asyncio.timeout(RECOVER_S):
        while True:
            samples = await driver.read(plan)
            if all(sample.quality is Quality.GOOD and math.isfinite(sample.value) for sample in samples):
                return samples
            await asyncio.sleep(0.05)


async def good_again(driver: Driver, plan: Plan) -> Sequence[Sample]:
    """As :func:`good` after a failure, closing and opening as a link does, as often as it takes."""
    async with asyncio.timeout(RECOVER_S):
        while True:
            try:
                return await good(driver, plan)
            except DriverError:
                await driver.close()
                with contextlib.suppress(DriverError):
                    await reopen(driver, plan)


async def fails(driver: Driver, plan: Plan) -> bool:
    """Whether reading raises the contract's error, or gives Bad samples only, in time."""
    async with asyncio.timeout(FAIL_S):
        while True:
            try:
                samples = await driver.read(plan)
            except DriverError:
                return True
            if all(sample.quality is Quality.BAD for sample in samples):
                return True
            await asyncio.sleep(0.05)


async def believed(driver: Driver, plan: Plan) -> Sequence[Sample]:
    """The samples of one read that claim to be more than Bad, whatever the read raises."""
    try:
        return [sample for sample in await within(RECOVER_S, driver.read(plan)) if sample.quality < Quality.BAD]
    except DriverError:
        return ()


def agree(bench: Bench, points: Sequence[Point], samples: Sequence[Sample]) -> None:
    """Whether every sample is that of its point, where that is known."""
    for point, sample in zip(points, samples, strict=True):
        if point.address in bench.true:
            true = bench.true[point.address]
            assert math.isclose(sample.value, true, rel_tol=1e-5, abs_tol=1e-5), (point.address, sample.value, true)


async def within(limit_s: float, work: Awaitable[Result]) -> Result:
    """The result of ``work``, or ``TimeoutError``."""
    async with asyncio.timeout(limit_s):
        return await work
