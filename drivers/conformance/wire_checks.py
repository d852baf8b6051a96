"""Checks of what a driver believes when the wire goes wrong: nothing that the instrument did not say."""

from __future__ import annotations

import asyncio
import math

from drivers.conformance.bench import Bench, Disturbance, agree, believed, fails, good, good_again, opened
from drivers.contract import Driver, Plan, WriteState

READS = 4
AFTER_FAILURE = 2
"""Reads under a disturbance after the one that failed. The first finds the line in doubt, and so does every later one;
only random bytes are another answer each time, and are read :data:`READS` times.
"""


class WireChecks:
    """What holds when bytes are lost, late, damaged or somebody else's."""

    async def test_values_are_the_instruments(self, bench: Bench) -> None:
        """The order of bytes and words, scale and sign."""
        driver, plan = await opened(bench)
        try:
            agree(bench, plan.points, await good(driver, plan))
        finally:
            await driver.close()

    async def test_two_readers_do_not_mix(self, bench: Bench) -> None:
        """Reads at the same time each get what they asked for."""
        driver, plan = await opened(bench)
        try:
            turned = driver.plan([*reversed(bench.readable)])
            await good(driver, plan)
            there, back = await asyncio.gather(driver.read(plan), driver.read(turned))
            agree(bench, plan.points, there)
            agree(bench, turned.points, back)
        finally:
            await driver.close()

    async def test_garbage_is_no_value(self, bench: Bench) -> None:
        """Random bytes instead of answers."""
        await _believes_nothing(bench, Disturbance.GARBAGE)

    async def test_half_an_answer_is_no_value(self, bench: Bench) -> None:
        """Truncated answers."""
        await _believes_nothing(bench, Disturbance.TRUNCATED)

    async def test_a_damaged_answer_is_no_value(self, bench: Bench) -> None:
        """A checksum, or an end, that is wrong."""
        await _believes_nothing(bench, Disturbance.DAMAGED)

    async def test_another_devices_answer_is_no_value(self, bench: Bench) -> None:
        """Intact, and not ours."""
        await _believes_nothing(bench, Disturbance.FOREIGN)

    async def test_garbage_before_an_answer_passes(self, bench: Bench) -> None:
        """What came in between is not taken for a part of the next answer, and the values are right again."""
        driver, plan = await opened(bench)
        try:
            await good(driver, plan)
            if not await bench.disturb(Disturbance.GARBAGE):
                return
            await believed(driver, plan)
            await bench.restore()
            agree(bench, plan.points, await good_again(driver, plan))
        finally:
            await bench.restore()
            await driver.close()

    async def test_a_late_answer_is_never_anothers(self, bench: Bench) -> None:
        """Points are read in turn while every answer comes too late, and after it: each value belongs to its point."""
        driver, _ = await opened(bench)
        plans = [driver.plan([point]) for point in bench.readable]
        try:
            if not await bench.disturb(Disturbance.LATE):
                return
            for turn in range(READS):
                await _agrees_if_believed(bench, driver, plans[turn % len(plans)])
            await bench.restore()
            for plan in [*plans, *reversed(plans)]:
                await _agrees_if_believed(bench, driver, plan)
            for plan in plans:
                agree(bench, plan.points, await good_again(driver, plan))
        finally:
            await bench.restore()
            await driver.close()

    async def test_a_write_with_a_late_answer_is_not_told_as_refused(self, bench: Bench) -> None:
        """It may have been carried out: it is unknown, or the driver found out by itself. A read then tells."""
        if bench.setting is None:
            return
        driver, _ = await opened(bench)
        point, value = bench.setting
        try:
            await driver.write([bench.setting])
            if not await bench.disturb(Disturbance.LATE):
                return
            (outcome,) = await driver.write([bench.setting])
            assert outcome.state is not WriteState.REFUSED or outcome.detail.startswith("not sent")
            await bench.restore()
            if point.access == "rw":
                (sample,) = await good_again(driver, driver.plan([point]))
                assert math.isclose(sample.value, value, rel_tol=1e-6)
        finally:
            await bench.restore()
            await driver.close()

    async def test_a_read_cancelled_in_the_middle_leaves_the_line_usable(self, bench: Bench) -> None:
        """Cancelled while the answer is on its way: what comes later belongs to nobody, also if nothing else comes."""
        driver, plan = await opened(bench)
        first, *_, last = [driver.plan([point]) for point in (*bench.readable, bench.readable[-1])]
        try:
            if not await bench.disturb(Disturbance.LATE):
                return
            reading = asyncio.ensure_future(driver.read(last))
            await asyncio.sleep(0.02)
            reading.cancel()
            await asyncio.wait([reading])
            await bench.silence()
            for _ in range(AFTER_FAILURE):
                await _agrees_if_believed(bench, driver, first)
            await bench.restore()
            agree(bench, plan.points, await good_again(driver, plan))
        finally:
            await bench.restore()
            await driver.close()

    async def test_a_line_that_is_unplugged_is_noticed_and_comes_back(self, bench: Bench) -> None:
        """Reading fails at once, closing is harmless, and opening works when the line is back."""
        driver, plan = await opened(bench)
        try:
            await good(driver, plan)
            if not await bench.disturb(Disturbance.UNPLUGGED):
                return
            assert await fails(driver, plan)
            if bench.setting is not None:
                (outcome,) = await driver.write([bench.setting])
                assert outcome.state is not WriteState.APPLIED
            await driver.close()
            await bench.restore()
            agree(bench, plan.points, await good_again(driver, plan))
        finally:
            await bench.restore()
            await driver.close()


async def _believes_nothing(bench: Bench, disturbance: Disturbance) -> None:
    """Under the disturbance samples are soon no better than Bad, and afterwards the values are right."""
    driver, plan = await opened(bench)
    try:
        await good(driver, plan)
        if not await bench.disturb(disturbance):
            return
        assert await fails(driver, plan)
        for _ in range(READS if disturbance is Disturbance.GARBAGE else AFTER_FAILURE):
            samples = await believed(driver, plan)
            assert not samples, f"{disturbance.value}: {samples[0]}"
        await bench.restore()
        agree(bench, plan.points, await good_again(driver, plan))
    finally:
        await bench.restore()
        await driver.close()


async def _agrees_if_believed(bench: Bench, driver: Driver, plan: Plan) -> None:
    """One read: what it gives at all is the point's own."""
    samples = await believed(driver, plan)
    if samples:
        agree(bench, plan.points, samples)
