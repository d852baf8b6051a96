"""A locked, full, broken or killed store: control is never kept waiting, nothing answered is lost."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.store import Store, StoreTooNew, StoreUnavailable
from controller.store.queue import Limits
from controller.store.verify import verify
from tests.store.conftest import COLUMNS, UTC, command, event, scan

ROOT = Path(__file__).parents[2]


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.01)


def lock(path):
    """Another process's write lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def test_a_locked_store_keeps_nobody_waiting_and_has_everything_afterwards(store, path):
    other = lock(path)
    begun = time.monotonic()
    for second in range(50):
        scan(store, second)
        store.append([event(f"e{second}")])
    committed = store.commit(command())
    assert time.monotonic() - begun < 2.0
    until(lambda: not store.health().ok)
    assert "locked" in store.health().detail
    assert not committed.done()
    other.close()
    assert committed.result(5) == 51
    until(lambda: store.health().rows == 50)
    assert store.health().ok
    assert [row["text"] for row in store.entries(limit=51)][:50] == [f"e{second}" for second in range(50)]
    assert len(store.history(COLUMNS[:1], UTC, UTC + 100)[COLUMNS[0]].time) == 50


def test_a_command_does_not_wait_for_ever_and_then_never_acts(path, clock):
    store = Store(path, COLUMNS, clock=clock, limits=Limits(commit_s=0.3))
    other = lock(path)
    committed = store.commit(command())
    store.append([event("kept")])
    with pytest.raises(StoreUnavailable, match="locked"):
        committed.result(5)
    other.close()
    until(lambda: store.health().ok)
    assert store.commands_after(0) == []
    assert [row["text"] for row in store.entries()] == ["kept"]
    store.close()


def test_whoever_hears_of_a_refusal_can_hand_over_an_event_at_once(path, clock):
    """On the writer's own thread, in the middle of its trouble: the event must not get lost."""
    store = Store(path, COLUMNS, clock=clock, limits=Limits(commit_s=0.3))
    other = lock(path)
    refused = [store.commit(command()) for _ in range(3)]
    for future in refused:
        future.add_done_callback(lambda done: store.append([event(f"acted: {done.exception()}")]))
    store.append([event("between")])
    for future in refused:
        assert isinstance(future.exception(5), StoreUnavailable)
    other.close()
    until(lambda: store.health().ok and store.health().entries == 4)
    assert [row["text"][:6] for row in store.entries()] == ["betwee", "acted:", "acted:", "acted:"]
    store.close()


def test_a_command_whose_sender_gave_up_is_not_stored(store, path):
    other = lock(path)
    store.append([event("first")])
    until(lambda: not store.health().ok)
    committed = store.commit(command())
    withdrawn = committed.cancel()
    other.close()
    store.append([event("last")])
    until(lambda: store.health().entries >= 2)
    assert len(store.commands_after(0)) == (0 if withdrawn else 1)
    assert store.health().ok, "a cancelled sender does not end the writer"


def test_what_waits_is_bounded_and_the_gap_is_on_record(path, clock):
    store = Store(path, COLUMNS, clock=clock, limits=Limits(rows=10, entries=5))
    other = lock(path)
    for second in range(30):
        scan(store, second, float(second))
        store.append([event(f"e{second}")])
    until(lambda: not store.health().ok)
    assert store.health().waiting_rows <= 10
    other.close()
    until(lambda: store.health().ok and not store.health().waiting_entries)
    health = store.health()
    assert health.rows + health.dropped_rows == 30
    assert health.dropped_rows > 0
    until(lambda: "missing before this line" in store.entries(limit=1)[0]["text"])
    assert f"{health.dropped_rows} scans" in store.entries(limit=1)[0]["text"]
    assert store.history(COLUMNS[:1], UTC, UTC + 100)[COLUMNS[0]].value[-1] == 29.0, "the newest are kept"
    store.close()


def test_a_full_store_refuses_commands_keeps_control_going_and_stays_whole(path, clock):
    store = Store(path, COLUMNS, clock=clock, limits=Limits(max_bytes=200_000))
    accepted = []
    while (refused := (sent := store.commit(command(id="x" * 500))).exception(5)) is None:
        accepted.append(sent.result())
    assert isinstance(refused, StoreUnavailable)
    assert "full" in str(refused)
    begun = time.monotonic()
    for second in range(100):
        scan(store, second)
    assert time.monotonic() - begun < 2.0
    assert not store.health().ok
    assert "full" in store.health().detail
    store.close()
    assert verify(path) == (len(accepted), None)
    roomy = Store(path, COLUMNS, clock=clock)
    assert roomy.commit(command()).result(5) == len(accepted) + 1
    assert [one.journal for one in roomy.commands_after(0)] == [*accepted, len(accepted) + 1]
    roomy.close()


FULL_DISK = """
import resource, signal, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
from controller.commands import Command, Verb
from controller.store import Store, StoreUnavailable

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path({path!r}))
command = Command(Verb.SETPOINT, "BR-101.temperature", {{"value": 37.0}}, reason="x" * 400)
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, unlimited[1]))
accepted = 0
try:
    while True:
        store.commit(command).result(5)
        accepted += 1
except StoreUnavailable as error:
    print("refused", bool(str(error)), store.health().ok)
resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
begun = time.monotonic()
while True:
    try:
        store.commit(command).result(5)
        break
    except StoreUnavailable:
        time.sleep(0.05)
print("recovered", time.monotonic() - begun < 10, store.health().ok)
store.close()
print("whole", store.verify(), len(store.commands_after(0)) == accepted + 1)
"""


def test_a_disk_that_takes_no_more_is_survived_and_recovers_by_itself(path):
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    code = FULL_DISK.format(root=str(ROOT), path=str(path))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=10, check=False)
    assert done.stdout.splitlines() == ["refused True False", "recovered True True", "whole None True"], done.stderr


KILLED = """
import sys
sys.path.insert(0, {root!r})
from pathlib import Path
import numpy as np
from controller.commands import Command, Event, EventType, Verb
from controller.store import Store

store = Store(Path({path!r}), ["a", "b"])
count = 0
while True:
    count += 1
    store.append([Event(EventType.GENERAL, "System", "test", str(count))])
    store.record(float(count), np.array([count, 0.5]), np.zeros(2, np.uint8))
    store.checkpoint({{"count": count}}, float(count), float(count))
    number = store.commit(Command(Verb.SETPOINT, "BR-101.temperature", {{"value": count}})).result()
    sys.stdout.write(f"{{number}} {{count}}\\n")
    sys.stdout.flush()
"""


@pytest.mark.timeout(30)
def test_kill_9_loses_nothing_that_was_answered_and_no_scan(path):
    for kill in range(4):
        code = KILLED.format(root=str(ROOT), path=str(path))
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        answered = [process.stdout.readline() for _ in range(30 + 17 * kill)]
        os.kill(process.pid, signal.SIGKILL)
        answered += process.stdout.read().splitlines(keepends=True)
        process.stdout.close()
        process.wait(5)
        numbers = dict(map(int, line.split()) for line in answered if line.endswith("\n"))
        store = Store(path, ["a", "b"])
        stored = {one.journal: one.value["value"] for one in store.commands_after(min(numbers) - 1)}
        assert {number: stored.get(number) for number in numbers} == numbers
        count = max(numbers.values())
        checkpoint = store.load_checkpoint()
        assert checkpoint.state["count"] >= count, "scan, events and state were written before the command's answer"
        assert max(store.history(["a"], 0, 1e9, 10**6)["a"].value) >= count
        assert store.verify() is None
        store.close()


def test_a_file_cut_short_anywhere_opens_and_keeps_a_copy(path, clock):
    store = Store(path, COLUMNS, clock=clock)
    for i in range(30):
        store.commit(command(float(i))).result(5)
    store.close()
    content = path.read_bytes()
    for length in range(1, len(content), 4999):
        path.write_bytes(content[:length])
        damaged = Store(path, COLUMNS, clock=clock)
        if damaged.recovered_from is not None:
            assert damaged.recovered_from.read_bytes() == content[:length]
        number = damaged.commit(command()).result(5)
        if damaged.recovered_from is not None:
            assert "kept as" in damaged.entries(after=0)[0]["text"], "never silently empty"
        assert number >= 1
        damaged.close()
        for part in path.parent.iterdir():
            part.unlink()


def test_a_torn_write_ahead_log_loses_no_more_than_its_end(path, clock):
    store = Store(path, COLUMNS, clock=clock)
    for i in range(20):
        store.commit(command(float(i))).result(5)
    main, wal = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    store.close()
    counts = []
    for length in range(0, len(wal) + 1, 1013):
        for part in path.parent.iterdir():
            part.unlink()
        path.write_bytes(main)
        path.with_name(path.name + "-wal").write_bytes(wal[:length])
        torn = Store(path, COLUMNS, clock=clock)
        assert torn.recovered_from is None
        assert torn.verify() is None
        counts.append(len(torn.commands_after(0)))
        torn.close()
    assert counts == sorted(counts)
    assert counts[-1] >= 19


def test_something_that_is_no_database_is_kept_aside(path, clock):
    path.write_text("not a database, but someone's only copy of something" * 100)
    store = Store(path, clock=clock)
    assert store.recovered_from.read_text().startswith("not a database")
    assert store.commit(command()).result(5) == 2
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(path, clock):
    Store(path, clock=clock).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreTooNew, match="99"):
        Store(path, clock=clock)


def test_a_folder_that_does_not_exist_is_said(tmp_path):
    with pytest.raises(StoreUnavailable, match="unable to open"):
        Store(tmp_path / "none" / "store.sqlite")


def test_a_closed_store_refuses_and_does_not_hang(store):
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.commit(command()).result(1)
    store.append([event()])
    store.close()


def test_closing_a_locked_store_ends_in_time(path, clock, monkeypatch):
    monkeypatch.setattr("controller.store.writer.CLOSE_S", 0.3)
    store = Store(path, COLUMNS, clock=clock)
    other = lock(path)
    committed = store.commit(command())
    begun = time.monotonic()
    store.close()
    assert time.monotonic() - begun < 2.0
    with pytest.raises(StoreUnavailable):
        committed.result(1)
    other.close()


def test_a_state_that_json_cannot_say_is_loud_and_stops_nothing_else(store):
    store.checkpoint({"a": object()}, 0.0, UTC)
    assert store.commit(command()).result(5) == 1
    until(lambda: not store.health().ok)
    assert "not JSON serializable" in store.health().detail
    store.checkpoint({"a": 1}, 1.0, UTC)
    until(lambda: store.health().ok)
    assert store.load_checkpoint().state == {"a": 1}


def test_the_newest_state_is_kept_with_nan_and_infinity(store):
    for count in range(100):
        store.checkpoint({"count": count, "integral": [float("nan"), float("inf")]}, float(count), UTC)
    store.close()
    state, process_s, utc = store.load_checkpoint()
    assert state["count"] == process_s == 99
    assert state["integral"][0] != state["integral"][0]
    assert state["integral"][1] == float("inf")
    assert utc == UTC


def test_a_record_that_cannot_be_read_is_said_as_such(store, path):
    store.commit(command()).result(5)
    store.close()
    path.write_bytes(b"x" * 5000)
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        store.entries()
    assert verify(path) == (0, 1)
