"""While instruments are simulated, nothing of the real ones is asked."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from controller.composition.links import build_links
from controller.composition.simulated import SIMULATED_OPTIONS, plant_state
from controller.config.site import Connection
from drivers.link_state import LinkEvent, LinkState
from simulators.plant import Plant

GUARDED = {
    "user": "operator", "password_env": "BIOVISOR_TEST_NO_SUCH_SECRET", "trusted": "/no/trusted",
    "security": "Basic256Sha256,SignAndEncrypt,/no/own.der,/no/own.key",
}  # fmt: skip


@pytest.mark.parametrize("more", [{}, GUARDED], ids=["open", "guarded"])
@pytest.mark.parametrize("driver", ["generic_plc", "nova_flex2", "vicell_blu"])
async def test_the_real_instruments_other_endpoints_are_not_tried(driver: str, more: dict[str, str]) -> None:
    visits, events = list[object](), list[LinkEvent]()
    real = await asyncio.start_server(lambda *streams: visits.append(streams), "127.0.0.1", 0)
    simulated = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    url, other = (f"opc.tcp://127.0.0.1:{one.sockets[0].getsockname()[1]}" for one in (simulated, real))
    options = {"endpoints": [other], **more}
    links = build_links(
        {"it": Connection(driver=driver, url="opc.tcp://plc.example:4840", options=options)}, {}, {"it": url},
        SIMULATED_OPTIONS, deadline_s=1.0, now_ns=lambda: 0, on_event=events.append,
        on_message=lambda *_: None, period_s=1.0,
    )  # fmt: skip
    task = asyncio.create_task(links["it"].run())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(20.0):
            while len(events) < 1 or links["it"].counters.reconnects < 1:  # noqa: ASYNC110 - counters have no event
                await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait([task])
    assert events[0].state is LinkState.DOWN
    assert url in events[0].detail
    assert not visits
    real.close()
    simulated.close()


def test_the_size_of_a_simulated_vessel_has_a_unit() -> None:
    section = {"model": "tc_m", "size": "250 mL", "volume": "0.2 L", "temperature": "310.15 K"}
    state = plant_state(section)
    assert state == {"model": "tc_m", "size_l": 0.25, "volume_l": 0.2, "temperature_c": pytest.approx(37.0)}
    assert Plant({"BR-101": state}).truth("BR-101")["volume_l"] == 0.2
