"""Many donors at once: the same bytes in every layout of processes, and what the figures mean."""

import json
import math

import numpy as np
import pytest

from controller.composition.rehearsal import Rehearsed, rehearse, store, summary
from controller.composition.rehearsal.books import AlarmTime, Course
from controller.composition.rehearsal.figures import alarms, distribution, forecast, reached
from controller.composition.rehearsal.part import Part, Trended
from controller.config.load import load_site
from controller.recipe.check import load_recipe
from tests.rehearsal.conftest import BENCH, setting, shortened


def stored(folder, donors, processes, chosen):
    """The files of a rehearsal, by name."""
    site = load_site(BENCH)
    part = rehearse(chosen, donors, processes)
    about = Rehearsed(chosen, site, load_recipe(chosen.recipe, site.classes["BR-101"]), donors)
    return {path.name: path.read_bytes() for path in store(folder, summary(about, part), part)}


@pytest.mark.timeout(240)
def test_the_same_bytes_from_any_number_of_donors_and_any_layout_of_processes(tmp_path):
    chosen = setting(recipe=shortened(tmp_path), seed=4)
    one = stored(tmp_path / "one", 5, 1, chosen)
    two = stored(tmp_path / "two", 5, 2, chosen)
    assert one == two
    fewer = stored(tmp_path / "fewer", 1, 1, chosen)
    head, first, *_ = one["donors.csv"].splitlines()
    assert fewer["donors.csv"].splitlines() == [head, first]
    told = json.loads(one["summary.json"])
    assert told["outcome"]["states"] == {"Complete": 5}
    assert told["loops"]["temperature"]["in_band"]["n"] == 5
    assert told["consumption"]["air_flow"]["p50"] > 0.0
    assert set(json.loads(one["forecast.json"])["tags"]) >= {"temperature", "ph", "do", "viable_density", "feed_flow"}


def test_a_distribution_counts_only_what_is_known():
    values = [3.0, math.nan, 1.0, 2.0]
    quantiles = {"p5": 1.1, "p25": 1.5, "p50": 2.0, "p75": 2.5, "p95": 2.9}
    assert distribution(values) == {"n": 3, "mean": 2.0, "min": 1.0, **quantiles, "max": 3.0}
    assert distribution([math.nan]) == {"n": 0}


def test_the_probability_of_the_target_by_day():
    days = [0.5, 1.2, math.nan, 3.0]
    courses = [Course(str(n), "Complete", ended_s=3.5 * 86_400, reached_s=day * 86_400) for n, day in enumerate(days)]
    assert [one["day"] for one in reached(courses)] == [0, 1, 2, 3, 4]
    assert [one["probability"] for one in reached(courses)] == [0.0, 0.25, 0.5, 0.75, 0.75]


def test_alarms_are_counted_by_batch_and_by_time():
    often = [AlarmTime("ph_low", "pH low", 0.0, 600.0), AlarmTime("ph_low", "pH low", 900.0, 1200.0)]
    once = [AlarmTime("do_low", "DO low", 0.0, math.nan)]
    table = alarms([Course("a", alarms=often), Course("b", alarms=[often[0], *once]), Course("c")])
    assert [(one["alarm"], round(one["batches_share"], 3), one["per_batch"], one["still_active"]) for one in table] == [
        ("ph_low", 0.667, 1.0, 0),
        ("do_low", 0.333, 1 / 3, 1),
    ]
    assert table[0]["minutes"]["p50"] == 10.0


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
