"""The journal: complete, in order, chained; no byte of it changes unnoticed."""

import datetime
import sqlite3

import pytest

from controller.commands import Command, EventType, Verb
from controller.store import Store
from controller.store.verify import verify
from tests.store.conftest import UTC, command, event


def test_commands_get_rising_numbers_and_come_back_as_they_were(store):
    sent = [command(36.0 + i, id=f"c{i}", expected_revision=i) for i in range(5)]
    numbers = [store.commit(one).result(5) for one in sent]
    assert numbers == [1, 2, 3, 4, 5]
    assert store.commands_after(2) == [one.committed(number) for one, number in zip(sent, numbers, strict=True)][2:]
    assert store.command(4) == sent[3].committed(4)
    assert store.command(9) is None


def test_the_step_of_the_batch_that_a_recipe_wants_it_for_is_recorded(store):
    sent = Command(Verb.SETPOINT, "BR-101.feed", {"value": 0.0}, "r", "recipe", batch="B1", operation="expand")
    assert store.command(store.commit(sent).result(5)) == sent.committed(1)
    assert store.entries(batch="B1")[0]["operation"] == "expand"


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_is_recorded_in_batchml_words(store, verb):
    sent = Command(
        verb,
        "BR-101-7" if verb.value.startswith(("batch.", "prompt.")) else "BR-101.feed",
        {"a": [1, None]},
        "x",
        "recipe",
    )
    number = store.commit(sent).result(5)
    (entry,) = store.entries(limit=1)
    assert entry["type"] == EventType.PROCEDURAL
    assert entry["subtype"] in {
        "Property Value Change",
        "Mode Command",
        "State Command",
        "Allocation",
        "Prompt Response",
    }
    assert store.command(number) == sent.committed(number)


def test_an_entry_says_who_what_when_where_and_why(store):
    store.commit(command(36.5)).result(5)
    (entry,) = store.entries()
    assert entry["time"] == datetime.datetime.fromtimestamp(UTC, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert isinstance(entry["zone_s"], int)
    assert (entry["who"], entry["source"], entry["reason"], entry["object"]) == (
        "operator",
        "api",
        "test",
        "BR-101.temperature",
    )
    assert entry["value"] == {"value": 36.5}
    assert entry["vessel"] == "BR-101"


def test_rows_are_found_by_number_vessel_batch_and_type(store):
    store.append([event(f"e{i}", vessel=f"BR-10{i % 2}", batch=f"B{i % 3}") for i in range(12)])
    store.commit(command()).result(5)
    assert [row["number"] for row in store.entries(limit=3)] == [11, 12, 13]
    assert [row["number"] for row in store.entries(after=0, limit=3)] == [1, 2, 3]
    assert [row["text"] for row in store.entries(after=4, vessel="BR-100")] == ["e4", "e6", "e8", "e10"]
    assert [row["text"] for row in store.entries(batch="B1", limit=2)] == ["e7", "e10"]
    assert [row["number"] for row in store.entries(type="Operator")] == [13]


def test_what_came_of_a_command_is_found_by_its_number(store):
    number = store.commit(command()).result(5)
    store.append([event("applied", command=number), event("other"), event("read back", command=number)])
    store.commit(command()).result(5)
    assert [row["text"] for row in store.answers(number)] == ["applied", "read back"]


def test_listeners_hear_what_is_durable(store):
    heard = []
    end = store.subscribe(heard.extend)
    store.append([event("a"), event("b", value=float("nan"))])
    store.commit(command()).result(5)
    store.close()
    assert [row["number"] for row in heard] == [1, 2, 3]
    assert heard[1]["value"] is None
    end()


@pytest.fixture
def filled(path, clock):
    """A closed store of 20 rows."""
    with_rows = Store(path, clock=clock)
    for i in range(10):
        with_rows.commit(command(30.0 + i)).result(5)
        with_rows.append([event(f"event {i}")])
    with_rows.close()
    return path


def edit(path, *statements):
    connection = sqlite3.connect(path)
    for name in ("journal_is_never_edited", "journal_is_never_shortened"):
        connection.execute(f"DROP TRIGGER {name}")
    for name in ("vessel", "batch", "kind", "answers"):
        connection.execute(f"DROP INDEX journal_{name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "bad"),
    [
        ("UPDATE journal SET entry = replace(entry, '35.0', '35.5') WHERE number = 11", 11),
        ("UPDATE journal SET hash = zeroblob(32) WHERE number = 7", 7),
        ("UPDATE journal SET hash = NULL WHERE 0", None),
        ("DELETE FROM journal WHERE number = 5", 5),
        ("DELETE FROM journal WHERE number = 20", 20),
        ("DELETE FROM journal WHERE number >= 15", 15),
        ("DELETE FROM journal", 1),
        ("UPDATE journal SET number = -number WHERE number IN (3, 4)", 1),
        ("INSERT INTO journal SELECT 21, entry, hash FROM journal WHERE number = 1", 21),
        ("UPDATE journal SET entry = replace(entry, 'event', CAST(x'fffe' AS TEXT)) WHERE number = 10", 10),
        ("UPDATE journal SET entry = '{}' WHERE number = 2", 2),
        ("UPDATE journal_head SET hash = zeroblob(32)", 21),
    ],
)
def test_verify_names_the_first_row_that_is_not_as_it_was(filled, statement, bad):
    assert verify(filled) == (20, None)
    edit(filled, statement)
    assert verify(filled)[1] == bad


def test_two_rows_that_change_places_are_noticed(filled):
    edit(
        filled,
        "CREATE TEMP TABLE two AS SELECT * FROM journal WHERE number IN (8, 9)",
        "UPDATE journal SET entry = (SELECT entry FROM two WHERE number = 17 - journal.number), "
        "hash = (SELECT hash FROM two WHERE number = 17 - journal.number) WHERE number IN (8, 9)",
    )
    assert verify(filled)[1] == 8


def test_one_flipped_byte_of_any_entry_or_hash_is_noticed(filled):
    content = filled.read_bytes()
    with sqlite3.connect(filled) as connection:
        stored = connection.execute("SELECT entry, hash FROM journal").fetchall()
    for text, digest in stored:
        for part in (text.encode(), digest):
            assert content.count(part) in {1, 2}, "only the newest hash is there twice, in the head"
            for offset in range(0, len(part), 37):
                damaged = bytearray(content)
                damaged[content.index(part) + offset] ^= 0x10
                filled.write_bytes(damaged)
                assert verify(filled)[1] is not None
    filled.write_bytes(content)
    assert verify(filled) == (20, None)


def test_no_role_can_edit_or_truncate_it_by_accident(filled):
    connection = sqlite3.connect(filled)
    for statement in ("UPDATE journal SET entry = '{}'", "DELETE FROM journal"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_a_clock_that_steps_back_does_not_reorder_records(path):
    class Stepping:
        now = UTC

        def utc(self):
            return self.now

    clock = Stepping()
    store = Store(path, clock=clock)
    numbers = []
    for step in (0.0, -3600.0, 3600.0):
        clock.now = UTC + step
        numbers.append(store.commit(command()).result(5))
    assert numbers == [1, 2, 3]
    times = [entry["time"] for entry in store.entries()]
    assert times[1] < times[0] < times[2]
    assert store.verify() is None
    store.close()


def test_a_flipped_byte_anywhere_in_the_file_never_makes_verify_fail_itself(filled):
    content = filled.read_bytes()
    named = 0
    for offset in range(0, len(content), 211):
        damaged = bytearray(content)
        damaged[offset] ^= 0x41
        filled.write_bytes(damaged)
        rows, bad = verify(filled)
        named += bad is not None
        assert bad is None or 1 <= bad <= rows + 1
    assert named > 0
