"""The base of question-by-question drivers: what it believes of who answers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from drivers.contract import Timeout, WriteState, WrongIdentity
from tests.drivers.well import Far, Well, WellBench


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
