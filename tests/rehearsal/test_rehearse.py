"""Many donors at once: the same bytes in every layout of processes, and what the figures mean."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from controller.cli.rehearsal_text import forecast_text
from controller.composition.rehearsal import Rehearsed, rehearse, store, summary
from controller.composition.rehearsal.books import AlarmTime, Course, consumed
from controller.composition.rehearsal.donors import particulars
from controller.composition.rehearsal.figures import alarms, distribution, forecast, glimpses, reached
from controller.composition.rehearsal.part import Part, Trended
from controller.config.load import load_site
from controller.model.tags import Tag
from controller.recipe.check import load_recipe
from simulators.biology.donors import patient
from tests.rehearsal.conftest import BENCH, DAY_S, setting, shortened

POOR_SECOND = 58
"""The seed of a population of which the second donor gave fewer cells than the recipe takes."""


def stored(folder, donors, processes, chosen):
    """The files of a rehearsal, by name."""
    site = load_site(BENCH)
    part = rehearse(chosen, donors, processes)
    about = Rehearsed(chosen, site, load_recipe(chosen.recipe, site.classes["BR-101"]), donors)
    return {path.name: path.read_bytes() for path in store(folder, summary(about, part), part)}


@pytest.mark.timeout(240)
def test_the_same_bytes_from_any_number_of_donors_and_any_layout_of_processes(tmp_path):
    """Of five donors the second gave too few cells: no batch can be made of them."""
    chosen = setting(recipe=shortened(tmp_path, least_density=6.0), seed=POOR_SECOND)
    one = stored(tmp_path / "one", 5, 1, chosen)
    two = stored(tmp_path / "two", 5, 2, chosen)
    assert one == two
    fewer = stored(tmp_path / "fewer", 1, 1, chosen)
    head, first, poor, *_ = one["donors.csv"].splitlines()
    assert fewer["donors.csv"].splitlines() == [head, first]
    assert poor.startswith(b"D0002,Not begun,")
    assert poor.count(b",,") > 5, "nothing is said of what was never in the vessel"
    told = json.loads(one["summary.json"])
    assert told["outcome"]["states"] == {"Complete": 4, "Not begun": 1}
    assert told["outcome"]["judged"] == 5
    assert told["endings"] == {"expand": {"The longest expansion time has passed.": 4}}
    for spread in (told["loops"]["temperature"]["in_band"], told["yield"]["doses"], told["consumption"]["medium"]):
        assert spread["n"] == 4
    air = told["consumption"]["air_flow"]
    assert air["unit"] == "L"
    assert air["p50"] == pytest.approx(24.0 * 60.0 * 0.05 * told["duration_d"]["p50"], rel=0.05), "50 mL/min"
    assert set(json.loads(one["forecast.json"])["tags"]) >= {"temperature", "ph", "do", "viable_density", "feed_flow"}


def test_a_distribution_counts_only_what_is_known():
    values = [3.0, math.nan, 1.0, 2.0]
    quantiles = {"p5": 1.1, "p25": 1.5, "p50": 2.0, "p75": 2.5, "p95": 2.9}
    assert distribution(values) == {"n": 3, "mean": 2.0, "min": 1.0, **quantiles, "max": 3.0}
    assert distribution([math.nan]) == {"n": 0}


def test_the_probability_of_the_target_by_day():
    days = [0.5, 1.2, math.nan, 3.0]
    courses = [Course(str(n), "Running", followed_s=3.5 * DAY_S, reached_s=day * DAY_S) for n, day in enumerate(days)]
    assert [one["day"] for one in reached(courses)] == [0, 1, 2, 3, 4]
    assert [one["probability"] for one in reached(courses)] == [0.0, 0.25, 0.5, 0.75, 0.75]


@pytest.mark.parametrize(
    ("unit", "highest", "told", "in_an_hour"),
    [("mL/min", 500.0, "L", 0.06), ("mL/h", 60.0, "mL", 1.0), ("mL/h", 1500.0, "L", 0.001), ("L/min", 5.0, "L", 60.0)],
)
def test_what_flows_by_the_litre_is_told_in_litres(unit, highest, told, in_an_hour):
    one = consumed(Tag("D0001", "air_flow", "Air", unit, 0, "output", 0.0, highest))
    assert (one.name, one.title, one.unit) == ("air_flow", "Air", told)
    assert one.per_second * 3600.0 == pytest.approx(in_an_hour)


def test_alarms_are_counted_by_batch_and_by_time():
    often = [AlarmTime("ph_low", "pH low", 0.0, 600.0), AlarmTime("ph_low", "pH low", 900.0, 1200.0)]
    once = [AlarmTime("do_low", "DO low", 0.0, 6000.0, open=True)]
    complete = [Course("a", "Complete", alarms=often), Course("b", "Complete", alarms=[often[0], *once])]
    table = alarms([*complete, Course("c", "Running"), Course("d", reason="no batch could be made")])
    assert [(one["alarm"], round(one["batches_share"], 3), one["per_batch"], one["still_active"]) for one in table] == [
        ("ph_low", 0.667, 1.0, 0),
        ("do_low", 0.333, 0.33333333, 1),
    ]
    assert table[0]["minutes"]["p50"] == 10.0
    assert table[1]["minutes"]["max"] == 100.0, "until the end of the batch at least"


def test_nobody_judges_what_still_runs_or_never_held_a_cell(tmp_path):
    chosen = setting(recipe=shortened(tmp_path), longest_s=0.1 * DAY_S)
    told = json.loads(stored(tmp_path / "running", 2, 1, chosen)["summary.json"])
    assert told["outcome"]["states"] == {"Running": 2}
    assert (told["outcome"]["judged"], told["outcome"]["failed"], told["outcome"]["failed_share"]) == (0, None, None)
    assert told["loops"]["temperature"]["in_band"]["n"] == 2, "what they did so far counts"
    assert told["yield"]["doses"] == {"title": "Doses", "unit": "1", "n": 0}


def test_a_target_that_ends_the_batch_is_reached(tmp_path):
    text = shortened(tmp_path).read_text()
    text = text.replace("target: viable_density >= target_density", "target: temperature > 36.6 Cel")
    warm = "      - when: temperature > 36.6 Cel\n        then: end\n"
    recipe = tmp_path / "warm.yaml"
    recipe.write_text(text.replace("      - when: abs(", f"{warm}      - when: abs(", 1))
    (course,) = rehearse(setting(recipe=recipe), 1, 1).courses
    assert course.completed
    assert course.reached_s == course.ended_s == course.followed_s
    assert not course.judged


@pytest.mark.parametrize(("code", "unit"), [("10*3/mL", 1e3), ("10*9/mL", 1e-3)])
def test_a_poor_donor_is_told_in_the_unit_of_the_recipe(tmp_path, code, unit):
    text = shortened(tmp_path).read_text()
    low, value, high = (f"{number * unit:g}" for number in (1.0, 10.5, 100.0))
    ranges = ", ".join(f"{name}: {low} .. {high} {code}" for name in ("hard", "proven", "normal"))
    (line,) = re.findall(r"inoculum_density: .title: .*", text)
    renewed = f"inoculum_density: {{title: Cells in the inoculum, value: {value} {code}, {ranges}, patient: true}}"
    config = load_recipe(text.replace(line, renewed)).config
    poor = patient(1, 0)._replace(cd3=0.4, viability=0.9)
    assert particulars(config, [poor]) == [{"inoculum_density": pytest.approx(7.2 * unit)}]
    assert particulars(config, [poor._replace(cd3=4.0)]) == [{}]


def test_the_forecast_is_numpys_quantile_of_the_batches_that_are_not_over():
    random = np.random.default_rng(2)
    trends = random.normal(37.0, 1.0, (4, 9, 1)).astype(np.float32)
    trends[2:, :4] = np.nan
    trends[3] = np.nan
    courses = [Course(str(n)) for n in range(9)]
    told = forecast(Part(courses, [], np.zeros((9, 0)), [Trended("temperature", "Temperature", "Cel", 3)], trends, []))
    assert told["running"] == [9, 9, 5, 0]
    for name, share in (("p5", 0.05), ("p50", 0.5), ("p95", 0.95)):
        expected = [*np.nanquantile(trends[:3, :, 0].astype(float), share, axis=1).round(4), None]
        assert told["tags"]["temperature"][name] == pytest.approx(expected)


def test_what_is_printed_of_the_forecast_is_three_moments_of_it():
    """While half of the batches are not over; one of four is at the end."""
    trends = np.arange(13 * 4, dtype=np.float32).reshape(13, 4, 1).repeat(2, axis=2)
    trends[9:, 1:] = np.nan
    trends[:, :, 1] = np.nan
    tags = [Trended("temperature", "Temperature", "Cel", 2), Trended("viability", "Viability", "%", 1)]
    part = Part([Course(str(n)) for n in range(4)], [], np.zeros((4, 0)), tags, trends, [])
    seen = glimpses(part)
    assert seen["day"] == pytest.approx([2 * 600 / DAY_S, 4 * 600 / DAY_S, 6 * 600 / DAY_S])
    whole = forecast(part)["tags"]["temperature"]
    expected = {name: [whole[name][point] for point in (2, 4, 6)] for name in ("p5", "p50", "p95")}
    assert seen["tags"] == {"temperature": {"title": "Temperature", "unit": "Cel", **expected}}
    head, row, _ = forecast_text(seen).splitlines()
    assert head.split() == ["Forecast", "day", "0.014", "day", "0.028", "day", "0.042"]
    assert row.split()[:6] == ["Temperature,", "°C", "9.5", "(8.15", "..", "10.85)"]
    assert glimpses(replace(part, trends=trends[:0])) == {"day": [], "tags": {}}
