"""The Alicat driver against its simulator; the simulator command by command, and against the ``alicat`` package of
other authors.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alicat import FlowController

from drivers.conformance import DriverConformance
from drivers.contract import (
    ConnectionSpec,
    Identity,
    Malformed,
    Point,
    Quality,
    Refused,
    Timeout,
    WriteState,
    WrongIdentity,
)
from drivers.instruments.alicat import Alicat
from simulators.instruments.alicat_device import Device
from tests.drivers.simulated import Simulated, SimulatedBench, points, until

TRUE = {"pressure": 14.62, "temperature": 21.89}
FRAME = ("pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint")
SETPOINT = Point("setpoint", "setpoint", "rw")


@pytest.fixture(scope="module")
def mfc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("alicat", tmp_path_factory.mktemp("pty")) as simulated:
        yield simulated


@pytest.fixture(scope="module")
def mfc_on_tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    with Simulated("alicat", tmp_path_factory.mktemp("tcp"), port=0) as simulated:
        yield simulated


def make(url: str, **options: object) -> Alicat:
    return Alicat(ConnectionSpec("mfc", url, {"slowest_reply": 0.1, **options}, 0.4))


class TestConformance(DriverConformance):
    """The contract, on a pseudo-terminal."""

    @pytest.fixture
    async def bench(self, mfc: Simulated) -> SimulatedBench:
        setting = (Point("setpoint", "setpoint", "rw"), 120.0)
        return SimulatedBench(
            mfc, make, points(*FRAME), Point("x", "colour"), setting, outside=(SETPOINT, 600.0), true=TRUE
        )


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server."""

    @pytest.fixture
    async def bench(self, mfc_on_tcp: Simulated) -> SimulatedBench:
        setting = (Point("setpoint", "setpoint", "rw"), 120.0)
        return SimulatedBench(
            mfc_on_tcp, make, points(*FRAME), Point("x", "colour"), setting, outside=(SETPOINT, 600.0), true=TRUE
        )


async def test_who_answers(mfc: Simulated) -> None:
    driver = make(mfc.url)
    identity = await driver.open()
    assert identity == Identity("Alicat", "MC-500SCCM-D", "181010", "10v20.0-R24")
    await driver.close()


@pytest.mark.parametrize(("options", "value", "why"), [
    ({"source": "A"}, 100.0, "keeps its setpoint at 0"), ({"full_scale": 50}, 100.0, "has its setpoint 0 again"),
])  # fmt: skip
async def test_a_setpoint_that_is_not_taken_is_refused(
    tmp_path: Path, options: dict[str, Any], value: float, why: str
) -> None:
    with Simulated("alicat", tmp_path, **options) as mfc:
        driver = make(mfc.url)
        await driver.open()
        (outcome,) = await driver.write([(Point("setpoint", "setpoint", "rw"), value)])
        assert (outcome.state, why in outcome.detail) == (WriteState.REFUSED, True)
        await driver.close()


async def test_a_setpoint_that_was_cut_gives_way_to_the_one_that_was_set_at_the_keys(tmp_path: Path) -> None:
    with Simulated("alicat", tmp_path, full_scale=50) as mfc:
        driver = make(mfc.url)
        await driver.open()
        assert (await driver.write([(SETPOINT, 30.0)]))[0].state is WriteState.APPLIED
        mfc.say(b"AS 10\r")
        await driver.line.silence()
        await until(driver, "setpoint", lambda sample: sample.value == 10.0)
        (outcome,) = await driver.write([(SETPOINT, 100.0)])
        assert (outcome.state, outcome.detail) == (
            WriteState.REFUSED,
            "A makes 50 of it, and has its setpoint 10 again",
        )
        assert (await until(driver, "setpoint", lambda sample: sample.quality is Quality.GOOD)).value == 10.0
        await driver.close()


async def test_a_held_valve_makes_the_flow_doubtful(mfc: Simulated) -> None:
    driver = make(mfc.url)
    await driver.open()
    mfc.say(b"AHP\r")
    pressure, *_, flow, _setpoint = await driver.read(driver.plan(points(*FRAME)))
    assert pressure.quality is Quality.GOOD
    assert (flow.quality, flow.detail) == (Quality.UNCERTAIN, "its valve is held where it is")
    mfc.say(b"AC\r")
    await driver.close()


async def test_somebody_elses_driver(mfc_on_tcp: Simulated) -> None:
    theirs = FlowController(mfc_on_tcp.url.removeprefix("tcp://"), "A")
    await theirs.set_flow_rate(50.0)
    state = await theirs.get()
    assert (state["setpoint"], state["gas"]) == (50.0, "N2")
    await theirs.set_gas("O2")
    assert (await theirs.get())["gas"] == "O2"
    await theirs.hw.close()


async def values(driver: Alicat, *addresses: str) -> list[float]:
    samples = await driver.read(driver.plan(points(*addresses)))
    assert {sample.quality for sample in samples} == {Quality.GOOD}
    return [sample.value for sample in samples]


async def test_flows_of_another_gas_are_bad_and_another_unit_is_refused(tmp_path: Path) -> None:
    with Simulated("alicat", tmp_path) as mfc:
        driver = make(mfc.url, gas="N2", flow_unit="SCCM")
        await driver.open()
        assert await values(driver, *FRAME) == [14.62, 21.89, 0.0, 0.0, 0.0]
        mfc.say(b"AG 11\r")
        pressure, _, volume, mass, setpoint = await driver.read(driver.plan(points(*FRAME)))
        assert pressure.quality is Quality.GOOD
        assert {(one.quality, one.detail) for one in (volume, mass, setpoint)} == {
            (Quality.BAD, "its gas is O2, not N2")
        }
        await driver.close()
        driver = make(mfc.url, flow_unit="SLPM")
        with pytest.raises(WrongIdentity, match="it measures in SCCM, not in SLPM"):
            await driver.open()
        await driver.close()


async def test_a_ramp_is_under_way_and_its_end_is_what_was_asked_for(tmp_path: Path) -> None:
    with Simulated("alicat", tmp_path) as mfc:
        mfc.say(b"ASR 1.0 4\r")
        driver = make(mfc.url)
        await driver.open()
        (outcome,) = await driver.write([(SETPOINT, 100.0)])
        assert outcome.state is WriteState.APPLIED
        assert (await values(driver, "setpoint"))[0] < 50.0
        await driver.close()


async def read_on(driver: Alicat) -> None:
    """Until a frame that nobody asked for is in the way, or there is no answer."""
    for _ in range(100):
        await values(driver, "pressure")


@pytest.mark.parametrize("firmware", ["8v30.0-R23", "10v20.0-R24"])
async def test_a_device_that_streams(tmp_path: Path, firmware: str) -> None:
    """With @ for its letter, or without it."""
    with Simulated("alicat", tmp_path, streams=True, firmware=firmware) as mfc:
        driver = make(mfc.url, slowest_reply=0.3)
        with pytest.raises(Refused, match="it sends frames by itself"):
            await driver.open()
        await driver.close()
        driver = make(mfc.url, slowest_reply=0.3, stop_streaming=True)
        await driver.open()
        assert (await values(driver, "pressure"))[0] == 14.62
        await driver.close()
        driver = make(mfc.url, slowest_reply=0.3)
        await driver.open()
        mfc.say(b"A@ @\r")  # one that is known is told to stop without being asked whether
        with pytest.raises((Malformed, Timeout)):
            await read_on(driver)
        await driver.close()
        await driver.open()
        assert (await values(driver, "pressure"))[0] == 14.62
        await driver.close()


@pytest.mark.parametrize(("settings", "frame"), [
    ({"meter": True}, FRAME[:4]), ({"meter": True, "totalizer": True}, (*FRAME[:4], "total")),
    ({"totalizer": True}, (*FRAME, "total")), ({"firmware": "5v12.0-R22", "totalizer": True}, (*FRAME, "total")),
    ({"tells_layout": False, "totalizer": True}, (*FRAME, "total")),
])  # fmt: skip
async def test_meters_and_totalizers(tmp_path: Path, settings: dict[str, Any], frame: tuple[str, ...]) -> None:
    with Simulated("alicat", tmp_path, **settings) as mfc:
        driver = make(mfc.url, frame=list(frame))
        await driver.open()
        assert (await values(driver, *frame))[:2] == [14.62, 21.89]
        await driver.close()


TALK = [
    ("AS50.00", "A +014.62 +021.89 +000.00 +000.00 +050.00     N2"),
    ("as 25", "A +014.62 +021.89 +000.00 +000.00 +025.00     N2"),
    ("A32000", "A +014.62 +021.89 +000.00 +000.00 +250.00     N2"), ("ALS 12.5", "A +012.50 +012.50 12 SCCM"),
    ("ALS", "A +012.50 +012.50 12 SCCM"), ("ALSS", "A S"), ("AR122", "A   122 = 37"), ("AW122=36", "A   122 = 36"),
    ("A$$R46", "A   046 = 8"), ("A$$W46=11", "A   046 = 11"), ("AGS 8", "A 8 N2 N2"), ("AG 99", "A ?"),
    ("A$$R85", "A   085 = 1"), ("ASR 10.0 4", "A 10.0000000 12 4 SCCM/s"), ("ASR", "A 10.0000000 12 4 SCCM/s"),
    ("ALSRC 1 1 0 1", "A 1 1 0 1"), ("ALSRC", "A 1 1 0 1"), ("AVE", "A   10v20.0-R24 Jan  9 2025,15:04:07"),
    ("AXYZ", "A ?"), ("A$$L", "A +014.62 +021.89 +000.00 +000.00 +012.50     N2 LCK"),
    ("A$$U", "A +014.62 +021.89 +000.00 +000.00 +012.50     N2"),
]  # fmt: skip


def device(**settings: Any) -> Device:
    """One without a wire, through which nothing flows."""
    return Device(settings, lambda: 0.0, lambda _setpoint: 0.0, lambda _setpoint: None)


def test_the_simulator_command_by_command() -> None:
    mfc = device()
    for command, reply in TALK:
        assert mfc.command(command) == [reply], command
    for command in ("AV", "AP", "APC", "AT", "AC"):
        assert mfc.command(command) == ["A +014.62 +021.89 +000.00 +000.00 +012.50     N2"]
    assert mfc.command("AHP") == ["A +014.62 +021.89 +000.00 +000.00 +012.50     N2 HLD"]
    assert mfc.command("B") is None
    assert device(firmware="8v17.0-R23").command("ALS 5") == ["A ?"]
    assert device(firmware="8v17.0-R23").command("AS 5") == ["A +014.62 +021.89 +000.00 +000.00 005.00     N2"]


def test_a_simulated_meter_passes_over_what_is_for_controllers() -> None:
    meter = device(meter=True)
    for command in ("AS 5", "ALS 5", "ALS", "AHP", "AC", "A$$R85", "A32000"):
        assert meter.command(command) is None
    assert meter.command("A") == ["A +014.62 +021.89 +000.00 +000.00     N2"]
    assert meter.command("A$$R46") == ["A   046 = 8"]


def test_a_simulated_device_that_streams_hears_nothing_but_its_end() -> None:
    mfc = device()
    assert mfc.command("A@ @") == []
    assert mfc.streamed() == " +014.62 +021.89 +000.00 +000.00 +000.00     N2"
    assert mfc.command("A") is None
    assert mfc.command("@@ C") is None
    assert mfc.command("C") == ["C +014.62 +021.89 +000.00 +000.00 +000.00     N2"]
    assert device(firmware="8v17.0-R23").streamed()[:9] == "@ +014.62"
