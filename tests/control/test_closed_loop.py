"""The bench's loops on the simulated plant: they settle, stay, and never together give acid and base."""

import numpy as np
import pytest

from simulators.plant import Plant

SENSORS = {
    "Temp.PV": "temperature", "Jacket.PV": "jacket_temperature", "Agit.PV": "agitation", "Air.PV": "air", "O2.PV": "o2",
    "CO2.PV": "co2", "N2.PV": "n2", "Weight.PV": "weight", "Pressure.PV": "pressure", "1.PMC1.pH": "ph",
    "2.PMC1.%-sat": "do",
}  # fmt: skip
ACTUATORS = {
    "Heater.OP": "heater", "Agit.SP": "agitation_sp", "Air.SP": "air_sp", "O2.SP": "o2_sp", "CO2.SP": "co2_sp",
    "N2.SP": "n2_sp",
}  # fmt: skip
PUMPS = {"base_total": "base_revolutions", "feed_total": "feed_revolutions"}
SPEEDS = {"base_flow": "base_rpm", "feed_flow": "feed_rpm"}


class OnPlant:
    """Runs a rig on the plant of BR-101: raw numbers through each point's gain, as a link does it."""

    def __init__(self, rig, **state):
        self.rig = rig
        self.plant = Plant({"BR-101": {"model": "tc_m", "seed": 7, "volume_l": 1.0, **state}}, seed=1)
        self.rows = [(row, tag) for row, tag in enumerate(rig.site.tags.tags) if tag.vessel == "BR-101" and tag.point]

    def run(self, seconds, dt=1.0):
        rig, sensors, actuators = self.rig, self.plant.sensors["BR-101"], self.plant.actuators["BR-101"]
        for _ in range(round(seconds / dt)):
            self.plant.step(dt)
            for row, tag in self.rows:
                signal = SENSORS.get(tag.point.address) or PUMPS.get(tag.name)
                if signal:
                    rig.values[row] = tag.point.gain * sensors[signal]
            rig.step(dt=dt)
            for row, tag in self.rows:
                signal = ACTUATORS.get(tag.point.address) or SPEEDS.get(tag.name)
                if signal:
                    actuators[signal] = rig.devices[row] / tag.point.gain
            assert rig.device("co2_flow") == 0.0 or rig.device("base_flow") == 0.0
        return self.plant.truth("BR-101")


@pytest.fixture
def engaged(make_rig):
    def begin(period=1.0, **state):
        rig = make_rig(period=period)
        bench = OnPlant(rig, **state)
        bench.run(30, period)
        for loop in ("temperature", "ph", "do"):
            rig.mode(loop, "auto")
        return bench

    return begin


@pytest.mark.timeout(60)
@pytest.mark.parametrize("period", [1.0, 6.0])
def test_the_loops_settle_and_stay(engaged, period):
    bench = engaged(period, temperature_c=36.0)
    bench.run(4800, period)
    seen = [bench.run(60, period) for _ in range(20)]
    for name, target, tolerance in (("true_temperature", 37.0, 0.2), ("true_ph", 7.2, 0.1), ("true_do", 50.0, 5.0)):
        found = np.array([truth[name] for truth in seen])
        assert np.abs(found - target).max() <= tolerance, name


@pytest.mark.timeout(60)
def test_warming_up_from_room_temperature_does_not_overshoot(engaged):
    bench = engaged(5.0, temperature_c=22.0)
    hottest = max(bench.run(60, 5.0)["true_temperature"] for _ in range(180))
    assert 36.8 <= hottest <= 37.8


@pytest.mark.timeout(60)
def test_the_feed_on_record_is_the_feed_that_left_the_pump(engaged):
    bench = engaged(temperature_c=37.0)
    bench.rig.mode("feed", "auto")
    bench.rig.setpoint("feed", 60.0)
    truth = bench.run(1800)
    record = bench.rig.result.frame.value[bench.rig.row("feed_total")]
    assert truth["feed_ml"] == pytest.approx(30.0, rel=0.02)
    assert record == pytest.approx(truth["feed_ml"], rel=0.02)


@pytest.mark.timeout(60)
def test_overfilling_stops_the_feed(engaged):
    """F34: the volume of the interlock is never exceeded by more than what is in the line."""
    bench = engaged(5.0, temperature_c=37.0, volume_l=1.98)
    bench.rig.mode("feed", "auto")
    bench.rig.setpoint("feed", 300.0)
    highest = max(bench.run(60, 5.0)["volume_l"] for _ in range(60))
    assert 1.99 < highest <= 2.01
    assert bench.rig.device("feed_flow") == 0.0


@pytest.mark.timeout(60)
def test_a_heater_stuck_on_trips(engaged):
    """F31: with the heater at full power by hand, the interlock holds the culture near 38.5 Cel."""
    bench = engaged(5.0, temperature_c=37.0)
    bench.rig.mode("temperature", "manual")
    bench.rig.step(bench.rig.command("loop.output", "temperature", value=100.0))
    bench.run(1800, 5.0)
    tripped = [event for event in bench.rig.events if event.object == "BR-101.over_temperature"]
    assert tripped[0].value == "tripped"
    assert bench.plant.truth("BR-101")["true_temperature"] < 40.0
