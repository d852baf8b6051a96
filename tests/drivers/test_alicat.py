"""The Alicat driver against its simulator, and the simulator against the ``alicat`` package of other authors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alicat import FlowController

from drivers.conformance import DriverConformance
from drivers.contract import ConnectionSpec, Identity, Point, Quality, WriteState
from drivers.instruments.alicat import Alicat
from tests.drivers.simulated import Simulated, SimulatedBench, points

TRUE = {"pressure": 14.62, "temperature": 21.89}
FRAME = ("pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint")


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
        return SimulatedBench(mfc, make, points(*FRAME), Point("x", "colour"), setting, true=TRUE)


class TestConformanceOnTcp(DriverConformance):
    """The contract, behind a device server."""

    @pytest.fixture
    async def bench(self, mfc_on_tcp: Simulated) -> SimulatedBench:
        setting = (Point("setpoint", "setpoint", "rw"), 120.0)
        return SimulatedBench(mfc_on_tcp, make, points(*FRAME), Point("x", "colour"), setting, true=TRUE)


async def test_who_answers(mfc: Simulated) -> None:
    driver = make(mfc.url)
    identity = await driver.open()
    assert identity == Identity("Alicat", "MC-500SCCM-D", "181010", "10v20.0-R24")
    await driver.close()


@pytest.mark.parametrize(("options", "value", "why"), [
    ({"source": "A"}, 100.0, "keeps its setpoint at 0"), ({"full_scale": 50}, 100.0, "keeps its setpoint at 50"),
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


async def test_a_held_valve_makes_the_flow_doubtful(mfc: Simulated) -> None:
    driver = make(mfc.url)
    await driver.open()
    mfc.say(b"AHP\r")
    pressure, *_, flow, _setpoint = await driver.read(driver.plan(points(*FRAME)))
    assert pressure.quality is Quality.GOOD
    assert (flow.quality, flow.detail) == (Quality.UNCERTAIN, "its valve is held where it is")
    await driver.close()


async def test_somebody_elses_driver(mfc_on_tcp: Simulated) -> None:
    theirs = FlowController(mfc_on_tcp.url.removeprefix("tcp://"), "A")
    await theirs.set_flow_rate(50.0)
    state = await theirs.get()
    assert (state["setpoint"], state["gas"]) == (50.0, "N2")
    await theirs.set_gas("O2")
    assert (await theirs.get())["gas"] == "O2"
    await theirs.hw.close()
