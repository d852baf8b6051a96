"""What a coarser scan changes: nothing of what a rehearsal is for."""

import numpy as np
import pytest

from controller.composition.rehearsal import Rehearsal
from controller.stages.health_figures import figures
from tests.rehearsal.conftest import DAY_S, setting

LOOPS = ("temperature", "ph", "do")
DONORS, DAYS = 3, 3.0
WITHIN = 0.02


def figures_at(period_s, days):
    """Time in band by loop, and true density and glucose at the end, of some donors' expansion; arrays by donor."""
    rehearsal = Rehearsal(setting(period_s=period_s, longest_s=days * DAY_S), range(DONORS))
    rehearsal.run()
    truth = rehearsal.fleet.truth()
    found = {loop: np.array([in_band(rehearsal, donor, loop) for donor in rehearsal.names]) for loop in LOOPS}
    deviation = {loop: np.abs(truth[f"true_{loop}"] - wanted) for loop, wanted in (("temperature", 37.0), ("ph", 7.2))}
    return found | {"vcd": truth["vcd"], "glucose": truth["glucose"]}, deviation


def in_band(rehearsal, donor, loop):
    row = rehearsal.site.loops.index[f"{donor}.{loop}"]
    return figures(rehearsal.scan.health.picture.operations(donor, row)["expand"])["in_band"]


@pytest.mark.parametrize(
    ("fine_s", "coarse_s", "days"),
    [
        pytest.param(5.0, 20.0, 0.25, marks=pytest.mark.timeout(120)),
        pytest.param(1.0, 20.0, DAYS, marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    ],
)
def test_figures_at_a_coarse_scan_are_those_of_a_fine_one(fine_s, coarse_s, days):
    fine, _ = figures_at(fine_s, days)
    coarse, deviation = figures_at(coarse_s, days)
    for name, values in fine.items():
        worst = np.max(np.abs(coarse[name] - values) / values)
        both = f"{values.mean():.4g} every {fine_s:g} s, {coarse[name].mean():.4g} every {coarse_s:g} s"
        print(f"{name}: {both}: {worst:.2%}")
        assert worst <= WITHIN, name
    assert deviation["temperature"].max() < 0.1
    assert deviation["ph"].max() < 0.05
