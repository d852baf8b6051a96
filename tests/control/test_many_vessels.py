"""What a vessel does is the same to the last bit however many others are in the scan."""

import numpy as np
import pytest

from tests.control.conftest import ROOT
from tests.control.crowd import Crowd

NAMES = ["V1", "V2", "V3", "V4", "V5"]
PLACES = {"Running/equilibrate", "Running/expand", "Held/expand"}


def make(names, storm):
    configs = ROOT / "configs"
    recipe = configs / "recipes/car-t-expansion.yaml"
    return Crowd(configs / "sites/bench.yaml", "BR-101", names, recipe, {"count_every": 0.5}, storm)


@pytest.mark.parametrize(("storm", "scans"), [(0.02, 800), (0.3, 1200)])
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
