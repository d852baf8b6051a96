"""What is folded about outputs is found anew in the scan in which somebody decides about them again, or no more."""

import numpy as np

from controller.frame import Frame
from controller.model.loops import Output, OutputTable
from controller.model.tags import Tag, TagTable
from controller.stages.claims import Claims
from controller.stages.outputs import Outputs
from drivers.contract import Reason

NOBODY = np.nan


class Bench:
    """Two outputs whose devices do at once what is written, but for one that is ``stuck``."""

    def __init__(self, stuck=None):
        tags = [Tag("V", name, name, "%", 1, "output", 0.0, 100.0) for name in ("a", "b")]
        rows = [Output(tag, f"V.{name}", 0.0, 100.0, 0.0) for tag, name in enumerate(("a", "b"))]
        self.outputs, self.stuck, self.now = Outputs(OutputTable(tuple(rows)), TagTable(tuple(tags))), stuck, 0.0
        self.devices = np.array([5.0, 7.0])

    def scan(self, a, b):
        """One scan after a second; gives the writes and what was told."""
        self.now += 1.0
        quality, reason = np.zeros(2, np.uint8), np.full(2, Reason.OK, np.uint8)
        told = self.outputs.observe(Frame(self.devices.copy(), quality, reason, np.zeros(2)), 1.0)
        self.outputs.target[:] = a, b
        writes = self.outputs.command(np.full(2, np.nan), 1.0, self.now)
        for row, value in writes.items():
            if row != self.stuck:
                self.devices[row] = value
        return writes, [event.text for event in told]


def test_an_output_that_is_decided_again_after_long_is_refreshed_at_once():
    bench = Bench()
    assert bench.scan(5.0, 7.0)[0] == {0: 5.0, 1: 7.0}
    while bench.now < 64.0:
        assert 1 not in bench.scan(5.0, NOBODY)[0]
    assert bench.scan(5.0, 7.0)[0] == {1: 7.0}


def test_every_output_is_refreshed_after_ten_seconds_whenever_it_was_written():
    bench, written = Bench(), []
    for _ in range(40):
        asked = 7.0 if bench.now < 4.0 else 9.0
        writes, _ = bench.scan(5.0, asked)
        written += [(row, bench.now) for row in writes]
    assert [now for row, now in written if row == 0] == [1.0, 11.0, 21.0, 31.0]
    assert [now for row, now in written if row == 1] == [1.0, 5.0, 15.0, 25.0, 35.0]


def test_an_output_that_never_followed_is_told_as_soon_as_one_that_did():
    bench = Bench(stuck=1)
    told = [bench.scan(5.0, 50.0)[1] for _ in range(6)]
    assert [len(texts) for texts in told] == [0, 0, 0, 0, 1, 0]
    assert "reads back 7" in told[4][0]


def test_claims_follow_all_that_they_are_made_of():
    rng = np.random.default_rng(3)
    safe, changes = np.array([0.0, 1.0, np.nan]), 0
    claims = Claims(safe)
    ready, guarded = np.ones((2, 3), np.bool_)
    target, forced = np.full((2, 3), np.nan)
    for _ in range(500):
        row, which = int(rng.integers(3)), int(rng.integers(5))
        if which == 0:
            ready[row] ^= True
        elif which == 1:
            guarded[row] ^= True
        elif which < 4:
            (target, forced)[which - 2][row] = rng.choice([np.nan, 0.0, 3.0])
        changes += claims.find(ready, target, forced, guarded)
        wanted = [safe[at] if np.isnan(forced[at]) and guarded[at] else forced[at] for at in range(3)]
        held = [not np.isnan(value) for value in wanted]
        claimed = [bool(ready[at] and (held[at] or not np.isnan(target[at]))) for at in range(3)]
        np.testing.assert_array_equal(claims.forced, wanted)
        assert (claims.held.tolist(), claims.claimed.tolist(), claims.holds) == (held, claimed, any(held))
        assert claims.left.tolist() == [at for at in range(3) if not claimed[at]]
    assert 100 < changes < 500
