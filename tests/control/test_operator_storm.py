"""No windup, bump or kick can be provoked: random operators and failures on a vessel with every kind of loop."""

import pytest

from tests.control.storm import Storm


@pytest.mark.parametrize("seed", range(2))
def test_nothing_an_operator_does_makes_an_output_step_or_leave_its_limits(make_rig, seed):
    storm = Storm(make_rig, seed)
    storm.live(2_500)
    assert storm.switches > 100, "switches were judged"
    assert storm.retunings > 50, "and tunings"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(100, 200))
def test_a_million_cases(make_rig, seed):
    Storm(make_rig, seed).live(10_000)
