"""The models against their trajectories: 0.5 % with a fine integrator, 3 % as the plant steps them."""

import numpy as np
import pytest

from tests.simulators.published import TABLES, all_hours, alone, deviations, finely, together

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
