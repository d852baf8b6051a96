"""What T cells do besides following their reference trajectories."""

import math

import pytest

from simulators.biology.culture import Environment, Inflow
from simulators.biology.suspension import Suspension
from simulators.biology.tc_m import DONOR, TCell, activation, growth, rates

IDEAL = Environment(37.0, 7.2, 1e9, 100.0)
STILL = Inflow(0.0, 0.0, 0.0)
H = 1 / 60


def t_cells():
    return Suspension(TCell(DONOR))


def test_cells_wait_until_they_are_there_and_then_activate():
    culture = t_cells()
    culture.advance(100.0, IDEAL, STILL)
    assert culture.truth()["vcd"] == 0.0
    culture.inoculate(10.5, 0.05, 0.95)
    for _ in range(72 * 60):
        culture.advance(H, IDEAL, STILL)
    assert 3.5 < culture.truth()["vcd"] / 0.525 < 5
    assert culture.truth()["viability"] > 93


def test_cells_added_later_do_not_restart_the_activation():
    culture = t_cells()
    culture.set("vcd", 1.0)
    culture.set("culture_age_h", 60.0)
    before = culture.advance(0.0, IDEAL, STILL)
    culture.inoculate(1.0, 0.001, 0.95)
    assert culture.advance(0.0, IDEAL, STILL).oxygen == pytest.approx(before.oxygen, rel=0.01)


def test_growth_is_best_at_culture_conditions_and_needs_oxygen():
    state = (1.0, 0.0, 11.1, 2.0, 0.0, 0.1, 48.0)
    best = growth(state, IDEAL, DONOR)
    assert growth(state, IDEAL._replace(temperature=34.0), DONOR) == pytest.approx(best * math.exp(-1))
    assert growth(state, IDEAL._replace(ph=6.85), DONOR) == pytest.approx(best * math.exp(-1))
    assert rates(state, IDEAL._replace(oxygen=0.004), DONOR).growth == pytest.approx(best / 2)
    assert rates(state, IDEAL._replace(temperature=41.0), DONOR).death > rates(state, IDEAL, DONOR).death + 0.04
    assert activation(0.0, DONOR) == 0.0


def test_lactate_leaves_as_acid():
    culture = t_cells()
    culture.set("vcd", 2.0)
    culture.set("culture_age_h", 60.0)
    exchange = culture.advance(0.0, IDEAL, STILL)
    before = culture.truth()
    culture.advance(0.1, IDEAL, STILL)
    after = culture.truth()
    lactate = (after["lactate"] - before["lactate"]) / 0.1
    decay = 0.0022 * before["glutamine"]
    ammonia = (after["ammonia"] - before["ammonia"]) / 0.1 - decay
    assert exchange.ions == pytest.approx(ammonia - lactate, rel=0.01)
    assert exchange.oxygen > 0


def test_perfusion_renews_the_medium_and_keeps_the_cells():
    still, perfused = t_cells(), t_cells()
    for culture, inflow in ((still, STILL), (perfused, Inflow(0.0, 0.0, 1.5 / 24.0))):
        culture.inoculate(50.0, 0.1, 0.95)
        for _ in range(60 * 60):
            culture.advance(H, IDEAL, inflow)
    assert perfused.truth()["vcd"] > still.truth()["vcd"]
    assert perfused.truth()["glucose"] > 10.0 > still.truth()["glucose"]
    assert perfused.truth()["lactate"] < still.truth()["lactate"]


def test_a_name_the_model_does_not_know_is_refused():
    assert not t_cells().set("biomass", 1.0)
