"""A virtual campaign of 500 patients: how many manufactures fail, why, and what else becomes of their cells."""

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.biology import campaign as campaigns
from simulators.biology import verdicts
from simulators.biology.campaign import PLAN, expand
from simulators.biology.donors import Patient, patients
from simulators.biology.tc_m import DONOR
from simulators.biology.verdicts import FAILURES, LIMITS, RATE_HIGH, RATE_LOW, RELEASE, Outcome, purity, verdict

COUNT = 500
SOAKED = [pytest.param(seed, marks=pytest.mark.soak) for seed in (2, 3)]
USUAL = Patient(cd3=2.6, nucleated=5.6, blasts=0.05, transduced=0.174, viability=0.92, donor=DONOR)
GOOD = Outcome(hours=120.0, cells=5.0, viability=0.9, purity=0.95)


@dataclass(frozen=True)
class Campaign:
    """A cohort, what became of its cells, and the judgements."""

    cohort: list
    outcomes: list
    verdicts: list


@pytest.fixture(scope="module", params=[1, *SOAKED])
def campaign(request):
    cohort = patients(request.param, COUNT)
    outcomes = expand(cohort)
    return Campaign(cohort, outcomes, [verdict(*pair) for pair in zip(cohort, outcomes, strict=True)])


def test_as_many_manufactures_fail_as_are_published(campaign):
    rate = np.mean([not one.passed for one in campaign.verdicts])
    print(f"{rate:.1%} fail: {Counter(one.failures for one in campaign.verdicts if not one.passed)}")
    assert RATE_LOW <= rate <= RATE_HIGH
    assert RATE_LOW <= min(verdicts.PUBLISHED_RATES.values()) <= max(verdicts.PUBLISHED_RATES.values()) <= RATE_HIGH


def test_too_few_cells_are_the_usual_reason(campaign):
    reasons = Counter(failure for one in campaign.verdicts for failure in one.failures)
    assert reasons.most_common(1)[0][0] == "collection"
    assert reasons["collection"] / COUNT == pytest.approx(1.0 - 0.946, abs=0.03)
    assert reasons.keys() <= FAILURES.keys()


def test_cells_grow_to_the_target_within_days(campaign):
    hours, cells, viability, pure, _ = (np.array(column) for column in zip(*campaign.outcomes, strict=True))
    begun = PLAN.density * PLAN.inoculum
    low, middle, high = np.percentile(cells / begun, [5, 50, 95])
    print(f"fold {low:.1f} .. {middle:.1f} .. {high:.1f}, harvest after {np.median(hours):.0f} h, "
          f"viability from {viability.min():.2f}, purity from {pure.min():.2f}")  # fmt: skip
    assert 8.0 < middle < 12.0
    assert 96.0 <= np.median(hours) <= 144.0
    assert np.max(hours) <= PLAN.longest
    assert viability.min() > 0.8, "nobody's cells starve"
    assert pure.min() > 0.7


def test_slow_growers_take_longer(campaign):
    speed = [one.donor.mumax for one in campaign.cohort]
    hours = [one.hours for one in campaign.outcomes]
    assert np.corrcoef(speed, hours)[0, 1] < -0.5


def test_a_patient_fares_the_same_to_the_bit_alone_and_among_500(campaign):
    for number in (0, 499):
        assert expand([campaign.cohort[number]]) == [campaign.outcomes[number]]


@pytest.mark.parametrize("name", campaigns.LIMITS)
@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_a_plan_out_of_range_is_refused_with_range_and_source(name, wrong):
    with pytest.raises(ValueError, match=rf"^{name} = .* is outside .* \.\. .*shipped recipe"):
        expand(patients(1, 2), PLAN._replace(**{name: wrong}))


def test_cells_that_nobody_feeds_starve_and_are_refused():
    unfed = expand(patients(1, COUNT), PLAN._replace(feed=0.0, target=20.0, longest=120.0))
    judged = [verdict(one, outcome) for one, outcome in zip(patients(1, COUNT), unfed, strict=True)]
    assert np.mean(["viability" in one.failures for one in judged]) > 0.3


@pytest.mark.parametrize(
    ("failure", "changes"),
    [
        ("dose", {"cells": 0.4}),
        ("viability", {"viability": 0.69}),
        ("purity", {"purity": 0.69}),
        ("late", {"hours": 289.0}),
        ("contaminated", {"sterile": False}),
    ],
)
def test_each_limit_of_release_fails_what_is_beyond_it_alone(failure, changes):
    assert verdict(USUAL, GOOD).passed
    assert verdict(USUAL, GOOD._replace(**changes)).failures == (failure,)


def test_what_was_collected_and_transduced_counts_too():
    assert verdict(USUAL._replace(cd3=0.59), GOOD).failures == ("collection",)
    assert verdict(USUAL._replace(cd3=0.59), None).failures == ("collection",)
    assert verdict(USUAL, None) == (("lost",), 0.0)
    assert verdict(USUAL._replace(transduced=0.049), GOOD).failures == ("transduced",)
    assert verdict(USUAL, GOOD._replace(purity=None)).passed


def test_doses_are_viable_transduced_cells_that_are_left_after_filling():
    assert verdict(USUAL, GOOD).doses == pytest.approx(5.0 * 0.174 * 0.7 / 0.06)
    assert verdict(USUAL, GOOD, RELEASE._replace(dose=0.5, recovery=1.0)).doses == pytest.approx(5.0 * 0.174 / 0.5)


def test_what_selection_left_of_other_cells_is_diluted_by_growth():
    assert purity(USUAL, 0.5, 0.5) == pytest.approx(1.0 / (1.0 + 0.1 * 3.0 / 2.6))
    assert purity(USUAL, 0.5, 5.0) > 0.98
    assert purity(USUAL._replace(cd3=0.1), 0.5, 0.5) < 0.7


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("wrong", [-1.0, float("nan"), 1e6])
def test_limits_of_release_out_of_range_are_refused_with_range_and_source(name, wrong):
    with pytest.raises(ValueError, match=rf"^{name} = .* is outside .* \.\. ") as refused:
        verdict(USUAL, GOOD, RELEASE._replace(**{name: wrong}))
    assert LIMITS[name].basis in str(refused.value)


SHARES, CELLS = st.floats(0.0, 1.0), st.floats(0.0, 20.0)


@given(SHARES, CELLS, SHARES, SHARES, st.floats(0.0, 400.0), SHARES)
def test_more_and_better_cells_are_never_judged_worse(transduced, cells, viability, pure, hours, better):
    one, outcome = USUAL._replace(transduced=transduced), Outcome(hours, cells, viability, pure)
    improved = Outcome(hours * better, cells + better, min(viability + better, 1.0), min(pure + better, 1.0))
    before, after = verdict(one, outcome), verdict(one, improved)
    assert set(after.failures) <= set(before.failures)
    assert after.doses >= before.doses
