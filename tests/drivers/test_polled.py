"""The base of question-by-question drivers: what it believes of who answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from drivers.contract import Point, Quality, Refused, Timeout, WriteState, WrongIdentity
from drivers.polled import STARVED, Answers
from tests.drivers.steady import steady
from tests.drivers.well import TIMEOUT_S, Far, Well, WellBench, whole


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    instrument = Far()
    await instrument.start()
    yield instrument
    await instrument.stop()


async def test_another_instrument_at_the_same_line_is_neither_read_nor_written(far: Far) -> None:
    """Exchanged while the line was in doubt and the session went on."""
    bench, driver = WellBench(far, Well), Well(far.port)
    plan = driver.plan(bench.readable)
    await driver.open()
    await driver.read(plan)
    await bench.silence()
    with pytest.raises(Timeout):
        await driver.read(plan)
    await bench.restore()
    far.serial += 1
    (outcome,) = await driver.write([bench.setting])
    assert (outcome.state, far.setpoint) == (WriteState.REFUSED, 0.0)
    assert outcome.detail == "not sent: another instrument answers than before: Nobody WELL-7 4712"
    with pytest.raises(WrongIdentity):
        await driver.read(plan)
    assert (await driver.open()).serial == "4712"
    await driver.read(plan)
    await driver.close()


@steady
async def test_what_failed_once_is_asked_again_though_the_others_take_all_of_the_time() -> None:
    """Without a turn of its own it would stay Bad for ever, long after the device was well again."""
    far, names = Far(), ("a", "b", "setpoint", "c")
    await far.start()
    driver = Well(far.port)
    try:
        await driver.open()
        plan = driver.plan([Point(name, name) for name in names])
        far.mangle = lambda answer: () if b"3.50" in answer else whole(answer)
        assert (await driver.read(plan))[-1].quality is Quality.BAD
        far.mangle = lambda answer: [(0.33 * TIMEOUT_S, answer)]
        seen = []
        while not seen or not seen[-1][-1]:
            seen.append([sample.quality is Quality.GOOD for sample in await driver.read(plan)])
            assert len(seen) <= STARVED + 2
        assert seen[0] == [True, True, True, False], "there was no time for it"
        assert [sample.quality for sample in await driver.read(plan)] == [Quality.GOOD] * len(names)
    finally:
        await driver.close()
        await far.stop()


class Refusing(Well):
    """Asks an instrument that has said no to a question since it did not answer it."""

    no = False

    async def answer(self, question: str) -> Answers:
        if self.no and question == "c":
            raise Refused("no")
        return await super().answer(question)


@steady
async def test_a_question_that_is_refused_takes_no_turn_from_the_others() -> None:
    far, names = Far(), ("a", "b", "setpoint", "c")
    await far.start()
    driver = Refusing(far.port)
    try:
        await driver.open()
        plan = driver.plan([Point(name, name) for name in names])
        far.mangle = lambda answer: () if b"3.50" in answer else whole(answer)
        await driver.read(plan)
        far.mangle, driver.no = whole, True
        await driver.read(plan)
        far.mangle = lambda answer: [(0.33 * TIMEOUT_S, answer)]
        for _ in range(STARVED + 2):
            assert [sample.quality for sample in (await driver.read(plan))[:-1]] == [Quality.GOOD] * 3
    finally:
        await driver.close()
        await far.stop()
