"""The perfusion site on its wires: every point of its class through the real drivers, and what the pumps then do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.composition.rehearsal.signals import PLC_ACTUATORS, PLC_SENSORS, behind, in_ml
from controller.composition.simulated import (
    SIMULATED_OPTIONS,
    Addresses,
    SimulatorError,
    ask,
    simulation_spec,
    start_simulators,
)
from controller.config.load import load_site
from controller.model.build import build
from drivers.contract import ConnectionSpec, Driver, Point, Quality
from drivers.registry import create
from simulators.instrument import SpecError
from simulators.instruments.plc_layout import FITTED_MEASURED, MEASURED
from simulators.instruments.plc_program import FITTED_OUTPUTS, OUTPUTS
from simulators.spec import parse_spec

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

SITE = Path(__file__).parents[2] / "configs/sites/perfusion.yaml"
VESSEL = "BR-301"
CELLS = {"vcd": 10.0, "temperature_c": 37.0, "ph": 7.2, "volume_l": 8.0}


class Wires:
    """The simulated site, with a driver on each of its connections."""

    def __init__(self, addresses: Addresses) -> None:
        self.loaded = load_site(SITE)
        self.addresses = addresses
        self.bindings = build(self.loaded).bindings

    @contextlib.asynccontextmanager
    async def driver(self, name: str) -> AsyncIterator[Driver]:
        connection = self.loaded.config.connections[name]
        options = {**connection.options, **SIMULATED_OPTIONS.get(connection.driver, {})}
        driver = create(connection.driver, ConnectionSpec(name, self.addresses.urls[name], options, timeout_s=2.0))
        await driver.open()
        try:
            yield driver
        finally:
            await driver.close()

    async def read(self, name: str) -> dict[str, float]:
        """What each point of a connection shows, by address."""
        points = [point for _, point in self.bindings[name] if "r" in point.access and point.address != "speed"]
        async with self.driver(name) as driver:
            samples = await driver.read(driver.plan(points))
        assert all(sample.quality is Quality.GOOD for sample in samples), samples
        return {point.address: sample.value for point, sample in zip(points, samples, strict=True)}

    async def write(self, name: str, address: str, value: float) -> None:
        point = Point("test", address, "rw")
        async with self.driver(name) as driver:
            await driver.read(driver.plan([point]))
            outcomes = await driver.write([(point, value)])
        assert outcomes[0].state.name == "APPLIED", outcomes

    async def state(self) -> dict[str, Any]:
        return await ask(self.addresses.control, {"op": "state", "vessel": VESSEL})


@contextlib.asynccontextmanager
async def wires(directory: Path, initial: Mapping[str, Any]) -> AsyncIterator[Wires]:
    spec = simulation_spec(load_site(SITE), speed=20.0, directory=directory, initial={VESSEL: dict(initial)})
    process, addresses = await start_simulators(spec)
    try:
        yield Wires(addresses)
    finally:
        process.terminate()
        await process.wait()


async def test_what_is_fitted_is_read_and_driven_through_its_instruments(tmp_path: Path) -> None:
    async with wires(tmp_path, CELLS) as site:
        probes, gas, plc = [await site.read(name) for name in ("probes-301", "off-gas-301", "plc-301")]
        state = await site.state()
        assert 8.5 < probes["3.PMC1.bit28"] < 11.5
        assert gas["gas2"] == pytest.approx(state["off_gas_o2"], abs=1.0)
        assert gas["co2"] == pytest.approx(state["off_gas_co2"], abs=1.0)
        assert 0.0 <= plc["Foam.PV"] < 100.0
        for name in ("medium", "harvest"):
            await site.write(f"{name}-pump-301", "speed", 20.0)
        for address in ("Bleed.SP", "Antifoam.SP"):
            await site.write("plc-301", address, 20.0)
        await site.write("plc-301", "Vent.OP", 10.0)
        await site.write("plc-301", "Air.SP", 2000.0)
        after = state
        for _ in range(200):
            after = await site.state()
            if all(after[f"{name}_ml"] > 3.0 for name in ("medium", "harvest", "bleed", "antifoam")):
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail(f"pumps that do not turn: {after}")
        shown = await site.read("plc-301")
        assert shown["Bleed.Total"] > 5.0
        assert after["valve_position"] == pytest.approx(10.0)
        assert after["pressure"] > state["pressure"] + 10.0
        assert shown["Air.PV"] == pytest.approx(2000.0, rel=0.1), "the PLC has the range of a larger vessel"
        assert (await site.read("medium-pump-301"))["revolutions"] > 5.0


async def test_an_instrument_that_needs_what_is_not_fitted_does_not_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SimulatorError, match="ended with code 1"):
        async with wires(tmp_path, {"fitted": ["off_gas", "capacitance", "bleed", "antifoam", "harvest"]}):
            pass
    assert "there is no 'medium_revolutions'" in (told := capfd.readouterr().err) or "'medium_rpm'" in told
    assert "`fitted: [medium]`" in told


def test_in_process_the_plc_has_the_tags_that_it_has_on_the_wire() -> None:
    wired = {**MEASURED, **FITTED_MEASURED}
    assert {tag: PLC_SENSORS[tag] for tag in wired} == wired
    driven = {tag: output.actuator for tag, output in {**OUTPUTS, **FITTED_OUTPUTS}.items()}
    assert {tag: PLC_ACTUATORS[tag] for tag in driven} == driven


def test_in_process_an_instrument_measures_the_signals_that_its_simulation_names() -> None:
    connections = load_site(SITE).config.connections
    assert behind(connections["off-gas-301"], "gas2")[:2] == ("off_gas_o2", "")
    assert behind(connections["probes-301"], "3.PMC1.bit28")[:2] == ("capacitance", "")
    assert behind(connections["plc-301"], "Bleed.SP")[:2] == ("", "bleed_rpm")
    assert behind(connections["harvest-pump-301"], "speed")[:2] == ("", "harvest_rpm")
    assert in_ml(connections["plc-301"], "Bleed.SP") == 1.0
    by_ml = load_site(SITE.with_name("jacketed.yaml")).config.connections["plc-401"]
    assert [in_ml(by_ml, address) for address in ("Feed.SP", "Feed.Total", "Weight.PV")] == [60 * 0.25, 0.25, 1.0]
    with pytest.raises(ValueError, match="nothing of the vessel behind bluevary humidity"):
        behind(connections["off-gas-301"], "humidity")


def plc_spec(directory: Path, **settings: Any) -> dict[str, Any]:
    plc = {"kind": "generic_plc", "vessel": "V", **settings}
    vessel = {"model": "tc_m", "seed": 1, "fitted": ["antifoam"]}
    return {
        "speed": 60.0,
        "seed": 1,
        "directory": str(directory),
        "vessels": {"V": vessel},
        "instruments": {"plc": plc},
    }


async def test_a_plc_that_knows_its_pumps_takes_millilitres(tmp_path: Path) -> None:
    process, addresses = await start_simulators(plc_spec(tmp_path, pumps={"antifoam": 0.025}))
    driver = create("generic_plc", ConnectionSpec("plc", addresses.urls["plc"], {}, timeout_s=2.0))
    total, rate = Point("total", "Antifoam.Total"), Point("rate", "Antifoam.SP", "rw")
    try:
        await driver.open()
        plan = driver.plan([total, rate])
        await driver.read(plan)
        await driver.write([(rate, 300.0)])
        for _ in range(100):
            state = await ask(addresses.control, {"op": "state", "vessel": "V"})
            if float(str(state["antifoam_ml"])) > 5.0:
                break
            await asyncio.sleep(0.1)
        assert state["antifoam_rpm"] == pytest.approx(300.0 / 60.0 / 0.025)
        shown = [sample.value for sample in await driver.read(plan)]
        assert shown[0] == pytest.approx(float(str(state["antifoam_ml"])), abs=3.0)
        assert shown[1] == 300.0
    finally:
        await driver.close()
        process.terminate()
        await process.wait()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"pumps": ["soap"]}, "pumps must be a list of base, feed, medium"),
        ({"pumps": {"antifoam": 0}}, "pumps must have mL/rev above 0"),
        ({"pumps": ["harvest"]}, "there is no 'harvest_rpm' among its settings or signals; a vessel has it with"),
        ({"ranges": {"Colour.SP": 1}}, "ranges must be those of Heater.OP"),
    ],
)
async def test_a_plc_of_what_does_not_exist_does_not_start(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], settings: dict[str, Any], why: str
) -> None:
    with pytest.raises(SimulatorError):
        await start_simulators(plc_spec(tmp_path, **settings))
    assert why in capfd.readouterr().err


def test_a_vessel_with_what_does_not_exist_is_refused_before_anything_starts() -> None:
    with pytest.raises(SpecError, match="vessels: V: fitted must be a list of off_gas"):
        parse_spec({"vessels": {"V": {"fitted": ["colour"]}}, "instruments": {"p": {"kind": "ika"}}})
