"""P2: the three forms of a controller describe the same controller."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.pid_forms import Parallel, Series, Standard, to_parallel, to_series, to_standard

W = np.geomspace(1e-5, 1e3, 200)
gains = st.floats(0.01, 100.0) | st.floats(-100.0, -0.01)
times = st.floats(1.0, 1e4)


def same(one, other):
    np.testing.assert_allclose(one.response(W), other.response(W), rtol=1e-9)


def test_p2_series_to_standard_is_the_well_known_formula():
    k, ti, td = 3.0, 200.0, 30.0
    isa = to_standard(Series(k, ti, td))
    assert isa.gain == pytest.approx(k * (1 + td / ti), rel=1e-12)
    assert isa.integral_time == pytest.approx(ti + td, rel=1e-12)
    assert isa.derivative_time == pytest.approx(ti * td / (ti + td), rel=1e-12)


@given(gain=gains, ti=times, share=st.floats(0.0, 0.9), n=st.floats(2.0, 20.0))
def test_p2_frequency_responses_are_equal(gain, ti, share, n):
    series = Series(gain, ti, share * ti, share * ti / n)
    same(to_standard(series), series)
    same(to_parallel(series), series)
    back = to_series(to_parallel(series))
    same(back, series)
    assert back.integral_time >= back.derivative_time


@given(gain=gains, ti=times, share=st.floats(0.0, 0.2))
def test_p2_there_and_back(gain, ti, share):
    isa = Standard(gain, ti, share * ti)
    same(to_standard(to_series(isa)), isa)
    back = to_standard(to_parallel(isa))
    assert (back.gain, back.integral_time, back.derivative_time) == pytest.approx(
        (isa.gain, isa.integral_time, isa.derivative_time)
    )


@pytest.mark.parametrize("form", [Standard(2.0), Standard(2.0, math.inf, 5.0, 0.5), Series(-1.0, math.inf, 3.0, 0.3)])
def test_p2_without_an_integral(form):
    for other in (to_standard(form), to_series(form), to_parallel(form)):
        same(other, form)
    assert to_parallel(form).integral == 0.0


def test_p2_a_series_form_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="more than a quarter of the integral time of 100 s"):
        to_series(Standard(1.0, 100.0, 25.1))
    same(to_series(Standard(1.0, 100.0, 25.0)), Standard(1.0, 100.0, 25.0))
    with pytest.raises(ValueError, match="filter of 20 s is not faster than its integral time of 10 s"):
        to_series(Standard(1.0, 10.0, 0.0, 20.0))


def test_p2_a_pure_integrator_has_no_standard_form():
    with pytest.raises(ValueError, match="proportional gain of 0"):
        to_standard(Parallel(0.0, 1.0))
