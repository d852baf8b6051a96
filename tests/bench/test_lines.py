"""The rows about serial lines: both sides get the same replies, nothing is left open, the goals are in the table."""

import gc
import time

import pytest

from drivers.conformance.contract_checks import descriptors
from tests.bench import lines, table
from tests.bench.lines import LINE_ROWS, LineRow, far_ends, known_length, product, threads, until_end

QUICK = {"rounds": 2, "round_s": 1e-6}


@pytest.mark.parametrize("read", [until_end, known_length])
def test_both_sides_get_whole_replies(read, monkeypatch):
    monkeypatch.setattr(lines, "TRIPS", 3)
    with far_ends(4) as paths, product(paths[:2]) as ours, threads(paths[2:], read) as theirs:
        ours()
        theirs()
        monkeypatch.setattr(lines, "REPLY", b"another")
        for run in (ours, theirs):
            with pytest.raises(AssertionError):
                run()


@pytest.mark.parametrize("row", LINE_ROWS, ids=lambda row: f"{row.name} {row.peer}")
def test_a_race_leaves_nothing_open(row):
    small = LineRow(row.name, row.peer, row.prepare, clock=row.clock, ports=2)
    small.measure(**QUICK)
    gc.collect()
    before = descriptors()
    result = small.measure(**QUICK)
    assert descriptors() <= before
    assert result.product.minimum > 0.0
    assert len(table.cells(result)) == len(table.HEAD)


def test_both_goals_of_serial_lines_are_in_the_table():
    goals = {row.clock: row.goal for row in LINE_ROWS if row.goal}
    assert goals == {time.perf_counter: "≥ 4× faster", time.process_time: "≤ 0.2× the time"}
    assert all(row.rounds >= 30 and row.ports == 16 for row in LINE_ROWS)
