"""F01: what stands still is as frozen after a restart of the supervisor as before."""

import json
import math

import pytest

from controller.config.load import load_site
from controller.frame import BAD
from controller.model.build import build
from drivers.contract import Reason
from tests.control.conftest import ROOT, Rig

OUTAGE_S = 3600.0
PH = {"temperature": 36.9, "ph": 7.2, "do": 60.0, "weight": 7000.0, "pressure": 10.0}


@pytest.fixture(scope="module")
def perfusion():
    return build(load_site(ROOT / "configs/sites/perfusion.yaml"))


def rig(site):
    """Scanned every 10 s; ``set`` and ``reason`` are about its first vessel."""
    made = Rig(site, period=10.0)
    put(made, **PH)
    return made


def put(made, **values):
    made.set(**{f"{made.site.vessels[0].name}.{name}": value for name, value in values.items()})


def noisy(made, scans, **still):
    """Scans in which everything moves but what stands ``still``."""
    for scan in range(scans):
        put(made, **{name: value + 0.01 * (scan % 2) for name, value in PH.items() if name not in still}, **still)
        made.step()


def reason(made, name="ph"):
    return Reason(made.result.frame.reason[made.row(f"{made.site.vessels[0].name}.{name}")])


def restarted(made, change=lambda state: state):
    state = change(json.loads(json.dumps(made.scan.state())))
    after = rig(made.site)
    after.now = made.now + OUTAGE_S
    after.scan.restore(state, after.now, OUTAGE_S)
    return after


def without(state):
    """As a version that did not know of it stored it."""
    del state["frozen"]
    return state


def test_f01_what_was_frozen_is_so_at_the_first_scan_after_a_restart(perfusion):
    before = rig(perfusion)
    noisy(before, 70, ph=7.2)
    assert reason(before) == Reason.FROZEN
    after = restarted(before)
    noisy(after, 1, ph=7.2)
    row = after.row(f"{perfusion.vessels[0].name}.ph")
    assert (after.result.frame.quality[row], reason(after)) == (BAD, Reason.FROZEN)
    noisy(after, 1, ph=7.21)
    assert reason(after) == Reason.FROZEN, "one other value is not believed, after a restart as before"
    noisy(after, 4)
    assert reason(after) == Reason.SIMULATED


def test_f01_the_time_goes_on_where_it_was_and_the_outage_does_not_count(perfusion):
    before = rig(perfusion)
    noisy(before, 50, ph=7.2)
    after = restarted(before)
    seen = []
    for _ in range(15):
        noisy(after, 1, ph=7.2)
        seen.append(reason(after))
    assert 50 + seen.index(Reason.FROZEN) == pytest.approx(62, abs=1)
    moved = restarted(before)
    noisy(moved, 55, ph=7.21)
    assert reason(moved) == Reason.SIMULATED, "another value than before begins anew"


@pytest.mark.parametrize(
    "entry",
    [None, 7.2, [], [7.2, 610.0], ["7.2", 610.0, True], [7.2, -1.0, True], [7.2, math.inf, True], [7.2, 610.0, 1],
     [math.nan, 610.0, True], [7.2, 610.0, True, 0]],
)  # fmt: skip
def test_f01_a_damaged_entry_is_passed_over_and_the_others_are_not(perfusion, entry):
    before = rig(perfusion)
    noisy(before, 70, ph=7.2, do=60.0)
    assert reason(before, "do") == Reason.FROZEN

    def damage(state):
        state["frozen"][f"{perfusion.vessels[0].name}.ph"] = entry
        return state

    after = restarted(before, damage)
    noisy(after, 1, ph=7.2, do=60.0)
    assert (reason(after), reason(after, "do")) == (Reason.SIMULATED, Reason.FROZEN)


@pytest.mark.parametrize("change", [without, lambda state: {**state, "frozen": [1]}])
def test_f01_a_checkpoint_without_it_is_taken_over(perfusion, change):
    before = rig(perfusion)
    noisy(before, 70, ph=7.2)
    after = restarted(before, change)
    noisy(after, 59, ph=7.2)
    assert reason(after) == Reason.SIMULATED
    noisy(after, 3, ph=7.2)
    assert reason(after) == Reason.FROZEN
