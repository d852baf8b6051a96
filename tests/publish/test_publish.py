"""Ticks to stream frames: what is told, what is not, and what happens to slow clients."""

import asyncio
import json
import threading

import numpy as np
import pytest

from controller.publish import Publisher, column_key
from controller.publish.encode import Encoder, frame
from controller.publish.hub import Hub, TooManyStreams
from controller.publish.mailbox import DELTAS, EVENTS, Mailbox

COLUMNS = [
    {"vessel": "BR-101", "kind": "tag", "name": "temperature", "decimals": 2},
    {"vessel": "BR-101", "kind": "sp", "name": "temperature", "decimals": 2},
    {"vessel": "BR-101", "kind": "tag", "name": "ph", "decimals": 2},
]
VESSELS = [{"name": "BR-101"}]


@pytest.fixture
def publisher():
    return Publisher({"name": "bench"}, COLUMNS, ["plc", "", "probes"])


def publish(publisher, value, quality=(0, 0, 0), age=(0.1, 0.0, 0.2), batches=(), **state):
    publisher.publish(
        1e9,
        5.0,
        np.array(value),
        np.array(quality, np.uint8),
        np.zeros(3, np.uint8),
        np.array(age),
        {"vessels": VESSELS, "batches": list(batches), "alarms": [], "connections": [], **state},
    )


def decode(content):
    parts = [part.split("\n") for part in content.decode().split("\n\n") if part]
    return [(lines[0].removeprefix("event: "), json.loads(lines[1].removeprefix("data: "))) for lines in parts]


def delta(encoder, publisher):
    ((_, data),) = decode(encoder.delta(publisher.latest))
    return data


def test_columns_are_named_as_in_the_history():
    assert [column_key(column) for column in COLUMNS] == ["BR-101.temperature", "BR-101.temperature.sp", "BR-101.ph"]


def test_a_snapshot_holds_everything_and_null_for_what_is_not_known(publisher):
    publish(publisher, [36.98765, 37.0, np.nan], (0, 0, 2), (0.12, 0.0, np.inf))
    ((name, data),) = decode(Encoder(publisher).snapshot(publisher.latest))
    assert name == "snapshot"
    assert data["values"] == [36.988, 37.0, None]
    assert data["quality"] == [0, 0, 2]
    assert data["reason"] == ["ok", "ok", "ok"]
    assert data["age"] == [0.1, 0.0, None]
    assert data["columns"] == COLUMNS
    assert (data["seq"], data["time"], data["process_s"], data["site"]) == (1, 1e9, 5.0, {"name": "bench"})
    assert data["vessels"] == VESSELS
    assert data["alarms"] == data["batches"] == data["connections"] == data["waiting_calibrations"] == []


def test_a_delta_tells_only_what_changed(publisher):
    encoder = Encoder(publisher)
    publish(publisher, [37.0, 37.0, np.nan])
    assert len(delta(encoder, publisher)["v"]) == 3
    publish(publisher, [37.0001, 37.0, np.nan], age=(0.3, 0.0, 0.4))
    assert delta(encoder, publisher)["v"] == []
    publish(publisher, [37.01, 37.0, np.nan], (0, 0, 2))
    assert delta(encoder, publisher)["v"] == [[0, 37.01, 0, "ok", 0.1], [2, None, 2, "ok", 0.2]]


def test_an_age_is_told_again_when_it_has_grown(publisher):
    encoder = Encoder(publisher)
    told = []
    for second in range(5):
        publish(publisher, [37.0, 37.0, 7.0], age=(0.1, 0.0, 0.6 * second))
        told.append([item[0] for item in delta(encoder, publisher)["v"]])
    assert told == [[0, 1, 2], [], [2], [], [2]]


def test_only_the_parts_of_the_state_that_changed_are_told(publisher):
    encoder = Encoder(publisher)
    publish(publisher, [37.0, 37.0, 7.0])
    assert set(delta(encoder, publisher)["state"]) == {"vessels", "batches", "alarms", "connections"}
    publish(publisher, [37.0, 37.0, 7.0], batches=[{"id": "b"}])
    assert delta(encoder, publisher)["state"] == {"batches": [{"id": "b"}]}
    publish(publisher, [37.0, 37.0, 7.0], batches=[{"id": "b"}])
    assert delta(encoder, publisher)["state"] == {}


def test_a_published_tick_cannot_be_changed(publisher):
    publish(publisher, [37.0, 37.0, 7.0])
    with pytest.raises(ValueError, match="read-only"):
        publisher.latest.value[0] = 0


def test_samples_are_counted_by_connection_and_quality(publisher):
    for quality in ((0, 0, 2), (0, 0, 2), (1, 0, 0)):
        publish(publisher, [37.0, 37.0, 7.0], quality)
    counts = {key: count for key, count in publisher.samples().items() if count}
    assert counts == {("plc", 0): 2, ("plc", 1): 1, ("probes", 2): 2, ("probes", 0): 1}


def mailbox():
    return Mailbox(lambda: b"S", lambda: b"R")


async def test_a_mailbox_begins_with_a_snapshot_then_gives_deltas_in_order():
    box = mailbox()
    box.delta(b"1")
    assert await box.take() == b"S"
    box.delta(b"2")
    box.delta(b"3")
    box.event(b"e")
    box.beat(b"h")
    assert await box.take() == b"h23e"


async def test_a_slow_client_gets_the_newest_state_and_never_more_memory():
    box = mailbox()
    await box.take()
    for _ in range(10_000):
        box.delta(b"d" * 100)
        box.event(b"e")
        box.beat(b"h")
    assert await box.take() == b"RhS", "told to ask for the rows it missed, and where things stand"
    for _ in range(DELTAS):
        box.delta(b"d")
    for _ in range(EVENTS):
        box.event(b"e")
    assert await box.take() == b"d" * DELTAS + b"e" * EVENTS


async def test_a_closed_mailbox_ends_its_reader():
    box = mailbox()
    reading = asyncio.ensure_future(box.take())
    await reading
    reading = asyncio.ensure_future(box.take())
    await asyncio.sleep(0)
    box.close()
    assert await reading is None


class Journal:
    """A store's ``subscribe``."""

    def __init__(self):
        self.listeners = []

    def __call__(self, listener):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)


@pytest.fixture
async def journal():
    return Journal()


@pytest.fixture
async def hub(publisher, journal):
    hub = Hub(publisher, journal, lambda: True, places=3)
    hub.start()
    yield hub
    hub.close()


async def take(box):
    async with asyncio.timeout(2):
        return decode(await box.take())


async def test_a_tick_from_another_thread_reaches_every_client_encoded_once(publisher, hub, monkeypatch):
    publish(publisher, [37.0, 37.0, 7.0])
    boxes = [hub.join(), hub.join()]
    for box in boxes:
        assert [name for name, _ in await take(box)] == ["snapshot"]
    contents = []
    scan = threading.Thread(target=publish, args=(publisher, [38.0, 37.0, 7.0]))
    scan.start()
    async with asyncio.timeout(2):
        contents = [await box.take() for box in boxes]
    scan.join()
    assert contents[0] == contents[1]
    ((name, data),) = decode(contents[0])
    assert (name, data["seq"], data["v"]) == ("delta", 2, [[0, 38.0, 0, "ok", 0.1]])


async def test_a_client_before_the_first_scan_gets_its_snapshot_with_it(publisher, hub):
    box = hub.join()
    waiting = asyncio.ensure_future(take(box))
    await asyncio.sleep(0)
    publish(publisher, [37.0, 37.0, 7.0])
    assert [name for name, _ in await waiting] == ["snapshot"]


async def test_no_client_misses_a_change_however_seldom_it_reads(publisher, hub):
    publish(publisher, [37.0, 37.0, 7.0])
    box, state = hub.join(), {}
    for step in range(60):
        publish(publisher, [37.0 + step, 37.0, 7.0 + step % 2])
        await asyncio.sleep(0)
        if step % 9 in {0, 1, 4}:
            for name, data in await take(box):
                values = enumerate(data["values"]) if name == "snapshot" else ((i, v) for i, v, *_ in data["v"])
                state.update(values)
            assert state == {0: 37.0 + step, 1: 37.0, 2: 7.0 + step % 2}


async def test_journal_rows_follow_in_order_and_too_many_mean_resync(publisher, hub, journal):
    publish(publisher, [37.0, 37.0, 7.0])
    box = hub.join()
    await take(box)
    journal.listeners[0]([{"number": 1}, {"number": 2}])
    assert await take(box) == [("event", {"number": 1}), ("event", {"number": 2})]
    journal.listeners[0]([{"number": number} for number in range(5000)])
    names = [name for name, _ in await take(box)]
    assert names == ["resync", "snapshot"]


async def test_the_places_are_limited_and_given_back(publisher, hub):
    boxes = [hub.join() for _ in range(3)]
    with pytest.raises(TooManyStreams, match="3 streams"):
        hub.join()
    hub.leave(boxes[0])
    assert hub.clients == 2
    hub.join()


async def test_a_closed_hub_ends_every_stream_and_hears_nothing_more(publisher, hub, journal):
    box = hub.join()
    hub.close()
    assert await box.take() is None
    assert journal.listeners == []
    publish(publisher, [37.0, 37.0, 7.0])
    late = hub.join()
    assert await late.take() is None


def test_a_frame_is_one_event_on_one_line():
    assert (
        frame("x", {"text": "two\nlines", "value": float("nan")})
        == b'event: x\ndata: {"text":"two\\nlines","value":null}\n\n'
    )
