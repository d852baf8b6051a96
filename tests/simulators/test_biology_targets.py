"""The models against their trajectories: 0.5 % with a fine integrator, 3 % as the plant steps them."""

import numpy as np
import pytest

from simulators.biology import cho_a, cho_m, tc_m
from simulators.biology.culture import Environment
from simulators.biology.suspension import Suspension
from tests.simulators.published import (
    DENSE_START,
    IDEAL,
    STARVING_H,
    T_START,
    TABLES,
    all_hours,
    alone,
    deviations,
    finely,
    starved,
    together,
)

FINE, FAST = 0.005, 0.03


def check(model, cases, traces, relative, how):
    found = [found for case, trace in zip(cases, traces, strict=True) for found in deviations(case, trace)]
    worst = max(found, key=lambda entry: 0.0 if entry[2] else entry[1])
    largest = max(found, key=lambda entry: entry[1])
    print(f"{model} {how}: {len(found)} values, worst {largest[1]:.3%} at {largest[0]}; beyond the last printed digit "
          f"{0.0 if worst[2] else worst[1]:.3%} at {worst[0]}")  # fmt: skip
    assert not [entry for entry in found if entry[1] > relative and not entry[2]]


@pytest.mark.parametrize("model", TABLES)
def test_with_a_fine_integrator(model):
    cases = TABLES[model]
    check(model, cases, [finely(case) for case in cases], FINE, "fine")


@pytest.mark.parametrize("model", TABLES)
def test_as_the_plant_steps_in_floats_and_in_arrays_to_the_bit(model):
    cases = TABLES[model]
    one_by_one, side_by_side = [alone(case) for case in cases], together(cases)
    check(model, cases, one_by_one, FAST, "in floats")
    check(model, cases, side_by_side, FAST, "in arrays")
    for case, single, column in zip(cases, one_by_one, side_by_side, strict=True):
        assert set(column) == set(all_hours(cases))
        for hour in case.rows:
            assert np.array_equal(single[hour], column[hour])


def test_cho_grow_no_faster_than_what_they_can_burn():
    """CHO-A: 0.6722 * 0.0384 + 0.3466 * 0.0218."""
    plenty = cho_a.rates(1e6, 1e6, 0.0, cho_a.LINE).growth
    assert plenty == pytest.approx(0.033368, rel=1e-4)
    assert (
        max(cho_a.rates(g, q, 0.0, cho_a.LINE).growth for g in (1.0, 18.0, 100.0) for q in (0.1, 2.4, 10.0)) <= plenty
    )


def test_dense_cho_do_not_starve_as_published_and_such_a_state_is_marked():
    """CHO-M's known defect: the batch stays at 3.95e9/L once its glucose is gone."""
    (published, glucose, culture), (mended, _, _) = starved(cho_m.LINE), starved(cho_m.LINE._replace(kd_starving=0.02))
    print(f"after {STARVING_H} h: {published:.3f} as published, {mended:.3f} with starvation, glucose {glucose:.4f}")
    assert glucose < 1e-3
    assert published == pytest.approx(3.95, rel=0.01)
    assert mended < 0.8 * published
    here = Environment(37.0, 7.2, 0.2, 100.0)
    assert culture.outside(here)["glucose"]
    begun = Suspension(cho_m.DenseCho(cho_m.LINE))
    begun.state = DENSE_START
    assert not any(begun.outside(here).values())


def test_t_cells_slow_and_fast_donors_differ_as_they_should():
    """TC-M: at 240 h of perfusion the slow donor has two fifths of the usual one's cells."""
    traces = {case.name: finely(case) for case in TABLES["TC-M"] if case.name.startswith("C ")}
    usual, slow, fast = (traces[name] for name in ("C perfusion", "C slow donor", "C fast donor"))
    assert slow[240][0] / usual[240][0] == pytest.approx(5.475 / 13.96, rel=FINE)
    assert fast[168][0] / usual[168][0] == pytest.approx(12.42 / 9.731, rel=FINE)
    best = tc_m.growth((*T_START[:-1], 60.0), Environment(*IDEAL), tc_m.DONOR)
    assert best < tc_m.DONOR.mumax
