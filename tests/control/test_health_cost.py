"""P17: what loop health costs in a scan."""

import statistics
import time

import numpy as np
import pytest

from controller.commands import Verb
from controller.stages.health import Health
from tests.control.conftest import Rig

MOST_OF_A_SCAN = 0.25
ROUNDS, SCANS = 60, 20


@pytest.mark.solo
@pytest.mark.timeout(60)
def test_p17_a_scan_with_loop_health_costs_little_more(site, monkeypatch):
    """Scans with and without it alternate in short rounds; noise crosses zero all the time, the worst case."""
    rig = Rig(site)
    rig.step()
    for vessel in site.vessels:
        for loop in ("temperature", "ph", "do"):
            rig.step(rig.command(Verb.MODE, f"{vessel.name}.{loop}", mode="auto"))
    rows = [row for row, tag in enumerate(site.tags.tags) if tag.name in {"temperature", "ph", "do"}]
    noise, base, health = np.random.default_rng(0), rig.frame(), rig.scan.health
    base.value[rows] = np.array(
        [rig.scan.loops.sp_target[rig.site.loops.index[site.tags.tags[r].full_name]] for r in rows]
    )
    spent = {True: [], False: []}
    for round_number in range(ROUNDS):
        with_health = round_number % 2 == 0
        monkeypatch.setattr(rig.scan.health, "step", Health.step.__get__(health) if with_health else lambda *_: [])
        for _ in range(SCANS):
            frame = base.copy()
            frame.value[rows] += 0.01 * noise.normal(size=len(rows))
            rig.now += 1.0
            begun = time.perf_counter()
            rig.scan.step(frame, (), (), rig.now, 1.0)
            spent[with_health].append(time.perf_counter() - begun)
    with_it, without = statistics.median(spent[True]), statistics.median(spent[False])
    print(
        f"scan {without * 1e6:.0f} us, with loop health {with_it * 1e6:.0f} us: +{(with_it / without - 1) * 100:.0f} %"
    )
    assert with_it <= (1.0 + MOST_OF_A_SCAN) * without
