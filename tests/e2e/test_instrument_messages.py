"""From an alarm in a PLC to the record: over the wire, through the link, as a message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from controller.commands import Event, EventType
from controller.composition.links import build_links
from controller.composition.messages import Messages
from controller.config.site import Connection
from drivers.contract import Point, Quality
from drivers.link_state import LinkState
from tests.drivers.simulated import Simulated

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


class Record:
    def __init__(self) -> None:
        self.events: list[Event] = []

    def append(self, entries: Sequence[Event]) -> None:
        self.events += entries


async def test_an_alarm_of_a_plc_comes_into_the_record_beside_slow_values(tmp_path: Path) -> None:
    record = Record()
    points = [Point("BR.t", "Temp.PV", slow=True), Point("BR.w", "Weight.PV"), Point("beat", "Host.Heartbeat", "w")]
    with Simulated("generic_plc", tmp_path) as plc:
        connection = Connection(driver="generic_plc", url=plc.url, options={"events": True, "slow_every": 0.2})
        links = build_links(
            {"plc-101": connection}, {"plc-101": points}, {}, {}, deadline_s=1.0, now_ns=lambda: 1, period_s=0.1,
            on_event=lambda _: None, on_message=Messages(record, lambda: 0).take,
        )  # fmt: skip
        link = links["plc-101"]
        task = asyncio.create_task(link.run())
        counts, values = 0.0, set[float]()
        async with asyncio.timeout(20.0):
            while not record.events:
                await asyncio.sleep(0.05)
                if link.state is not LinkState.UP:
                    continue
                values.add(link.latest()[0].value)
                assert {sample.quality for sample in link.latest()[:2]} == {Quality.GOOD}
                if counts < 3 and len(values) > counts + 3:  # by then the values come from the subscription
                    counts += 1.0
                    link.submit({"beat": counts})
        task.cancel()
        await asyncio.wait([task])
    (told,) = record.events
    assert (told.type, told.object) == (EventType.MESSAGE, "plc-101")
    assert told.text.endswith("active: the host's heartbeat is gone, outputs are safe")
    assert told.text.startswith("plc-101: ")
    assert isinstance(told.value, dict)
    assert told.value["severity"] == 800
