"""Filters, totals, volume."""

import math

import numpy as np
import pytest

from controller.frame import Frame
from controller.model.calculation import Calculation, Input
from controller.model.tags import Tag, TagTable
from controller.stages.estimate import Estimator
from drivers.contract import Reason


def tag(name, **options):
    given = {"vessel": "V", "title": "T", "unit": "mL", "decimals": 1, "kind": "measurement", "low": 0.0, "high": 1e9}
    return Tag(name=name, **{**given, **options})


def estimate(estimator, value, dt=1.0, quality=0, age=0.0):
    n = len(value)
    frame = Frame(np.array(value, float), np.full(n, quality, np.uint8), np.zeros(n, np.uint8), np.full(n, age))
    estimator.step(frame, dt)
    return frame


def test_a_filter_is_exact_for_any_time_between_scans():
    once, often = (Estimator(TagTable((tag("t", filter_s=10.0),))) for _ in range(2))
    estimate(once, [0.0])
    estimate(often, [0.0])
    for _ in range(50):
        last = estimate(often, [1.0], dt=0.2).value[0]
    assert last == pytest.approx(1 - math.exp(-1.0))
    assert estimate(once, [1.0], dt=10.0).value[0] == pytest.approx(last)


def test_a_filter_starts_afresh_after_a_bad_value():
    estimator = Estimator(TagTable((tag("t", filter_s=1000.0),)))
    estimate(estimator, [20.0])
    bad = estimate(estimator, [math.nan], quality=2)
    assert np.isnan(bad.value[0])
    assert estimate(estimator, [30.0]).value[0] == 30.0


@pytest.fixture
def totals():
    return Estimator(TagTable((tag("a", rebased=True), tag("b", vessel="W", rebased=True))))


def test_a_total_counts_from_the_start_of_the_batch(totals):
    assert estimate(totals, [100.0, 5.0]).value.tolist() == [0.0, 0.0]
    assert estimate(totals, [103.0, 6.0]).value.tolist() == [3.0, 1.0]
    totals.rebase("V")
    assert estimate(totals, [104.0, 7.0]).value.tolist() == [1.0, 2.0]


def test_a_total_survives_the_reset_of_its_counter(totals):
    for counter in (100.0, 110.0, 2.0, 4.0, 6.0):
        found = estimate(totals, [counter, 0.0]).value[0]
    assert found == 16.0


def test_one_low_reading_is_not_counted_twice(totals):
    for counter in (100.0, 110.0, 5.0, 111.0, 112.0):
        found = estimate(totals, [counter, 0.0]).value[0]
    assert found == 12.0


def test_one_low_reading_that_several_scans_see_is_still_one(totals):
    """A device that answers late leaves its last reading to the scans in between."""
    seen = [(100.0, 0.1), (0.0, 0.1), (0.0, 1.1), (0.0, 2.1), (101.0, 0.1), (102.0, 0.1)]
    found = [estimate(totals, [counter, 0.0], age=age).value[0] for counter, age in seen]
    assert found == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0]


def test_low_readings_that_do_not_follow_each_other_are_each_of_them_garbage(totals):
    for counter in (100.0, 110.0, 5.0, 111.0, 112.0, 6.0, 113.0):
        found = estimate(totals, [counter, 0.0]).value[0]
    assert found == 13.0


def test_a_total_keeps_its_value_while_it_is_bad_and_catches_up(totals):
    estimate(totals, [100.0, 0.0])
    frame = estimate(totals, [math.nan, math.nan], quality=2)
    assert frame.value[0] == 0.0
    assert frame.quality[0] == 2
    assert estimate(totals, [130.0, 0.0]).value[0] == 30.0


def test_a_total_counts_what_was_delivered_while_nobody_looked(totals):
    estimate(totals, [100.0, 0.0])
    estimate(totals, [120.0, 0.0])
    again = Estimator(TagTable((tag("a", rebased=True), tag("b", vessel="W", rebased=True))))
    again.restore(totals.state())
    assert estimate(again, [125.0, 0.0]).value[0] == 25.0


def test_a_total_that_was_never_read_restores_as_nothing(totals):
    again = Estimator(TagTable((tag("a", rebased=True),)))
    again.restore(totals.state())
    assert estimate(again, [50.0]).value[0] == 0.0


def test_volume_comes_from_the_weight_with_its_quality():
    weighed = Calculation("volume_from_weight", 1, (Input("weight", 0),), {"density": 1.008}, gain=0.001)
    estimator = Estimator(TagTable((tag("weight"), tag("volume", kind="calculated", calculation=weighed))))
    frame = Frame(
        np.array([1512.0, math.nan]),
        np.array([1, 2], np.uint8),
        np.array([Reason.STALE, 9], np.uint8),
        np.array([2.5, np.inf]),
    )
    estimator.step(frame, 1.0)
    assert frame.value[1] == pytest.approx(1.5)
    assert (frame.quality[1], frame.reason[1], frame.age[1]) == (1, Reason.STALE, 2.5)


def test_a_total_that_no_record_knows_starts_at_zero(totals):
    totals.restore({"V.a": "nonsense"})
    assert estimate(totals, [50.0, 1.0]).value.tolist() == [0.0, 0.0]
