"""What the catalogue says in figures of a process fault, as tags of a running supervisor show it on the wires: how soon
a stuck heater is too warm, how steeply oxygen falls.
"""

import statistics

import pytest

from tests.e2e.conftest import until, warm_site
from tests.e2e.faulty import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(150)]
PER_MM = 100.0 / 0.2049
"""% of air saturation in a mmol/L of oxygen at 37 Cel."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    site = Site(warm_site(folder), folder / "data")
    try:
        site.ready()
        yield site
    finally:
        site.close()


@pytest.fixture(autouse=True)
def calm(site):
    """No faults, all loops off."""
    yield
    site.clear()
    site.all_off()


def followed(site, tag, over):
    """Process time in minutes and the values that a tag showed, until one is ``over``."""
    seen = []

    def done():
        before, value, after = site.state()["process_s"], site.value(tag), site.state()["process_s"]
        seen.append((0.5 * (before + after) / 60.0, value))
        return over(value)

    until(done, 60, lambda: f"{tag}: {seen[-3:]}")
    return seen


def test_f10_a_heater_stuck_on_crosses_40_cel_half_an_hour_after_a_cold_start(site):
    """2 L at 22 Cel. The interlock trips at 38.5 Cel, and nobody pulls the plug."""
    site.by_hand("agitation", 150.0)
    until(lambda: site.value("agitation_rate") > 145.0, 5, "it turns")
    site.set(temperature_c=22.0, volume_l=2.0)
    number = site.befall("heater-stuck-on")
    *_, (crossed, _) = followed(site, "temperature", lambda value: value is not None and value >= 40.0)
    (fault,) = [one for one in site.control(op="process_faults")["faults"] if one["number"] == number]
    minutes = crossed - fault["begin_s"] / 60.0
    print(f"40 Cel after {minutes:.2f} min")
    assert minutes == pytest.approx(30.5, abs=1.0)
    assert site.interlock("over_temperature")


def test_f8_without_gas_the_oxygen_falls_as_steeply_as_it_was_taken_up(site):
    """The slope of the reading against the uptake that the supervisor calculated while gas flowed."""
    site.set(temperature_c=37.0, volume_l=1.0, ph=7.2, do=75.0, vcd=6.0, culture_age_h=60.0)
    site.engage(agitation=(150.0, "{rev}/min"), air=(200.0, "mL/min"), ph=(7.2, "[pH]"), temperature=(37.0, "Cel"))
    until(lambda: site.value("air_flow_measured") > 190.0, 10, "air flows")
    begun = site.state()["process_s"]
    until(lambda: site.state()["process_s"] > begun + 900.0, 40, "the uptake is seen for long enough")
    uptake = statistics.median(site.watched("our", 1.0))
    site.by_hand("agitation", 0.0)
    site.befall("gas-loss", "air")
    begun = site.value("do")
    seen = [one for one in followed(site, "do", lambda value: value < begun - 30.0) if one[1] < begun - 5.0]
    slope = statistics.linear_regression(*zip(*seen, strict=True)).slope
    print(f"uptake {uptake:.2f} mmol/L/h; oxygen falls by {-slope:.2f} %/min from {begun:.0f} %")
    assert slope == pytest.approx(-uptake * PER_MM / 60.0, rel=0.3)
