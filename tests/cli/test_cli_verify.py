"""``biovisor verify``: a journal as it was written, and one that somebody has changed."""

import sqlite3

import pytest

from controller.cli.main import main
from controller.clock import VirtualClock
from controller.commands import Command, Event, EventType, Verb
from controller.composition.paths import store_path
from controller.store import Store


@pytest.fixture
def data(tmp_path):
    """A data directory with five journal entries."""
    store = Store(store_path(tmp_path), ["BR-101.temperature"], clock=VirtualClock(1_795_000_000.0))
    for value in (36.0, 37.0, 38.0):
        store.commit(Command(Verb.SETPOINT, "BR-101.temperature", {"value": value}, "operator", "api", "test")).result()
    store.append([Event(EventType.GENERAL, "System", "bench", text) for text in ("one", "two")])
    store.close()
    return tmp_path


def alter(data, statement):
    """Change the file behind the product's back, as somebody with a text of SQL would."""
    connection = sqlite3.connect(store_path(data))
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f'DROP TRIGGER "{trigger}"')
    assert connection.execute(statement).rowcount > 0
    connection.commit()
    connection.close()


def test_a_journal_as_it_was_written(data, capsys):
    assert main(["verify", "--data", str(data)]) == 0
    assert capsys.readouterr().out == "5 entries, the chain is whole\n"


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE journal SET entry = replace(entry, '37.0', '37.5') WHERE number = 2", 2),
        ("DELETE FROM journal WHERE number = 4", 4),
        ("DELETE FROM journal WHERE number = 5", 5),
    ],
)
def test_an_altered_journal(data, statement, bad, capsys):
    alter(data, statement)
    assert main(["verify", "--data", str(data)]) == 1
    printed = capsys.readouterr()
    assert printed.err == f"entry {bad} was altered, removed or reordered\n"
    assert printed.out == ""


def test_a_file_that_is_no_store(tmp_path, capsys):
    store_path(tmp_path).write_bytes(b"not a database" * 100)
    assert main(["verify", "--data", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "entry 1 was altered, removed or reordered\n"


def test_records_beside_are_named(data, capsys):
    (data / "demo-1").mkdir()
    store_path(data).rename(store_path(data / "demo-1"))
    assert main(["verify", "--data", str(data)]) == 1
    assert capsys.readouterr().err.endswith(f"; choose one of these with --data: {data / 'demo-1'}\n")


def test_nothing_recorded(tmp_path, capsys):
    assert main(["verify", "--data", str(tmp_path)]) == 1
    assert "nothing has been recorded" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
