"""The driver contract as tests: what every driver must do, whoever wrote it.

Subclass :class:`DriverConformance` in a test module and give it a pytest fixture ``bench`` that yields a
:class:`Bench`: the driver under test and an instrument (a simulator, a byte-level responder, real hardware) that can be
silenced. The tests are coroutines (pytest-asyncio, ``asyncio_mode = auto``) and use nothing of pytest themselves.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Sequence
from typing import Protocol, TypeVar

from drivers.contract import BadAddress, Driver, DriverError, Identity, Plan, Point, Quality, Sample, WriteState

Result = TypeVar("Result")

OPEN_S = 5.0
"""Connecting, late replies of earlier sessions waited for."""
FAIL_S = 1.5
"""A silent instrument is noticed by the driver itself within this time."""
CLOSE_S = 1.0
RECOVER_S = 5.0


class Bench(Protocol):
    """A driver and its instrument. ``unknown`` has an address that means nothing to the driver; ``setting`` is a
    point with a value that it can be set to and that is read back, or ``None`` for a read-only instrument.
    """

    readable: Sequence[Point]
    unknown: Point
    setting: tuple[Point, float] | None

    def driver(self) -> Driver:
        """A new driver for the instrument, not open."""

    async def silence(self) -> None:
        """The instrument stops answering; the connection stays."""

    async def restore(self) -> None:
        """The instrument answers again, at once and from then on."""


class DriverConformance:
    """The checks. Each opens its own driver and closes it."""

    async def test_plan_keeps_points_and_needs_no_connection(self, bench: Bench) -> None:
        """``plan`` works before ``open``, keeps the order and repeats itself."""
        driver = bench.driver()
        plan = driver.plan(bench.readable)
        assert tuple(plan.points) == tuple(bench.readable)
        assert driver.plan(bench.readable) == plan
        assert tuple(driver.plan([]).points) == ()

    async def test_unknown_address_is_refused_by_plan(self, bench: Bench) -> None:
        """A wrong address is found at load time, and the message names the point."""
        message = ""
        try:
            bench.driver().plan([*bench.readable, bench.unknown])
        except BadAddress as error:
            message = str(error)
        assert bench.unknown.key in message

    async def test_open_says_who_answered(self, bench: Bench) -> None:
        """``open`` gives an identity with a vendor and a model."""
        driver = bench.driver()
        try:
            identity = await _within(OPEN_S, driver.open())
            assert isinstance(identity, Identity)
            assert identity.vendor
            assert identity.model
        finally:
            await driver.close()

    async def test_read_gives_one_good_sample_per_point(self, bench: Bench) -> None:
        """Samples come in the order of the plan, finite and Good."""
        driver, plan = await _opened(bench)
        try:
            samples = await _good(driver, plan)
            assert len(samples) == len(bench.readable)
        finally:
            await driver.close()

    async def test_read_follows_the_order_of_the_plan(self, bench: Bench) -> None:
        """The same points in reverse order, and one of them twice."""
        driver, plan = await _opened(bench)
        try:
            await _good(driver, plan)
            turned = driver.plan([*reversed(bench.readable), bench.readable[0]])
            samples = await _good(driver, turned)
            assert len(samples) == len(bench.readable) + 1
            assert samples[-1].quality is samples[-2].quality
        finally:
            await driver.close()

    async def test_use_before_open_is_a_driver_error(self, bench: Bench) -> None:
        """Reading raises the contract's error, writing an outcome that is not *applied*."""
        driver = bench.driver()
        assert await _fails(driver, driver.plan(bench.readable))
        if bench.setting is not None:
            outcomes = await driver.write([bench.setting])
            assert [outcome.state is WriteState.APPLIED for outcome in outcomes] == [False]
        await driver.close()

    async def test_close_is_idempotent(self, bench: Bench) -> None:
        """Before ``open``, twice after it, and reading is an error from then on."""
        driver = bench.driver()
        await driver.close()
        await _within(OPEN_S, driver.open())
        await driver.close()
        await driver.close()
        assert await _fails(driver, driver.plan(bench.readable))

    async def test_reopens_after_close(self, bench: Bench) -> None:
        """The same driver object serves session after session."""
        driver = bench.driver()
        plan = driver.plan(bench.readable)
        try:
            for _ in range(2):
                await _within(OPEN_S, driver.open())
                await _good(driver, plan)
                await driver.close()
        finally:
            await driver.close()

    async def test_silence_is_noticed(self, bench: Bench) -> None:
        """A read of a silent instrument fails by the driver's own time-out, and no sample is Good."""
        driver, plan = await _opened(bench)
        try:
            await _good(driver, plan)
            await bench.silence()
            assert await _fails(driver, plan)
        finally:
            await bench.restore()
            await driver.close()

    async def test_write_into_silence_is_not_applied(self, bench: Bench) -> None:
        """A write that is not answered is unknown or was not sent; it never raises."""
        if bench.setting is None:
            return
        driver, _ = await _opened(bench)
        try:
            await bench.silence()
            outcomes = await _within(FAIL_S, driver.write([bench.setting]))
            assert [outcome.state is WriteState.APPLIED for outcome in outcomes] == [False]
        finally:
            await bench.restore()
            await driver.close()

    async def test_close_does_not_wait_for_a_silent_instrument(self, bench: Bench) -> None:
        """``close`` is bounded whatever the instrument does."""
        driver, plan = await _opened(bench)
        try:
            await bench.silence()
            await _fails(driver, plan)
            await _within(CLOSE_S, driver.close())
        finally:
            await bench.restore()
            await driver.close()

    async def test_recovers_after_silence(self, bench: Bench) -> None:
        """Close, open, read: Good again, soon after the instrument is."""
        driver, plan = await _opened(bench)
        try:
            await bench.silence()
            await _fails(driver, plan)
            await driver.close()
            await bench.restore()
            await _within(RECOVER_S, _reopen(driver, plan))
        finally:
            await driver.close()

    async def test_cancelled_read_leaves_the_line_usable(self, bench: Bench) -> None:
        """What a cancelled read leaves behind is not taken for the answer of a later one."""
        driver, plan = await _opened(bench)
        try:
            await _good(driver, plan)
            for _ in range(3):
                reading = asyncio.create_task(_read(driver, plan))
                await asyncio.sleep(0)
                reading.cancel()
                await asyncio.wait([reading])
            await _good(driver, plan)
        finally:
            await driver.close()

    async def test_write_is_applied_and_read_back(self, bench: Bench) -> None:
        """One outcome per write, in order, and the instrument then says the same."""
        if bench.setting is None:
            return
        driver, _ = await _opened(bench)
        try:
            point, value = bench.setting
            outcomes = await driver.write([bench.setting])
            assert [(outcome.point, outcome.state) for outcome in outcomes] == [(point, WriteState.APPLIED)]
            if point.access == "rw":
                (sample,) = await _good(driver, driver.plan([point]))
                assert math.isclose(sample.value, value, rel_tol=1e-6)
        finally:
            await driver.close()

    async def test_impossible_writes_are_refused(self, bench: Bench) -> None:
        """NaN, infinities and read-only points are refused, each by its own outcome."""
        driver, _ = await _opened(bench)
        try:
            point = bench.setting[0] if bench.setting else bench.readable[0]
            wrong = [(point, math.nan), (point, math.inf), (point, -math.inf)]
            outcomes = await driver.write(wrong)
            assert [outcome.state for outcome in outcomes] == [WriteState.REFUSED] * 3
            assert all(outcome.detail for outcome in outcomes)
        finally:
            await driver.close()

    async def test_nothing_is_left_running(self, bench: Bench) -> None:
        """After ``close`` no task of the driver is left."""
        before = asyncio.all_tasks()
        driver, plan = await _opened(bench)
        await _good(driver, plan)
        await driver.close()
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() <= before

    async def test_open_of_a_silent_instrument_fails_in_time(self, bench: Bench) -> None:
        """``open`` gives up by itself, with the contract's error."""
        driver = bench.driver()
        await bench.silence()
        try:
            await _within(OPEN_S, driver.open())
        except DriverError:
            return
        finally:
            await bench.restore()
            await driver.close()
        raise AssertionError("a silent instrument was opened")


async def _opened(bench: Bench) -> tuple[Driver, Plan]:
    driver = bench.driver()
    await _within(OPEN_S, driver.open())
    return driver, driver.plan(bench.readable)


async def _reopen(driver: Driver, plan: Plan) -> None:
    await driver.open()
    await _good(driver, plan)


async def _read(driver: Driver, plan: Plan) -> Sequence[Sample]:
    return await driver.read(plan)


async def _good(driver: Driver, plan: Plan) -> Sequence[Sample]:
    """Read until every sample is Good, as a link would: what is doubtful or not yet known is read again."""
    samples: Sequence[Sample] = ()
    async with asyncio.timeout(RECOVER_S):
        while True:
            samples = await driver.read(plan)
            if all(sample.quality is Quality.GOOD and math.isfinite(sample.value) for sample in samples):
                return samples
            await asyncio.sleep(0.05)


async def _fails(driver: Driver, plan: Plan) -> bool:
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


async def _within(limit_s: float, work: Awaitable[Result]) -> Result:
    async with asyncio.timeout(limit_s):
        return await work
