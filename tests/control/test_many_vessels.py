"""What a vessel does is the same to the last bit however many others are in the scan."""

import numpy as np
import pytest

from tests.control.conftest import ROOT
from tests.control.crowd import Crowd

NAMES = ["V1", "V2", "V3", "V4", "V5"]
PLACES = {"Running/equilibrate", "Running/expand", "Held/expand"}


def make(names, storm, *, edges=False):
    configs = ROOT / "configs"
    recipe = configs / "recipes/car-t-expansion.yaml"
    return Crowd(configs / "sites/bench.yaml", "BR-101", names, recipe, {"count_every": 0.5}, storm, edges=edges)


def soaked(*values):
    return pytest.param(*values, marks=pytest.mark.soak)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("storm", "scans"), [(0.02, 400), (0.3, 600), soaked(0.02, 800), soaked(0.3, 1200)])
def test_a_vessel_among_others_does_what_it_does_alone(storm, scans):
    together, alone = make(NAMES, storm), {name: make([name], storm) for name in NAMES}
    rng, places, writes, events = np.random.default_rng(7), set(), 0, 0
    for scan in range(scans):
        dt = float(rng.choice([1.0, 5.0, 0.97, 300.0], p=[0.3, 0.59, 0.1, 0.01]))
        result = together.step(dt)
        writes, events = writes + len(result.writes), events + len(result.events)
        for name in NAMES:
            alone[name].step(dt)
            assert together.seen(name) == alone[name].seen(name), (scan, name)
            if scan % 20 == 0 or scan == scans - 1:
                assert together.state(name) == alone[name].state(name), (scan, name)
        places |= {f"{batch['state']}/{batch['operation']}" for batch in together.scan.engine.view()}
    assert places >= (PLACES if storm > 0.1 else {"Running/expand"})
    assert writes > 1000
    assert events > 100


def step_every_batch(engine):
    """Wake the batches that are at rest: all of them are stepped in the next scan."""
    for slot in engine._slots.values():
        engine._resting.wake(slot)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("storm", "scans"), [(0.02, 800), (0.2, 800), soaked(0.02, 1500), soaked(0.2, 1500)])
def test_a_batch_at_rest_does_what_one_does_that_is_stepped_in_every_scan(storm, scans):
    quick, slow = (make(NAMES[:3], storm, edges=True) for _ in range(2))
    rng, rested, places = np.random.default_rng(9), 0, set()
    for scan in range(scans):
        dt = float(rng.choice([1.0, 5.0, 0.97, 300.0], p=[0.3, 0.59, 0.1, 0.01]))
        quick.step(dt)
        step_every_batch(slow.scan.engine)
        slow.step(dt)
        rested += len(quick.scan.engine._resting)
        for name in NAMES[:3]:
            assert quick.seen(name) == slow.seen(name), (scan, name)
            if scan % 20 == 0:
                assert quick.state(name) == slow.state(name), (scan, name)
        places |= {f"{batch['state']}/{batch['operation']}" for batch in quick.scan.engine.view()}
        assert quick.scan.engine.view() == slow.scan.engine.view()
    assert rested > 0.3 * 3 * scans
    assert places >= {"Running/expand", "Running/cool_down"}
