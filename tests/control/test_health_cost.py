"""P17: what loop health costs in a scan."""

import statistics
import time

import numpy as np
import pytest

from controller.commands import Verb
from tests.control.conftest import Rig

MOST_OF_A_SCAN = 0.2
SCANS = 3000


@pytest.mark.solo
@pytest.mark.timeout(60)
def test_p17_loop_health_is_a_small_part_of_a_scan(site, monkeypatch):
    """Timed where it is called, with loops whose errors are noise: they pass zero all the time, the worst case."""
    rig = Rig(site)
    rig.step()
    for vessel in site.vessels:
        for loop in ("temperature", "ph", "do"):
            rig.step(rig.command(Verb.MODE, f"{vessel.name}.{loop}", mode="auto"))
    tags = site.tags.tags
    rows = [row for row, tag in enumerate(tags) if tag.name in {"temperature", "ph", "do"}]
    base, noise, spent = rig.frame(), np.random.default_rng(0), []
    base.value[rows] = [rig.scan.loops.sp_target[site.loops.index[tags[row].full_name]] for row in rows]
    step, whole = rig.scan.health.step, []

    def timed(*args):
        begun = time.perf_counter()
        events = step(*args)
        spent.append(time.perf_counter() - begun)
        return events

    monkeypatch.setattr(rig.scan.health, "step", timed)
    for _ in range(SCANS):
        frame = base.copy()
        frame.value[rows] += 0.01 * noise.normal(size=len(rows))
        rig.now += 1.0
        begun = time.perf_counter()
        rig.scan.step(frame, (), (), rig.now, 1.0)
        whole.append(time.perf_counter() - begun - spent[-1])
    share = statistics.median(spent) / statistics.median(whole)
    print(f"scan {statistics.median(whole) * 1e6:.0f} us, loop health {statistics.mean(spent) * 1e6:.0f} us on average")
    assert share <= MOST_OF_A_SCAN
