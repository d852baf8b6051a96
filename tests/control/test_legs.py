"""Split range and sequences, forwards and backwards."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.loops import Leg
from controller.stages.legs import Legs

PH = (Leg(0, -100.0, 0.0, 60.0, 0.0), Leg(1, 0.0, 100.0, 0.0, 20.0))
DO = (Leg(2, 0.0, 25.0, 200.0, 0.0), Leg(3, 25.0, 60.0, 60.0, 180.0, cascade=True), Leg(4, 60.0, 100.0, 0.0, 200.0))


@pytest.fixture(scope="module")
def legs():
    return Legs([PH, DO])


def test_p10_each_leg_moves_over_its_own_part(legs):
    assert legs.spread(np.array([-50.0, 12.5])).tolist() == [30.0, 0.0, 100.0, 60.0, 0.0]
    assert legs.spread(np.array([50.0, 80.0])).tolist() == [0.0, 10.0, 0.0, 180.0, 100.0]


@given(st.floats(-100, 100), st.floats(0, 100))
def test_what_was_followed_is_what_was_asked(ph, do):
    legs = Legs([PH, DO])
    asked = np.array([ph, do])
    np.testing.assert_allclose(legs.achieved(asked, legs.spread(asked)), asked, atol=1e-9)


@given(st.floats(-100, 100), st.floats(0, 100))
def test_where_the_actuators_are_gives_the_output_that_puts_them_there(ph, do):
    legs = Legs([PH, DO])
    values = legs.spread(np.array([ph, do]))
    again = legs.spread(legs.seed(values))
    np.testing.assert_allclose(again, values, atol=1e-3 * 200.0 + 1e-9)


@given(st.floats(-100, 100))
def test_p10_acid_and_base_exclude_each_other(output):
    acid, base = Legs([PH]).spread(np.array([output]))
    assert acid == 0.0 or base == 0.0


@given(st.floats(-100, 100), st.floats(0, 100), st.floats(0, 1))
def test_p10_the_sequence_is_monotonic_and_no_leg_change_bumps(ph, do, step):
    """A little more output moves each actuator its own way, by no more than its leg's slope."""
    legs = Legs([PH, DO])
    moved = legs.spread(np.array([ph + step, do + step])) - legs.spread(np.array([ph, do]))
    slopes = [(leg.end - leg.start) / (leg.high - leg.low) for leg in (*PH, *DO)]
    for by, slope in zip(moved.tolist(), slopes, strict=True):
        assert min(0.0, slope * step) - 1e-9 <= by <= max(0.0, slope * step) + 1e-9


def test_a_last_leg_that_falls_short_counts(legs):
    asked = np.array([50.0, 80.0])
    values = legs.spread(asked)
    values[1], values[4] = 0.0, 50.0
    assert legs.achieved(asked, values).tolist() == [0.0, 70.0]


def test_a_first_leg_that_does_more_than_asked_counts(legs):
    asked = np.array([-50.0, 10.0])
    values = legs.spread(asked)
    values[0], values[2] = 0.0, 0.0
    assert legs.achieved(asked, values).tolist() == [0.0, 25.0]


def test_a_middle_leg_that_falls_short_leaves_it_to_the_next(legs):
    asked = np.array([0.0, 50.0])
    values = legs.spread(asked)
    values[3] = 60.0
    assert legs.achieved(asked, values).tolist() == asked.tolist()


def test_what_is_not_known_counts_as_followed(legs):
    asked = np.array([50.0, 80.0])
    values = legs.spread(asked)
    values[[1, 4]] = np.nan
    assert legs.achieved(asked, values).tolist() == asked.tolist()
    assert np.isfinite(legs.seed(values)).all()


def test_resting_actuators_seed_the_beginning(legs):
    assert legs.seed(np.array([0.0, 0.0, 0.0, 60.0, 0.0])).tolist() == [0.0, 25.0]
    assert legs.seed(np.array([60.0, 0.0, 200.0, 60.0, 0.0])).tolist() == [-100.0, 0.0]


def test_a_leg_without_travel_is_harmless():
    legs = Legs([(Leg(0, 0.0, 100.0, 5.0, 5.0),)])
    assert legs.spread(np.array([40.0])).tolist() == [5.0]
    assert legs.achieved(np.array([40.0]), np.array([5.0])).tolist() == [40.0]


def test_no_loops_no_legs():
    legs = Legs([])
    assert (
        len(legs.spread(np.zeros(0)))
        == len(legs.achieved(np.zeros(0), np.zeros(0)))
        == len(legs.seed(np.zeros(0)))
        == 0
    )
