"""The population: each member by itself, and 500 of them as the published cohort is."""

import numpy as np
import pytest

from simulators.biology import donors
from simulators.biology.donors import patient, patients, together
from simulators.biology.tc_m import LIMITS, TCell

COUNT = 500
QUARTILE = 0.6745
MEDIAN_ERROR, QUARTILE_ERROR = 1.2533 / np.sqrt(COUNT), 1.3626 / np.sqrt(COUNT)
"""Standard errors of sample quantiles, for a deviation of 1."""


@pytest.fixture(scope="module", params=[1, 2, 3])
def cohort(request):
    return patients(request.param, COUNT)


def test_a_member_depends_on_its_number_alone():
    assert patient(7, 3) == patients(7, 4)[3] == patients(7, 500)[3]
    assert patient(7, 3) != patient(7, 4) != patient(8, 4)


@pytest.mark.parametrize(
    ("name", "median", "spread"),
    [
        ("cd3", 2.6, 0.91),
        ("nucleated", 5.6, 0.74),
        ("transduced", 0.174, 0.49),
    ],
)
def test_published_medians_and_quartiles(cohort, name, median, spread):
    logs = np.log([getattr(one, name) for one in cohort])
    low, middle, high = np.percentile(logs, [25, 50, 75])
    print(f"{name}: " + ", ".join(f"{np.exp(value):.3f}" for value in (low, middle, high)))
    bias = 0.05  # of the draws again where more CD3+ cells than cells would be collected
    assert middle == pytest.approx(np.log(median), abs=3.0 * spread * MEDIAN_ERROR + bias)
    for found, sign in ((low, -1), (high, 1)):
        expected = np.log(median) + sign * QUARTILE * spread
        assert found == pytest.approx(expected, abs=3.0 * spread * QUARTILE_ERROR + bias)


@pytest.mark.parametrize(
    ("name", "published"),
    [("cd3", (1.2, 2.6, 4.1)), ("nucleated", (3.1, 5.6, 8.4)), ("transduced", (0.12, 0.174, 0.231))],
)
def test_quartiles_are_those_of_the_cohort_as_far_as_a_lognormal_has_them(cohort, name, published):
    """No lognormal has these three exactly: about the published median its quartiles of CD3+ are 1.4 and 4.8."""
    found = np.percentile([getattr(one, name) for one in cohort], [25, 50, 75])
    assert found[1] == pytest.approx(published[1], rel=0.12)
    assert found == pytest.approx(published, rel=0.27)


def test_shares_of_collections_that_suffice(cohort):
    cd3 = np.array([one.cd3 for one in cohort])
    assert np.mean(cd3 >= 0.6) == pytest.approx(0.946, abs=0.03)
    assert np.mean(cd3 >= 2.0) == pytest.approx(0.61, abs=0.07)
    purity = np.array([one.purity for one in cohort])
    assert purity.max() <= 1.0
    assert purity.mean() == pytest.approx(0.46, abs=0.04)
    assert purity.std() == pytest.approx(0.18, abs=0.02)


def test_blasts_are_those_of_good_and_bad_donors_and_slow_growth(cohort):
    blasts = np.array([one.blasts for one in cohort])
    middle = np.sqrt(donors.BLASTS_GOOD * donors.BLASTS_BAD)
    error = 3.0 * donors.BLASTS_SPREAD * MEDIAN_ERROR * np.sqrt(2.0) + 0.06
    assert np.log(np.median(blasts[blasts < middle])) == pytest.approx(np.log(0.046), abs=error + 0.1)
    assert np.log(np.median(blasts[blasts >= middle])) == pytest.approx(np.log(0.176), abs=error + 0.1)
    growth = np.log([one.donor.mumax for one in cohort])
    assert np.corrcoef(growth, np.log(blasts))[0, 1] == pytest.approx(-0.4, abs=0.12)


def test_growth_and_metabolism_are_as_drawn_and_within_their_limits(cohort):
    many = together(one.donor for one in cohort)
    assert np.median(many.mumax) == pytest.approx(0.040, rel=0.04)
    truncated = 0.916  # deviation of a normal variable that ends 1.77 deviations above its mean
    assert np.log(many.mumax).std() == pytest.approx(0.18 * truncated, abs=0.017)
    assert 0.022 <= many.mumax.min() <= many.mumax.max() <= 0.055
    assert many.tlag.mean() == pytest.approx(24.0, abs=1.0)
    assert many.tlag.min() >= 12.0
    assert many.tact.mean() == pytest.approx(216.0, abs=6.0)
    assert many.tact.min() >= 120.0
    assert np.median(many.q_glucose) == pytest.approx(0.12, rel=0.03)
    assert np.log(many.q_glucose).std() == pytest.approx(0.15, abs=0.02)
    assert many.y_lactate.max() <= 2.0
    assert np.median(many.y_lactate) == pytest.approx(1.656, rel=0.02), "1.7 without those above 2"
    assert many.tlag.std() == pytest.approx(6.0 * 0.93, rel=0.12), "truncated two deviations below"
    assert many.tact.std() == pytest.approx(36.0, rel=0.12)
    TCell(many)


def test_viability_after_thawing(cohort):
    viability = np.array([one.viability for one in cohort])
    assert np.median(viability) == pytest.approx(0.92, abs=0.01)
    assert viability.min() >= 0.60
    few, many = np.percentile(1.0 - viability, [25, 75])
    assert np.log(many / few) == pytest.approx(2.0 * QUARTILE * 0.6, rel=0.2)
    assert set(LIMITS) == set(cohort[0].donor._fields)
