"""Checks of the contract: plans, samples, writes, opening and closing, silence."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

from drivers.conformance.bench import (
    CLOSE_S,
    FAIL_S,
    OPEN_S,
    RECOVER_S,
    Bench,
    agree,
    fails,
    good,
    opened,
    reopen,
    within,
)
from drivers.contract import BadAddress, DriverError, Identity, Point, WriteState

OPENINGS = 3


def descriptors() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


class ContractChecks:
    """What holds on every wire."""

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
            identity = await within(OPEN_S, driver.open())
            assert isinstance(identity, Identity)
            assert identity.vendor
            assert identity.model
        finally:
            await driver.close()

    async def test_read_gives_one_good_sample_per_point(self, bench: Bench) -> None:
        """Samples come in the order of the plan, finite and Good."""
        driver, plan = await opened(bench)
        try:
            samples = await good(driver, plan)
            assert len(samples) == len(bench.readable)
        finally:
            await driver.close()

    async def test_read_follows_the_order_of_the_plan(self, bench: Bench) -> None:
        """The same points in reverse order, and one of them twice."""
        driver, plan = await opened(bench)
        try:
            await good(driver, plan)
            turned = driver.plan([*reversed(bench.readable), bench.readable[0]])
            samples = await good(driver, turned)
            assert len(samples) == len(bench.readable) + 1
            agree(bench, turned.points, samples)
        finally:
            await driver.close()

    async def test_use_before_open_is_a_driver_error(self, bench: Bench) -> None:
        """Reading raises the contract's error, writing an outcome that is not *applied*."""
        driver = bench.driver()
        assert await fails(driver, driver.plan(bench.readable))
        if bench.setting is not None:
            outcomes = await driver.write([bench.setting])
            assert [outcome.state is WriteState.APPLIED for outcome in outcomes] == [False]
        await driver.close()

    async def test_close_is_idempotent(self, bench: Bench) -> None:
        """Before ``open``, twice after it, and reading is an error from then on."""
        driver = bench.driver()
        await driver.close()
        await within(OPEN_S, driver.open())
        await driver.close()
        await driver.close()
        assert await fails(driver, driver.plan(bench.readable))

    async def test_reopens_after_close(self, bench: Bench) -> None:
        """The same driver object serves session after session."""
        driver = bench.driver()
        plan = driver.plan(bench.readable)
        try:
            for _ in range(2):
                await within(OPEN_S, driver.open())
                await good(driver, plan)
                await driver.close()
        finally:
            await driver.close()

    async def test_silence_is_noticed(self, bench: Bench) -> None:
        """A read of a silent instrument fails by the driver's own time-out, and no sample is Good."""
        driver, plan = await opened(bench)
        try:
            await good(driver, plan)
            await bench.silence()
            assert await fails(driver, plan)
        finally:
            await bench.restore()
            await driver.close()

    async def test_write_into_silence_is_not_applied(self, bench: Bench) -> None:
        """A write that is not answered is unknown or was not sent; it never raises."""
        if bench.setting is None:
            return
        driver, _ = await opened(bench)
        try:
            await bench.silence()
            outcomes = await within(FAIL_S, driver.write([bench.setting]))
            assert [outcome.state is WriteState.APPLIED for outcome in outcomes] == [False]
        finally:
            await bench.restore()
            await driver.close()

    async def test_close_does_not_wait_for_a_silent_instrument(self, bench: Bench) -> None:
        """``close`` is bounded whatever the instrument does."""
        driver, plan = await opened(bench)
        try:
            await bench.silence()
            await fails(driver, plan)
            await within(CLOSE_S, driver.close())
        finally:
            await bench.restore()
            await driver.close()

    async def test_recovers_after_silence(self, bench: Bench) -> None:
        """Close, open, read: Good again, soon after the instrument is."""
        driver, plan = await opened(bench)
        try:
            await bench.silence()
            await fails(driver, plan)
            await driver.close()
            await bench.restore()
            await within(RECOVER_S, reopen(driver, plan))
        finally:
            await driver.close()

    async def test_cancelled_read_leaves_the_line_usable(self, bench: Bench) -> None:
        """What a cancelled read leaves behind is not taken for the answer of a later one."""
        driver, plan = await opened(bench)
        try:
            await good(driver, plan)
            for _ in range(3):
                reading = asyncio.ensure_future(driver.read(plan))
                await asyncio.sleep(0)
                reading.cancel()
                await asyncio.wait([reading])
            await good(driver, plan)
        finally:
            await driver.close()

    async def test_write_is_applied_and_read_back(self, bench: Bench) -> None:
        """One outcome per write, in order, and the instrument then says the same."""
        if bench.setting is None:
            return
        driver, _ = await opened(bench)
        try:
            point, value = bench.setting
            outcomes = await driver.write([bench.setting])
            assert [(outcome.point, outcome.state) for outcome in outcomes] == [(point, WriteState.APPLIED)]
            if point.access == "rw":
                (sample,) = await good(driver, driver.plan([point]))
                assert math.isclose(sample.value, value, rel_tol=1e-6)
        finally:
            await driver.close()

    async def test_impossible_writes_are_refused(self, bench: Bench) -> None:
        """NaN, infinities and read-only points are refused, each by its own outcome."""
        driver, _ = await opened(bench)
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
        driver, plan = await opened(bench)
        await good(driver, plan)
        await driver.close()
        await asyncio.sleep(0.05)
        assert asyncio.all_tasks() <= before

    async def test_open_of_a_silent_instrument_fails_in_time(self, bench: Bench) -> None:
        """``open`` gives up by itself, with the contract's error."""
        driver = bench.driver()
        await bench.silence()
        try:
            await within(OPEN_S, driver.open())
        except DriverError:
            return
        finally:
            await bench.restore()
            await driver.close()
        raise AssertionError("a silent instrument was opened")

    async def test_read_only_points_are_refused(self, bench: Bench) -> None:
        """A point that can only be read is refused by its own outcome, and nothing is raised."""
        driver, _ = await opened(bench)
        try:
            points = [point for point in bench.readable if bench.setting is None or point.key != bench.setting[0].key]
            reading = [Point(point.key, point.address, "r") for point in points[:1]]
            outcomes = await driver.write([(point, 1.0) for point in reading])
            assert all(outcome.state is not WriteState.APPLIED for outcome in outcomes)
            assert len(outcomes) == len(reading)
        finally:
            await driver.close()

    async def test_what_the_instrument_cannot_take_is_refused(self, bench: Bench) -> None:
        """A value out of its range is refused with a reason, and what was set before stays."""
        if bench.setting is None or bench.outside is None:
            return
        driver, _ = await opened(bench)
        try:
            point, value = bench.setting
            await driver.write([bench.setting])
            (outcome,) = await driver.write([bench.outside])
            assert outcome.state is WriteState.REFUSED
            assert outcome.detail
            if point.access == "rw":
                (sample,) = await good(driver, driver.plan([point]))
                assert math.isclose(sample.value, value, rel_tol=1e-6)
        finally:
            await driver.close()

    async def test_outcomes_come_in_order(self, bench: Bench) -> None:
        """Several writes in one call: one outcome each, in their order, a refused one among them."""
        if bench.setting is None:
            return
        driver, _ = await opened(bench)
        try:
            point, value = bench.setting
            outcomes = await driver.write([(point, value), (point, math.nan), (point, value)])
            assert [outcome.state for outcome in outcomes] == [
                WriteState.APPLIED,
                WriteState.REFUSED,
                WriteState.APPLIED,
            ]
        finally:
            await driver.close()

    async def test_the_same_instrument_says_the_same_of_itself(self, bench: Bench) -> None:
        """The identity can be compared from session to session."""
        driver = bench.driver()
        try:
            first = await within(OPEN_S, driver.open())
            await driver.close()
            assert await within(OPEN_S, driver.open()) == first
        finally:
            await driver.close()

    async def test_no_descriptor_is_left_open(self, bench: Bench) -> None:
        """Opening and closing again and again, also in vain, leaves no file or socket open."""
        driver, _ = await opened(bench)
        await driver.close()
        before = descriptors()
        for _ in range(OPENINGS):
            driver, _ = await opened(bench)
            await driver.close()
        await bench.silence()
        try:
            await within(OPEN_S, driver.open())
        except DriverError:
            pass
        finally:
            await bench.restore()
            await driver.close()
        await asyncio.sleep(0.05)
        assert descriptors() <= before
