"""TC-M against its reference trajectories (fixed environment: 37 Cel, pH 7.2, no lack of oxygen)."""

import math

import pytest

from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.tc_m import FEED_GLUCOSE, FEED_GLUTAMINE, Donor, TCell, activation, growth, rates, slope

IDEAL = Environment(37.0, 7.2, 1e9, 100.0)
START = (0.5, 0.026, 11.1, 2.0, 0.0, 0.1, 0.0)
H = 1 / 60
NAMES = ("X", "Xd", "G", "Q", "L", "A")


def live(until, state=START, donor=None, inflow=lambda t: 0.0, perfusion=lambda t: 0.0):
    """Integrate by the minute; perfusion exchanges medium and keeps the cells."""
    donor = donor or Donor()
    fresh = (FEED_GLUCOSE, FEED_GLUTAMINE, 0.0, 0.0)
    for _minute in range(round((until - state[6]) / H)):
        middle = state[6] + H / 2
        kept = math.exp(-perfusion(middle) * H / 2)
        for half in (0, 1):
            x, xd, *dissolved, age = state
            state = (x, xd, *(f + (c - f) * kept for c, f in zip(dissolved, fresh, strict=True)), age)
            if half == 0:
                rate = inflow(middle)
                state = runge_kutta(lambda y, r=rate: slope(y, IDEAL, Inflow(r, r), donor), state, H)
                state = tuple(max(y, 0.0) for y in state)
    return state


def assert_state(state, **expected):
    for name, (value, last_digit) in expected.items():
        assert state[NAMES.index(name)] == pytest.approx(value, rel=0.005, abs=last_digit), name


def test_batch_case_a():
    at72 = live(72)
    assert_state(
        at72, X=(2.192, 1e-3), Xd=(0.143, 1e-3), G=(4.292, 1e-3), Q=(0.740, 1e-3), L=(11.57, 1e-2), A=(1.158, 1e-3)
    )
    at120 = live(120, at72)
    assert_state(
        at120, X=(1.501, 1e-3), Xd=(1.778, 1e-3), G=(0.0, 1e-3), Q=(0.061, 1e-3), L=(18.87, 1e-2), A=(1.706, 1e-3)
    )
    assert at120[0] / (at120[0] + at120[1]) == pytest.approx(0.458, abs=1e-3)


def test_exponential_feed_case_b():
    end = 48 + math.log(8) / 0.02

    def rate(t):
        return 0.02 if 48 <= t < end else 0.0

    at96 = live(96, inflow=rate)
    assert_state(
        at96, X=(1.787, 1e-3), Xd=(0.102, 1e-3), G=(11.60, 1e-2), Q=(2.09, 1e-2), L=(10.58, 1e-2), A=(0.993, 1e-3)
    )
    at144 = live(144, at96, inflow=rate)
    assert_state(
        at144, X=(2.215, 1e-3), Xd=(0.143, 1e-3), G=(11.84, 1e-2), Q=(2.19, 1e-2), L=(14.55, 1e-2), A=(1.27, 1e-2)
    )
    at192 = live(192, at144, inflow=rate)
    assert_state(
        at192, X=(3.721, 1e-3), Xd=(0.470, 1e-3), G=(3.99, 1e-2), Q=(0.936, 1e-3), L=(28.31, 1e-2), A=(2.34, 1e-2)
    )


def case_c(t):
    """Perfusion in 1/h: 0.5 volumes a day from 72 h, 1.0 from 120 h, 1.5 from 168 h."""
    return (0.0 if t < 72 else 0.5 if t < 120 else 1.0 if t < 168 else 1.5) / 24


def test_perfusion_case_c():
    at120 = live(120, perfusion=case_c)
    assert_state(
        at120, X=(5.503, 1e-3), Xd=(0.504, 1e-3), G=(5.88, 1e-2), Q=(1.31, 1e-2), L=(20.59, 1e-2), A=(1.63, 1e-2)
    )
    at168 = live(168, at120, perfusion=case_c)
    assert_state(
        at168, X=(9.731, 1e-3), Xd=(1.209, 1e-3), G=(9.81, 1e-2), Q=(2.12, 1e-2), L=(19.81, 1e-2), A=(1.45, 1e-2)
    )
    at240 = live(240, at168, perfusion=case_c)
    assert_state(
        at240, X=(13.96, 1e-2), Xd=(2.391, 1e-3), G=(14.73, 1e-2), Q=(2.98, 1e-2), L=(12.36, 1e-2), A=(0.836, 1e-3)
    )


def test_a_slow_and_a_fast_donor_in_perfusion():
    slow = live(240, donor=Donor(mumax=0.028, tlag=36, tact=168), perfusion=case_c)
    assert_state(
        slow, X=(5.475, 1e-3), Xd=(0.859, 1e-3), G=(19.05, 1e-2), Q=(3.50, 1e-2), L=(5.01, 1e-2), A=(0.421, 1e-3)
    )
    fast = live(168, donor=Donor(mumax=0.048, tlag=18, tact=264), perfusion=case_c)
    assert_state(
        fast, X=(12.42, 1e-2), Xd=(1.954, 1e-3), G=(8.27, 1e-2), Q=(1.96, 1e-2), L=(22.42, 1e-2), A=(1.58, 1e-2)
    )


def test_cells_wait_until_they_are_there_and_then_activate():
    culture = TCell()
    culture.advance(100.0, IDEAL, Inflow(0.0, 0.0))
    assert culture.truth()["vcd"] == 0.0
    culture.inoculate(10.5, 0.05, 0.95)
    for _ in range(72 * 60):
        culture.advance(H, IDEAL, Inflow(0.0, 0.0))
    assert 3.5 < culture.truth()["vcd"] / 0.525 < 5
    assert culture.truth()["viability"] > 93


def test_cells_added_later_do_not_restart_the_activation():
    culture = TCell()
    culture.set("vcd", 1.0)
    culture.set("culture_age_h", 60.0)
    before = culture.advance(0.0, IDEAL, Inflow(0.0, 0.0))
    culture.inoculate(1.0, 0.001, 0.95)
    assert culture.advance(0.0, IDEAL, Inflow(0.0, 0.0)).oxygen == pytest.approx(before.oxygen, rel=0.01)


def test_growth_is_best_at_culture_conditions_and_needs_oxygen():
    donor = Donor()
    state = (1.0, 0.0, 11.1, 2.0, 0.0, 0.1, 48.0)
    best = growth(state, IDEAL, donor)
    assert growth(state, IDEAL._replace(temperature=34.0), donor) == pytest.approx(best * math.exp(-1))
    assert growth(state, IDEAL._replace(ph=6.85), donor) == pytest.approx(best * math.exp(-1))
    assert rates(state, IDEAL._replace(oxygen=0.004), donor).growth == pytest.approx(best / 2)
    assert rates(state, IDEAL._replace(temperature=41.0), donor).death > rates(state, IDEAL, donor).death + 0.04
    assert activation(0.0, donor) == 0.0


def test_lactate_leaves_as_acid():
    culture = TCell()
    culture.set("vcd", 2.0)
    culture.set("culture_age_h", 60.0)
    exchange = culture.advance(0.0, IDEAL, Inflow(0.0, 0.0))
    before = culture.truth()
    culture.advance(0.1, IDEAL, Inflow(0.0, 0.0))
    after = culture.truth()
    lactate = (after["lactate"] - before["lactate"]) / 0.1
    decay = 0.0022 * before["glutamine"]
    ammonia = (after["ammonia"] - before["ammonia"]) / 0.1 - decay
    assert exchange.ions == pytest.approx(ammonia - lactate, rel=0.01)
    assert exchange.oxygen > 0


def test_a_name_the_model_does_not_know_is_refused():
    assert not TCell().set("biomass", 1.0)
