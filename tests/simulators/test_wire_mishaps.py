"""Process faults on the wires: through the control port into the plant, and out at each instrument in its own words."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
from asyncua import Client, ua

from tests.simulators.test_wire_site import SIEMENS, Site, eventually, measured, probe, pump

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("ptys"))
    yield running
    assert running.stop() == 0


def befall(site: Site, fault: str, signal: str | None = None, **more: object) -> int:
    answer = site.control(op="process_fault", vessel="BR-101", fault=fault, signal=signal, **more)
    assert answer["ok"], answer
    number: int = answer["number"]
    return number


@pytest.fixture(autouse=True)
def clean(site: Site) -> Iterator[None]:
    yield
    site.control(op="process_fault_clear", number="all")


@contextlib.asynccontextmanager
async def plc(site: Site) -> Any:
    async with Client(site.instrument("plc-101")["url"]) as client:
        index = await client.get_namespace_index(SIEMENS)
        yield lambda tag: client.get_node(
            f'ns={index};s="DB_Reactor".' + ".".join(f'"{part}"' for part in tag.split("."))
        )


async def test_f4_a_disconnected_probe_is_bad_in_the_words_of_each_instrument(site: Site):
    numbers = [befall(site, "disconnect", "temperature"), befall(site, "disconnect", "ph")]
    async with plc(site) as node:

        async def status() -> str:
            """Of the thermometer at the PLC."""
            value = await node("Temp.PV").read_data_value(raise_on_bad_status=False)
            return str(value.StatusCode.name)

        await until(status, "BadSensorFailure")
        assert (await node("Jacket.PV").read_data_value()).StatusCode.is_good()
        ph = probe(site, 1)
        registers = ph.read_registers(2089, 10)
        assert (measured(registers), registers[4]) == (0.0, 0x10)
        assert ph.read_registers(4799, 8) == [0, 0, 0, 0, 0, 0, 0, 0x100], "hardware: internal communication"
        assert probe(site, 2).read_registers(2089, 10)[4] == 0
        assert site.state()["temperature"] is None
        for number in numbers:
            site.control(op="process_fault_clear", number=number)
        await until(status, "Good")
        assert ph.read_registers(2089, 10)[4] == 0


PROBED = {
    "meter": ({"kind": "alicat", "signals": {"flow": "air"}}, b"A\r"),
    "circuit": ({"kind": "atlas_ezo", "signals": {"value": "ph"}}, b"R\r"),
    "stirrer": ({"kind": "ika", "signals": {"speed": "agitation"}}, b"IN_PV_4 \r\n"),
    "scale": ({"kind": "mettler_toledo", "signals": {"weight": "weight"}}, b"SI\r\n"),
}


def test_f4_an_instrument_that_has_no_word_for_it_does_not_answer(tmp_path: Path):
    instruments = {name: {**entry, "vessel": "BR-101", "port": 0} for name, (entry, _) in PROBED.items()}
    site = Site(tmp_path, instruments=instruments)
    try:
        sockets = {name: socket.create_connection(("127.0.0.1", site.instrument(name)["port"])) for name in PROBED}

        def answers(name: str, within_s: float) -> bool:
            """To a question for what it measures."""
            sockets[name].settimeout(within_s)
            sockets[name].sendall(PROBED[name][1])
            try:
                return bool(sockets[name].recv(200))
            except TimeoutError:
                return False

        assert all(answers(name, 2.0) for name in PROBED)
        for entry, _ in PROBED.values():
            befall(site, "disconnect", next(iter(entry["signals"].values())))
        eventually(lambda: site.state()["weight"] is None)
        # What was asked before has been answered once nobody answers any more.
        eventually(lambda: not any([answers(name, 0.3) for name in PROBED]))
        site.control(op="process_fault_clear", number="all")
        eventually(lambda: all(answers(name, 1.0) for name in PROBED))
        for one in sockets.values():
            one.close()
    finally:
        assert site.stop() == 0


async def until(ask: Any, wanted: object) -> None:
    """Ask again until the answer comes."""
    end = time.monotonic() + 5.0
    while (answer := await ask()) != wanted:
        assert time.monotonic() < end, answer


async def test_f14_after_a_power_cut_the_instruments_are_in_their_power_up_state(site: Site):
    sensor = probe(site, 2)
    sensor.write_registers(4287, [0x30, 0, 0x79CE, 0x00F4])
    with pump(site, "base-pump-101") as base:
        base.write(b"1SP20\r1GO\r")
        async with plc(site) as node:
            await node("Heater.OP").write_value(ua.DataValue(ua.Variant(70.0, ua.VariantType.Float)))
            eventually(lambda: site.state()["heater"] == 70.0)
        eventually(lambda: site.state()["base_rpm"] == 20.0)
        befall(site, "power-cut", duration_s=90.0)
        eventually(lambda: site.state()["heater"] == 0.0)
        with pytest.raises(OSError, match=r"refused|Connect"):
            async with plc(site):
                pass
        with pytest.raises(minimalmodbus.NoResponseError):
            sensor.read_registers(4287, 4)
        assert site.state()["temperature"] is None
        eventually(lambda: not site.control(op="process_faults")["faults"])
        eventually(lambda: site.state()["agitation_sp"] == 60.0)
        async with plc(site) as node:
            assert await node("Heater.OP").read_value() == 0.0
        eventually(lambda: site.state()["base_rpm"] == 0.0)
        assert sensor.read_registers(4287, 4) == [0x03, 0, 0, 0]


async def test_f17_a_clock_that_jumps_is_only_in_the_time_stamps(site: Site):
    befall(site, "clock-jump", duration_s=3600.0)
    async with plc(site) as node:

        async def hours() -> int:
            """By how many the PLC's clock is fast."""
            value = await node("Temp.PV").read_data_value()
            fast = value.SourceTimestamp.replace(tzinfo=UTC) - datetime.now(UTC)
            return round(fast.total_seconds() / 3600)

        await until(hours, 1)
        assert (await node("Temp.PV").read_data_value()).StatusCode.is_good()
        site.control(op="process_fault_clear", number="all")
        await until(hours, 0)


def test_f17_a_second_answer_is_on_the_line(site: Site):
    with pump(site, "feed-pump-101") as port:

        def answers() -> int:
            """How many of them come to one question."""
            port.reset_input_buffer()
            port.write(b"3ZY\r")
            return len(port.read(4).split(b"\r")) - 1

        assert answers() == 1
        befall(site, "duplicate-message", duration_s=3600.0)
        eventually(lambda: answers() == 2)


def test_what_waits_or_goes_on_is_listed_with_its_times(site: Site):
    site.control(op="process_fault_clear", number="all")
    waits = befall(site, "gas-loss", signal="o2", start_s=3600.0, duration_s=1800.0)
    stays = befall(site, "probe-drift-ph", duration_s=60.0)
    eventually(lambda: "begins" in [one["what"] for one in site.control(op="process_faults")["faults"]])
    answer = site.control(op="process_faults")
    listed = {one["number"]: one for one in answer["faults"]}
    assert 0.0 < listed[waits]["begin_s"] - listed[waits]["process_s"] <= 3600.0
    assert listed[waits]["end_s"] == listed[waits]["begin_s"] + 1800.0
    assert listed[stays]["end_s"] is None, "it stays when it has grown"
    assert answer["speed"] == site.document["speed"]
    site.control(op="process_fault_clear", number="all")


def test_what_becomes_of_a_fault_is_told_as_it_happens(site: Site):
    last = site.control(op="process_faults")["last"]
    number = befall(site, "leak", start_s=30.0, duration_s=30.0)
    texts = []
    while "ends" not in texts:
        answer = site.control(op="process_fault_news", after=last)
        texts += [entry["what"] for entry in answer["news"] if entry["number"] == number]
        last = answer["last"]
    assert texts == ["ordered", "begins", "ends"]
    (ended,) = [entry for entry in answer["news"] if entry["what"] == "ends"]
    assert (ended["vessel"], ended["catalogue"], ended["fault"]) == ("BR-101", "F15", "leak")
    assert (ended["magnitude"], ended["unit"], ended["duration_s"]) == (50.0, "mL/h", 30.0)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"op": "process_fault", "vessel": "BR-101", "fault": "fire"}, "there is no process fault 'fire'; known: "),
        ({"op": "process_fault", "vessel": "BR-999", "fault": "leak"}, "missing or unknown: 'BR-999'"),
        ({"op": "process_fault", "vessel": "BR-101"}, "missing or unknown: 'fault'"),
        (
            {"op": "process_fault", "vessel": "BR-101", "fault": "leak", "magnitude": -1},
            "leak: magnitude -1 mL/h is outside 1 .. 10000 mL/h (usual 50, chosen)",
        ),
        ({"op": "process_fault", "vessel": "BR-101", "fault": "leak", "start_s": "x"}, "start_s must be a number"),
        ({"op": "process_fault_clear", "number": 99}, "no process fault 99 is waiting or going on; possible: none"),
        ({"op": "process_fault_clear", "number": "some"}, 'number must be a whole number, or "all"'),
        ({"op": "process_fault_news", "after": -1}, "after must be a whole number, 0 or more"),
    ],
)
def test_nonsense_is_refused(site: Site, request_: dict[str, object], message: str):
    answer = site.control(**request_)
    assert not answer["ok"]
    assert message in answer["error"]
