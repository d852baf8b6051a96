"""Pumps tried before a run, each make on its wire: seen to turn, stopped, and set as they were before."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.composition.devices import Device, session
from controller.composition.devices_check import Check
from controller.composition.devices_points import Spot, spots_of
from controller.composition.devices_pumps import Pump, pumps_of, try_pump
from controller.config.load import load_site
from drivers import registry
from drivers.contract import Point, WriteState
from tests.cli.conftest import BENCH
from tests.drivers.simulated import Simulated

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

OPTIONS: dict[str, object] = {"slowest_reply": 0.2}


def pump_of(simulated: Simulated, kind: str, address: str, high: float = 1000.0) -> Pump:
    """As for an output whose tag has the instrument's own unit."""
    turns = registry.about(kind).turns[address]
    spot = Spot(Point("V.feed", address, "rw"), "V.feed", "unit", 0.0, high, "V", True)
    device = Device("feed-pump", kind, simulated.url, OPTIONS)
    return Pump(device, spot, turns.slowest, turns.shown_by, turns.changes)


def test_how_slowly_depends_on_the_options() -> None:
    """The pumps with the enhanced protocol count tenths of revolutions."""
    site, least = load_site(BENCH), dict[str, float]()
    outputs = [spot for spot in spots_of(site)["feed-pump-101"] if spot.is_output]
    for protocol in ("basic", "enhanced"):
        device = Device("feed-pump", "watson_marlow", "serial:///dev/null", {"protocol": protocol})
        (pump,) = pumps_of(site, {"f": device}, {"f": outputs})
        least[protocol] = pump.speed
    assert least["enhanced"] == 6.0 * least["basic"]


async def value(pump: Pump, address: str) -> float:
    async with session(pump.device) as opened:
        (sample,) = await opened.read([Point(address, address)])
        return sample.value


async def put(pump: Pump, address: str, number: float) -> None:
    async with session(pump.device) as opened:
        assert (await opened.write(Point(address, address, "rw"), number)).state is WriteState.APPLIED


@pytest.mark.parametrize(("kind", "address", "shown_by", "rate"), [
    ("masterflex_ls", "speed", "revolutions", 60.0), ("new_era", "flow", "infused", 5.0),
    ("ismatec_reglo", "1.speed", "1.revolutions", None),
])  # fmt: skip
async def test_a_pump_is_seen_to_turn(
    tmp_path: Path, kind: str, address: str, shown_by: str, rate: float | None
) -> None:
    with Simulated(kind, tmp_path) as simulated:
        pump = pump_of(simulated, kind, address)
        if rate is not None:
            await put(pump, "rate", rate)
        check = await try_pump(pump)
        assert (check.result, check.todo) == ("ok", ""), check.why
        assert check.why.startswith(f"{shown_by} rose by ")
        assert await value(pump, address) == 0.0
        if rate is not None:
            assert await value(pump, "rate") == rate, "a later dose is given at the rate that was set for it"


async def test_a_pump_that_may_not_turn_fast_enough_to_be_seen_is_not_touched(tmp_path: Path) -> None:
    with Simulated("ismatec_reglo", tmp_path) as simulated:
        pump = pump_of(simulated, "ismatec_reglo", "1.speed", high=20.0)
        why = "what its output may be, 20 unit, is too slow to be seen; not touched"
        assert await try_pump(pump) == Check("V.feed", "pump", "skipped", why, "try it by hand")
        assert await value(pump, "1.revolutions") == 0.0


async def test_a_channel_beside_one_that_runs_is_not_touched(tmp_path: Path) -> None:
    with Simulated("ismatec_reglo", tmp_path) as simulated:
        pump = pump_of(simulated, "ismatec_reglo", "1.speed")
        await put(pump, "2.speed", 50.0)
        check = await try_pump(pump)
        assert (check.result, check.why) == ("failed", "it does not say whether it stands; not touched")
        assert await value(pump, "1.revolutions") == 0.0


async def test_a_dose_that_is_being_given_is_not_touched(tmp_path: Path) -> None:
    with Simulated("masterflex_ls", tmp_path) as simulated:
        pump = pump_of(simulated, "masterflex_ls", "speed")
        await put(pump, "rate", 20.0)
        await put(pump, "dose", 100.0)
        check = await try_pump(pump)
        assert (check.result, check.why) == ("failed", "it turns already; not touched")
        assert await value(pump, "speed") == 20.0
