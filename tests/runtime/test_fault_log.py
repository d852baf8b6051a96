"""What becomes of process faults is put on record, by whomever they were ordered."""

import asyncio
import contextlib

import pytest

from controller.composition import fault_log
from controller.composition.fault_log import order_scenario, watch
from controller.composition.scenario import Scenario
from controller.composition.simulated import SimulatorError, ask, start_simulators

SPEC = {
    "site": "one", "speed": 100, "seed": 1, "vessels": {"BR-101": {"temperature_c": 37.0}},
    "instruments": {"meter": {"kind": "alicat", "vessel": "BR-101", "signals": {"flow": "air"}}},
}  # fmt: skip


@contextlib.asynccontextmanager
async def simulators(tmp_path):
    process, addresses = await start_simulators({**SPEC, "directory": str(tmp_path)})
    try:
        yield process, addresses.control
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


class Record:
    """Where events are appended."""

    def __init__(self):
        self._events = asyncio.Queue()

    def append(self, events):
        for event in events:
            self._events.put_nowait(event)

    async def next(self, count):
        """The texts and vessels of the next events."""
        async with asyncio.timeout(10):
            events = [await self._events.get() for _ in range(count)]
        return [(event.text, event.vessel) for event in events]


async def test_what_goes_on_already_and_what_comes_is_told(tmp_path):
    async with simulators(tmp_path) as (_, control):
        await ask(control, {"op": "process_fault", "vessel": "BR-101", "fault": "leak"})
        await ask(control, {"op": "process_fault_news", "after": 1})  # it has begun
        record = Record()
        task = asyncio.create_task(watch(control, record.append))
        leak = "simulated fault 1 is waiting or going on: Vessel leaks (F15, leak, 50 mL/h)"
        assert await record.next(1) == [(leak, "BR-101")]
        stirrer = {"op": "process_fault", "vessel": "BR-101", "fault": "stirrer-trip", "duration_s": 30.0}
        await order_scenario(control, Scenario("x", "x", (stirrer,)))
        assert await record.next(3) == [
            (f"simulated fault 2 {what}: Stirrer stands (F11, stirrer-trip, for 30 s)", "BR-101")
            for what in ("ordered", "begins", "ends")
        ]
        task.cancel()


async def test_a_thousand_at_once_are_told_without_a_gap(tmp_path):
    async with simulators(tmp_path) as (_, control):
        leak = {"op": "process_fault", "vessel": "BR-101", "fault": "leak", "start_s": 1e6}
        await order_scenario(control, Scenario("x", "x", (leak,) * 1000))
        record = Record()
        task = asyncio.create_task(watch(control, record.append))
        assert len(await record.next(1000)) == 1000
        await ask(control, {"op": "process_fault_clear", "number": "all"})
        told = await record.next(1000)
        assert [text.split()[2:4] for text, _ in told] == [[f"{number}", "cleared:"] for number in range(1, 1001)]
        task.cancel()
        first = await ask(control, {"op": "process_fault_news", "after": 0})
        assert (len(first["news"]), first["missed"], first["last"]) == (1000, 0, 1000)


async def test_a_scenario_that_is_refused_says_why(tmp_path):
    async with simulators(tmp_path) as (_, control):
        wrong = {"op": "process_fault", "vessel": "BR-999", "fault": "leak"}
        with pytest.raises(SimulatorError, match="BR-999"):
            await order_scenario(control, Scenario("x", "x", (wrong,)))


async def test_a_control_port_that_does_not_answer_is_told_once_and_asked_again(monkeypatch, caplog):
    monkeypatch.setattr(fault_log, "RETRY_S", 0.01)
    asked, enough = [], asyncio.Event()

    def hang_up(_reader, writer):
        """Without an answer."""
        asked.append(writer)
        writer.close()
        if len(asked) == 3:
            enough.set()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server:
        task = asyncio.create_task(watch(server.sockets[0].getsockname(), list))
        async with asyncio.timeout(10):
            await enough.wait()
        task.cancel()
    assert sum("not put on record" in record.message for record in caplog.records) == 1
