"""Each process fault on the wires, with a supervisor that knows nothing of it: what its tags, loops, interlocks and
alarms show is the signature that the catalogue names. One site at 120 times real speed for all of them; process times
are long, wall times short.
"""

import json
import re
import statistics
import time

import pytest

from tests.e2e.conftest import until, warm_site
from tests.e2e.faulty import Site, with_effect

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
FRESH = {"temperature_c": 37.0, "volume_l": 1.0, "ph": 7.2, "do": 60.0}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    site = Site(with_effect(warm_site(folder)), folder / "data")
    try:
        site.ready()
        yield site
    finally:
        site.close()


@pytest.fixture
def site(running):
    """Without faults, with both vessels warm, and all loops off."""
    running.clear()
    running.all_off()
    for vessel in ("BR-101", "BR-102"):
        running.set(vessel, **FRESH)
    until(lambda: running.quality("temperature") == running.quality("ph") == "good", 10, "the probes are read")
    yield running
    running.clear()


def test_f1_f2_drifting_probes_are_held_at_their_setpoints_while_the_truth_walks_away(site):
    site.engage(ph=(7.2, "[pH]"), temperature=(37.0, "Cel"))
    site.befall("probe-drift-ph", magnitude=0.3, duration_s=600)
    site.befall("probe-drift-temperature", magnitude=2.0, duration_s=600)

    def fooled():
        """The readings are at their setpoints, the culture is not."""
        state = site.state()
        return (
            abs(site.value("temperature") - 37.0) < 0.3
            and state["true_temperature"] < 35.6
            and abs(site.value("ph") - 7.2) < 0.1
            and state["true_ph"] < 7.05
        )

    until(fooled, 30, lambda: f"{site.loop('ph')} {site.loop('temperature')} {site.state()}")
    assert site.quality("ph") == site.quality("temperature") == "good"


def test_f3_a_stuck_reading_stands_still_while_the_output_is_up(site):
    site.befall("stuck-reading", "temperature")
    site.by_hand("temperature", 60.0)
    until(lambda: site.state()["true_temperature"] > 37.4, 10, "it is warmer")
    assert statistics.pstdev(site.watched("temperature", 1.0)) < 1e-4, "not even noise"
    assert site.loop("temperature")["op"] == 60.0


def test_f3_what_stands_still_is_not_believed_for_long(site):
    """F01: the pH loop goes to its fallback, that of oxygen goes on; each is one alarm until the readings move."""
    site.engage(ph=(7.0, "[pH]"))
    until(lambda: site.state()["co2_sp"] > 0.0, 10, "the loop acts")
    assert site.tag("ph")["reason"] == site.tag("do")["reason"] == "simulated"
    site.befall("stuck-reading", "ph")
    site.befall("stuck-reading", "do")
    until(lambda: (site.quality("ph"), site.quality("do")) == ("bad", "uncertain"), 45, lambda: site.tag("ph"))
    assert site.tag("ph")["reason"] == site.tag("do")["reason"] == "frozen"
    until(lambda: site.state()["co2_sp"] == 0.0, 10, "the loop is safe")
    until(lambda: "ph_bad" in site.alarms() and "do_frozen" in site.alarms(), 13, site.alarms)
    assert "ph_frozen" not in site.alarms(), "one cause, one alarm"
    assert site.quality("temperature") == "good"
    site.clear()
    until(lambda: site.quality("ph") == site.quality("do") == "good", 5, "both move again")


def test_f4_a_disconnected_probe_is_bad_by_the_instruments_word_and_its_loop_safe(site):
    site.engage(ph=(7.0, "[pH]"), temperature=(38.0, "Cel"))
    until(lambda: site.state()["co2_sp"] > 0.0 and site.state()["heater"] > 0.0, 10, "both loops act")
    site.befall("disconnect", "ph")
    site.befall("disconnect", "temperature")
    until(lambda: site.quality("ph") == site.quality("temperature") == "bad", 10, "both are Bad")
    until(lambda: site.state()["co2_sp"] == site.state()["heater"] == 0.0, 10, "both loops are safe")
    assert site.tag("temperature")["detail"] == "BadSensorFailure"
    assert "error" in site.tag("ph")["detail"]
    assert site.quality("do") == site.quality("jacket_temperature") == "good"
    site.clear()
    until(lambda: site.quality("ph") == site.quality("temperature") == "good", 10, "both are read again")


def test_f5_noise_is_filtered_and_makes_no_storm(site):
    calm = statistics.pstdev(site.watched("pressure", 1.0))
    alarms = sum(event["type"] == "Alarm" for event in site.events())
    site.befall("noise", "pressure")
    site.befall("noise", "do")
    assert statistics.pstdev(site.watched("pressure", 1.5)) > 3.0 * calm
    assert site.quality("pressure") == site.quality("do") == "good"
    assert sum(event["type"] == "Alarm" for event in site.events()) <= alarms + 1


def test_f6_a_pump_that_runs_on_fills_the_vessel_until_the_interlock_trips(site):
    site.set(volume_l=1.975)
    site.by_hand("feed", 300.0)
    until(lambda: site.state()["feed_rpm"] > 40.0, 5, "the pump turns")
    site.befall("pump-run-on", "feed_rpm")
    until(lambda: "feed_rpm" in json.dumps(site.control(op="process_faults")), 5, "it runs on")
    time.sleep(0.3)
    site.by_hand("feed", 0.0)
    before = site.value("feed_total")
    until(lambda: site.interlock("overfill"), 15, lambda: f"overfill: {site.tag('volume')}")
    assert site.state()["feed_rpm"] == 0.0
    assert site.value("feed_total") > before + 5.0


def test_f7_a_pump_that_stands_or_is_empty_adds_no_weight(site):
    site.by_hand("feed", 300.0)
    until(lambda: site.state()["feed_rpm"] > 40.0, 5, "the pump turns")
    site.befall("pump-empty", "feed_rpm")
    weight, total = site.value("weight"), site.value("feed_total")
    until(lambda: site.value("feed_total") > total + 20.0, 10, "revolutions are counted")
    assert abs(site.value("weight") - weight) < 12.0
    site.befall("pump-stopped", "feed_rpm")
    until(lambda: len(set(site.watched("feed_total", 0.5))) == 1, 5, "it stands")
    assert site.state()["feed_rpm"] > 40.0


def test_f8_a_lost_gas_does_not_flow_and_the_oxygen_falls(site):
    site.set(vcd=20.0, do=90.0)
    site.engage(air=(200.0, "mL/min"))
    until(lambda: site.value("air_flow_measured") > 190.0, 10, "air flows")
    site.befall("gas-loss", "air")
    until(lambda: site.value("air_flow_measured") < 2.0, 5, "no air flows")
    before = site.value("do")
    until(lambda: site.value("do") < before - 10.0, 15, "dissolved oxygen falls")
    assert site.state()["air_sp"] == pytest.approx(200.0)


def test_f9_a_clogged_exhaust_trips_the_interlock_that_stops_the_gas(site):
    site.engage(air=(200.0, "mL/min"))
    until(lambda: site.value("air_flow_measured") > 190.0, 10, "air flows")
    site.befall("exhaust-clog", duration_s=600)
    until(lambda: site.interlock("over_pressure"), 20, lambda: f"over-pressure: {site.tag('pressure')}")
    until(lambda: site.value("air_flow_measured") < 2.0, 5, "no air flows")
    until(lambda: site.value("pressure") < 100.0, 5, "the pressure is gone")


def test_f10_the_interlock_trips_at_38_5_and_a_heater_that_obeys_is_off(site):
    site.by_hand("temperature", 100.0)
    until(lambda: site.interlock("over_temperature"), 15, lambda: f"tripped: {site.tag('temperature')}")
    until(lambda: site.state()["heater"] == 0.0, 10, "the heater is off")
    (tripped, *_) = [one["text"] for one in site.events() if "Culture too warm: interlock tripped" in one["text"]]
    warm = float(re.search(r"38\.\d+|39\.\d+", tripped).group())
    assert 38.5 <= warm < 39.5, f"in hundredths: {tripped}"
    until(lambda: not site.interlock("over_temperature"), 20, "it is cool again, and released")


def test_f10_a_heater_that_is_stuck_trips_and_alarms_although_it_gets_warmer(site):
    site.engage(temperature=(37.0, "Cel"))
    site.befall("heater-stuck-on")
    until(lambda: site.interlock("over_temperature"), 15, lambda: f"tripped: {site.tag('temperature')}")
    until(lambda: site.state()["heater"] == 0.0, 10, "the output is 0")
    until(lambda: "temperature_high" in site.alarms(), 5, site.alarms)
    until(lambda: site.value("temperature") > 41.0, 15, "nobody has pulled the plug")
    site.clear()
    site.befall("heater-stuck-off")
    site.set(temperature_c=37.0)
    site.by_hand("temperature", 50.0)
    until(lambda: site.value("temperature") < 36.7, 15, "it cools with the output up")


def test_f11_without_a_stirrer_the_dissolved_oxygen_collapses(site):
    site.set(vcd=20.0, do=90.0)
    site.by_hand("agitation", 150.0)
    until(lambda: site.value("agitation_rate") > 140.0, 5, "it turns")
    kla = site.value("kla")
    site.befall("stirrer-trip")
    until(lambda: site.value("agitation_rate") < 5.0, 5, "it stands")
    before = site.value("do")
    until(lambda: site.value("do") < before - 10.0, 15, "dissolved oxygen falls")
    assert site.value("kla") < 0.5 * kla
    assert site.state()["agitation_sp"] == pytest.approx(150.0)


def test_f12_f15_foam_and_a_leak_take_weight_that_no_total_explains(site):
    site.set("BR-102", **FRESH)
    weights = {vessel: site.value("weight", vessel) for vessel in ("BR-101", "BR-102")}
    totals = site.value("feed_total"), site.value("base_total")
    site.befall("foam-out", magnitude=200.0)
    site.befall("leak", vessel="BR-102", magnitude=500.0)
    dry = site.value("pressure")
    until(lambda: site.value("weight", "BR-102") < weights["BR-102"] - 60.0, 15, "the leak takes weight")
    site.befall("wrong-sample", vessel="BR-102", magnitude=100.0)
    until(lambda: site.value("weight", "BR-102") < weights["BR-102"] - 150.0, 5, "so does the sample")
    until(lambda: site.value("weight") < weights["BR-101"] - 50.0, 15, "so does foam")
    until(lambda: site.value("pressure") > dry + 1.0, 10, "the filter is wet")
    assert (site.value("feed_total"), site.value("base_total")) == totals


def test_f13_contamination_eats_the_oxygen_and_sours(site):
    site.set(vcd=0.0, do=90.0)
    for vessel in ("BR-101", "BR-102"):
        site.engage(vessel, air=(100.0, "mL/min"))
    site.befall("contamination", magnitude=1e9)
    until(lambda: site.value("do") < 30.0, 25, lambda: f"the oxygen is eaten: {site.tag('do')}")

    def sourer():
        """Than the sister vessel, which is clean."""
        return site.value("do", "BR-102") > 50.0 and site.value("ph") < site.value("ph", "BR-102") - 0.05

    until(sourer, 20, lambda: f"it sours: {site.tag('ph')} {site.tag('ph', 'BR-102')}")


def test_f14_after_a_power_cut_everything_is_read_again_and_outputs_are_asserted(site):
    site.engage(temperature=(38.0, "Cel"))
    site.by_hand("agitation", 150.0)
    until(lambda: site.state()["agitation_sp"] == 150.0 and site.state()["heater"] > 0.0, 5, "both act")
    site.befall("power-cut", duration_s=360)
    cut = [("BR-101", tag) for tag in ("temperature", "ph", "base_total", "weight")]
    until(lambda: all(site.quality(tag, vessel) == "bad" for vessel, tag in cut), 10, "all of it is Bad")
    assert site.state()["heater"] == site.state()["agitation_sp"] == 0.0
    assert site.quality("temperature", "BR-102") == site.quality("ph", "BR-102") == "good"
    until(lambda: all(site.quality(tag, vessel) == "good" for vessel, tag in cut), 12.0, "all of it is read again")
    until(lambda: site.state()["heater"] > 0.0, 5.0, lambda: f"it heats again: {site.loop('temperature')}")
    until(lambda: site.state()["agitation_sp"] == 150.0, 5.0, lambda: f"it stirs again: {site.loop('agitation')}")


def test_f16_swapped_channels_and_wrong_units_are_not_believed(site):
    site.by_hand("temperature", 20.0)
    site.befall("swapped-channels", "ph")
    site.befall("wrong-unit", "temperature")
    until(lambda: site.quality("ph") == "bad", 10, lambda: site.tag("ph"))
    assert site.tag("ph")["reason"] in {"range", "rate"}
    until(lambda: site.interlock("over_temperature"), 5.0, lambda: f"a degree Fahrenheit: {site.tag('temperature')}")
    until(lambda: site.state()["heater"] == 0.0, 10, "the heater is off")


def test_f17_late_and_double_answers_and_jumping_clocks_make_no_wrong_value(site):
    state = site.state()
    site.befall("duplicate-message", duration_s=600)
    site.befall("clock-jump", duration_s=600)
    until(lambda: len(site.control(op="process_faults")["faults"]) == 2, 10, "both go on")
    until(lambda: site.value("base_total") is not None, 10, "pumps are read")
    seen = []
    while len(seen) < 15 or (sum(seen) < 12 and len(seen) < 100):
        vessel = {tag["name"]: tag for tag in site.vessel()["tags"]}
        seen.append(vessel["temperature"]["quality"] == vessel["weight"]["quality"] == "good")
        for name, near in (("ph", 0.3), ("do", 20.0)):
            shown = vessel[name]
            assert shown["quality"] == "bad" or shown["value"] == pytest.approx(state[name], abs=near), shown
        time.sleep(0.1)
    assert sum(seen) >= 12, "the PLC's clock says nothing of its values' age; on a busy machine some may be late"
    site.clear()
    site.befall("late-message", magnitude=3.0, duration_s=600)
    until(lambda: site.quality("ph") == "bad", 6.0, lambda: site.tag("ph"))
    site.clear()
    until(lambda: site.quality("ph") == "good", 8.0, lambda: site.tag("ph"))
    assert site.value("ph") == pytest.approx(site.state()["ph"], abs=0.1)


def test_f18_a_heater_that_cools_is_driven_to_its_limit_and_an_alarm_says_so(site):
    site.befall("wrong-way", "heater")
    site.engage(temperature=(37.5, "Cel"))
    until(lambda: site.loop("temperature")["op"] == 100.0, 20, lambda: site.loop("temperature"))
    until(lambda: site.value("temperature") < 36.0, 20, lambda: site.tag("temperature"))
    until(lambda: "temperature_no_effect" in site.alarms(), 15, site.alarms)


def test_what_was_ordered_is_on_record(site):
    number = site.befall("gas-loss", "co2", duration_s=30)
    expected = [f"simulated fault {number} {what}: Gas supply lost (F8, gas-loss of co2, for 30 s)"
                for what in ("ordered", "begins", "ends")]  # fmt: skip

    def told():
        """In order."""
        events = [event for event in site.events() if event["subtype"] == "Simulated Fault"]
        return [event["text"] for event in events if f"fault {number} " in event["text"]]

    until(lambda: told() == expected, 5, told)
