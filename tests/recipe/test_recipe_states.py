"""Every cell of the ISA-88 table, written here a second time as the standard's sheet has it."""

import pytest

from controller.recipe.states import TABLE, Action, Kind, State, allowed, is_final, target

COLUMNS = ["start", "pause", "resume", "hold", "restart", "stop", "abort", "reset"]
SHEET = """
Idle       | quiescent | -        | Running | x       | x       | x       | x          | x        | x        | x
Running    | transient | Complete | x       | Pausing | x       | Holding | x          | Stopping | Aborting | x
Complete   | final     | -        | x       | x       | x       | x       | x          | x        | x        | Idle
Pausing    | transient | Paused   | x       | x       | x       | Holding | x          | Stopping | Aborting | x
Paused     | quiescent | -        | x       | x       | Running | Holding | x          | Stopping | Aborting | x
Holding    | transient | Held     | x       | x       | x       | x       | x          | Stopping | Aborting | x
Held       | quiescent | -        | x       | x       | x       | x       | Restarting | Stopping | Aborting | x
Restarting | transient | Running  | x       | x       | x       | Holding | x          | Stopping | Aborting | x
Stopping   | transient | Stopped  | x       | x       | x       | x       | x          | x        | Aborting | x
Stopped    | final     | -        | x       | x       | x       | x       | x          | x        | Aborting | Idle
Aborting   | transient | Aborted  | x       | x       | x       | x       | x          | x        | x        | x
Aborted    | final     | -        | x       | x       | x       | x       | x          | x        | x        | Idle
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in SHEET.strip().splitlines()]
CELLS = [(row[0], action, cell) for row in ROWS for action, cell in zip(COLUMNS, row[3:], strict=True)]
# A repeated command is an accepted no-op in the state it leads to, and in the one that this ends in by itself.
REACHED = {
    "start": {"Running"}, "pause": {"Pausing", "Paused"}, "resume": {"Running"}, "hold": {"Holding", "Held"},
    "restart": {"Restarting", "Running"}, "stop": {"Stopping", "Stopped"}, "abort": {"Aborting", "Aborted"},
    "reset": {"Idle"},
}  # fmt: skip


def test_the_sheet_is_complete():
    assert len(CELLS) == 96
    assert {row[0] for row in ROWS} == set(State)
    assert set(COLUMNS) == set(Action)


@pytest.mark.parametrize(("state", "action", "cell"), CELLS)
def test_cell(state, action, cell):
    found = target(State(state), Action(action))
    if cell != "x":
        assert found == cell
        assert action in allowed(State(state))
    else:
        assert action not in allowed(State(state))
        assert found == (state if state in REACHED[action] else None)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_kind_and_end(row):
    entry = TABLE[State(row[0])]
    assert entry.kind == row[1]
    assert entry.ends_in == (None if row[2] == "-" else row[2])
    assert is_final(State(row[0])) == (row[1] == "final")
    if entry.kind is Kind.TRANSIENT and State(row[0]) is not State.RUNNING:
        assert 0 < entry.watchdog_s < 3600
