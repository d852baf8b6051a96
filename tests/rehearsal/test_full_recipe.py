"""The full-length recipes in process: days of culture in seconds, on the scan that runs hardware."""

import math

import pytest

from simulators.physics.gas import air_saturation
from tests.rehearsal.conftest import CONFIGS, DAY_S, HOUR_S, Watched, setting

CALCULATED = ("kla", "our", "buffer_capacity", "oxygen_in_gas", "temperature", "do")
SOAKED = [pytest.param(period_s, marks=pytest.mark.soak) for period_s in (10.0, 20.0)]


@pytest.mark.timeout(240)
@pytest.mark.parametrize("period_s", [30.0, *SOAKED])
def test_the_full_length_expansion_completes_and_is_controlled_all_the_way(period_s):
    watched = Watched(setting(period_s=period_s))
    course = watched.run(temperature=37.0, ph=7.2, do=50.0)
    worst = watched.worst
    print(f"{course.ended_s / DAY_S:.2f} d of process time, worst deviations after four hours: {worst}")
    assert course.state == "Complete"
    assert course.alarms == [], "neither an effect nor anything else is missing"
    assert 3 < course.ended_s / DAY_S < 10.5
    assert worst["temperature"] <= 0.2
    assert worst["ph"] <= 0.1
    assert worst["do"] <= 5.0
    assert set(course.failures) <= {"transduced"}, "which is as the patient's cells took it, whatever the recipe does"


@pytest.mark.timeout(120)
def test_a_full_vessel_is_harvested_before_its_cells_starve():
    """Nearly full from the beginning: the feed ends after a day, far from the target."""
    watched = Watched(setting(initial={"volume_l": 1.84}, longest_s=72 * HOUR_S))
    course = watched.run()
    assert course.state == "Complete"
    assert math.isnan(course.reached_s), "the target was never reached"
    assert watched.seen["expand"]["volume_l"] == pytest.approx(1.9, abs=0.01)
    assert watched.seen["expand"]["vcd"] < 2.0
    assert watched.seen["cool_down"]["viability"] > 85.0


@pytest.mark.timeout(120)
def test_e_coli_grow_on_the_medium_and_then_on_the_feed(tmp_path):
    """From a large inoculum, so that it is over in hours: the feed begins at the end of the glucose, and not before."""
    text = (CONFIGS / "recipes/ecoli-fed-batch.yaml").read_text()
    for old, new in {
        "inoculum, value: 2000 10*6/mL": "inoculum, value: 80000 10*6/mL", "before, value: 3 h": "before, value: 1 h",
        "longest, value: 24 h": "longest, value: 0.5 h", "to, value: 25 Cel": "to, value: 35 Cel",
        "proven: 500 .. 10000 10*6/mL, normal: 1000 .. 5000": "proven: 500 .. 100000 10*6/mL, normal: 1000 .. 100000",
        "proven: 2 .. 6 h, normal: 3 .. 4 h": "proven: 1 .. 6 h, normal: 1 .. 4 h",
        "proven: 12 .. 36 h, normal: 18 .. 24 h": "proven: 0.5 .. 36 h, normal: 0.5 .. 24 h",
        "proven: 15 .. 30 Cel, normal: 23 .. 28 Cel": "proven: 15 .. 37 Cel, normal: 23 .. 37 Cel",
    }.items():  # fmt: skip
        assert old in text, old
        text = text.replace(old, new)
    recipe = tmp_path / "shortened.yaml"
    recipe.write_text(text)
    site, warm = CONFIGS / "sites/microbial.yaml", {"temperature_c": 36.8}
    watched = Watched(setting(site=site, vessel="BR-201", recipe=recipe, period_s=10.0, initial=warm), tags=CALCULATED)
    course = watched.run()
    assert course.state == "Complete"
    assert not [alarm for alarm in course.alarms if alarm.name.endswith(("_no_effect", "do_high"))]
    assert [*course.entered][-4:-1] == ["batch_phase", "fed_batch", "cool_down"]
    assert watched.seen["first_growth"]["glucose"] > 20.0
    assert watched.seen["batch_phase"]["glucose"] < 1.0, "mmol/L: used up"
    assert watched.seen["fed_batch"]["feed_ml"] > 0.0
    shown, true = watched.shown["fed_batch"], watched.seen["fed_batch"]
    assert shown["kla"] == pytest.approx(true["kla"], rel=0.05), "of this vessel, and not of one for animal cells"
    assert shown["our"] == pytest.approx(true["kla"] * driving_force(shown), rel=0.15)
    assert shown["buffer_capacity"] == pytest.approx(41.5, rel=0.05), "75 mM phosphate at pH 7"


def driving_force(shown):
    """mM between what oxygen the gas could dissolve and what is dissolved, at 36.8 Cel and little pressure."""
    saturated = air_saturation(shown["temperature"])
    return saturated * (shown["oxygen_in_gas"] / 20.95 - shown["do"] / 100.0)


@pytest.mark.timeout(120)
def test_e_coli_are_cooled_to_their_harvest_in_the_room_that_they_stand_in(tmp_path):
    """Nothing cools the vessel but the room, of 22 Cel: what the recipe asks for must be above that."""
    text = (CONFIGS / "recipes/ecoli-fed-batch.yaml").read_text()
    a, b = text.index("  - operation: fill"), text.index("  - operation: cool_down")
    recipe = tmp_path / "cooled.yaml"
    recipe.write_text(text[:a] + text[b:])
    site, warm = CONFIGS / "sites/microbial.yaml", {"temperature_c": 37.0, "volume_l": 1.4}
    course = Watched(setting(site=site, vessel="BR-201", recipe=recipe, initial=warm)).run()
    assert course.state == "Complete"
    assert "longer" not in course.left["cool_down"]
    assert course.ended_s < 3 * HOUR_S
