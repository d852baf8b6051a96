"""The link: state, deadlines, writes and outcomes, around drivers that fail in every way."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import pytest

from drivers.contract import (
    BadAddress,
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Message,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
)
from drivers.link import Link
from drivers.link_state import BackOff, LinkEvent, LinkState

POINTS = [Point("t", "a", "r", gain=2.0, offset=1.0), Point("s", "b", "rw", gain=0.1), Point("w", "c", "w")]


@dataclass
class ListPlan:
    points: tuple[Point, ...]


class Device:
    """A driver whose every step can be replaced by a test."""

    def __init__(self) -> None:
        self.opened = self.closed = self.reads = 0
        self.written: list[tuple[str, float]] = []
        self.identity = Identity("Maker", "Thing")
        self.on_open: Callable[[], Awaitable[None]] | None = None
        self.on_read: Callable[[], Awaitable[Sequence[Sample] | None]] | None = None
        self.on_write: Callable[[], Awaitable[None]] | None = None
        self.on_close: Callable[[], Awaitable[None]] | None = None

    def plan(self, points: Sequence[Point]) -> ListPlan:
        if any(not point.address for point in points):
            raise BadAddress("empty")
        return ListPlan(tuple(points))

    async def open(self) -> Identity:
        self.opened += 1
        if self.on_open:
            await self.on_open()
        return self.identity

    async def read(self, plan: Plan) -> Sequence[Sample]:
        self.reads += 1
        special = await self.on_read() if self.on_read else None
        return special or [Sample(10.0, Quality.GOOD, Reason.OK, 0, 5.0) for _ in plan.points]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        if self.on_write:
            await self.on_write()
        self.written += [(point.key, value) for point, value in writes]
        return [WriteOutcome(point, value, WriteState.APPLIED) for point, value in writes]

    async def close(self) -> None:
        self.closed += 1
        if self.on_close:
            await self.on_close()


class Running:
    """A link in a task, its events, and waiting for a state."""

    def __init__(
        self,
        device: Device,
        period_s: float = 60.0,
        deadline_s: float = 0.1,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        self.events: list[LinkEvent] = []
        self.now = 0
        self.link = Link(
            "dev",
            device,
            POINTS,
            period_s=period_s,
            deadline_s=deadline_s,
            now_ns=self._tick,
            on_event=self.events.append,
            expected=expected,
        )
        self.task: asyncio.Task[None] | None = None

    def _tick(self) -> int:
        self.now += 1
        return self.now

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.link.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task], timeout=3)
        assert self.task.cancelled()

    async def until(self, state: LinkState, within_s: float = 3.0) -> None:
        async with asyncio.timeout(within_s):
            await until(lambda: self.link.state is state)


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("never happened")


async def hang() -> None:
    await asyncio.sleep(3600)


def failing(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def test_before_it_is_up_everything_is_never_read() -> None:
    link = Running(Device()).link
    assert [(s.quality, s.reason) for s in link.latest()] == [(Quality.BAD, Reason.NOT_READ)] * 3
    assert link.state is LinkState.CONNECTING


async def test_up_after_the_first_read_with_values_in_tag_units() -> None:
    async with Running(Device()) as running:
        await running.until(LinkState.UP)
        total, speed, write_only = running.link.latest()
        assert (total.value, total.source_time, total.quality) == (21.0, 5.0, Quality.GOOD)
        assert speed.value == pytest.approx(1.0)
        assert write_only.reason is Reason.NOT_READ
        assert total.time_ns > 0
        assert running.link.identity == Identity("Maker", "Thing")
        assert [(e.previous, e.state) for e in running.events] == [(LinkState.CONNECTING, LinkState.UP)]


async def test_requests_read_at_once_and_never_queue() -> None:
    device, gate = Device(), asyncio.Event()

    async def slow() -> None:
        if device.reads > 1:
            await gate.wait()

    device.on_read = slow
    async with Running(device, deadline_s=2.0) as running:
        await running.until(LinkState.UP)
        running.link.request_read()
        await until(lambda: device.reads == 2)
        for _ in range(5):
            running.link.request_read()
        gate.set()
        await asyncio.sleep(0.02)
        assert device.reads == 2
        running.link.request_read()
        await until(lambda: device.reads == 3)


async def test_reads_by_itself_when_nobody_asks() -> None:
    device = Device()
    async with Running(device, period_s=0.02) as running:
        await running.until(LinkState.UP)
        await until(lambda: device.reads > 4)
        assert running.link.counters.reads >= 4


@pytest.mark.parametrize(
    ("error", "kind", "word"),
    [
        (Timeout("no answer within 0.3 s"), "timeout", "no answer within 0.3 s"),
        (LinkLost("unplugged"), "link_lost", "unplugged"),
        (Malformed("checksum"), "malformed", "checksum"),
        (Refused("access denied"), "refused", "access denied"),
        (ZeroDivisionError("bug"), "fault", "fault in the driver: ZeroDivisionError: bug"),
    ],
)
async def test_any_failure_is_bad_samples_and_one_event(error: Exception, kind: str, word: str) -> None:
    device = Device()
    async with Running(device) as running:
        await running.until(LinkState.UP)
        device.on_read = failing(error)
        running.link.request_read()
        await running.until(LinkState.DOWN)
        assert {(s.quality, s.reason) for s in running.link.latest()} == {(Quality.BAD, Reason.LINK)}
        assert all(math.isnan(s.value) for s in running.link.latest())
        await until(lambda: device.opened >= 3)
        device.on_read = None
        await running.until(LinkState.UP)
        assert [event.state for event in running.events] == [LinkState.UP, LinkState.DOWN, LinkState.UP]
        assert running.events[1].detail == word
        assert running.link.counters.errors[kind] >= 2
        assert device.closed >= 2


async def test_the_time_in_which_we_stood_still_is_not_the_devices() -> None:
    device = Device()

    async def late() -> None:
        asyncio.get_running_loop().call_soon(time.sleep, 0.3)
        await asyncio.sleep(0.35)

    async with Running(device, deadline_s=0.2) as running:
        await running.until(LinkState.UP)
        device.on_read = device.on_write = late
        running.link.request_read()
        running.link.submit({"s": 2.0})
        await until(lambda: running.link.counters.reads == 2 or len(running.events) > 1)
        assert [outcome.state for outcome in running.link.take_outcomes()] == [WriteState.APPLIED]
        assert running.link.state is LinkState.UP
        assert len(running.events) == 1


async def test_a_frozen_device_is_noticed_by_the_deadline() -> None:
    device = Device()
    async with Running(device) as running:
        await running.until(LinkState.UP)
        device.on_read = hang
        loop = asyncio.get_running_loop()
        started = loop.time()
        running.link.request_read()
        await running.until(LinkState.DOWN)
        assert loop.time() - started < 0.5
        assert running.link.counters.timeouts == 1


async def test_several_writes_may_take_their_time_each() -> None:
    """A circulator needs a quarter of a second for each, and comes back with all of them to be written again."""
    device = Device()

    async def slowly() -> None:
        await asyncio.sleep(0.15)

    device.on_write = slowly
    async with Running(device) as running:
        await running.until(LinkState.UP)
        running.link.submit({"s": 1.0, "w": 2.0})
        await running.link.flush(2.0)
        assert [outcome.state for outcome in running.link.take_outcomes()] == [WriteState.APPLIED] * 2
        assert running.link.state is LinkState.UP
        running.link.submit({"s": 1.0})
        await running.until(LinkState.DOWN)
        assert [outcome.state for outcome in running.link.take_outcomes()] == [WriteState.UNKNOWN]


async def test_a_faulty_close_does_not_end_the_link() -> None:
    device = Device()
    device.on_close = failing(RuntimeError("bug"))
    device.on_read = failing(LinkLost("x"))
    async with Running(device) as running:
        await running.until(LinkState.DOWN)
        await until(lambda: device.opened >= 2)
        device.on_read = None
        await running.until(LinkState.UP)


async def test_wrong_number_of_samples_is_malformed() -> None:
    device = Device()

    async def short() -> Sequence[Sample]:
        return [Sample(1.0, Quality.GOOD, Reason.OK, 0)]

    device.on_read = short
    async with Running(device) as running:
        await running.until(LinkState.DOWN)
        assert "1 samples for 2 points" in running.link.detail


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e308])
async def test_no_number_is_bad(value: float) -> None:
    device = Device()

    async def strange() -> Sequence[Sample]:
        return [Sample(value, Quality.GOOD, Reason.OK, 0), Sample(3.0, Quality.GOOD, Reason.OK, 0)]

    device.on_read = strange
    async with Running(device) as running:
        await running.until(LinkState.UP)
        first, second = running.link.latest()[:2]
        assert (first.quality, first.reason) == (Quality.BAD, Reason.DEVICE)
        assert math.isnan(first.value)
        assert second.quality is Quality.GOOD


async def test_writes_in_raw_numbers_newest_wins_outcomes_in_tag_units() -> None:
    device = Device()
    async with Running(device) as running:
        await running.until(LinkState.UP)
        running.link.submit({"s": 1.0, "w": 7.0})
        running.link.submit({"s": 2.0})
        await running.link.flush(1.0)
        assert sorted(device.written) == [("s", 20.0), ("w", 7.0)]
        outcomes = {o.point.key: (o.value, o.state) for o in running.link.take_outcomes()}
        assert outcomes == {"s": (2.0, WriteState.APPLIED), "w": (7.0, WriteState.APPLIED)}
        assert running.link.take_outcomes() == []


async def test_writes_to_a_link_that_is_not_up_never_leave() -> None:
    device = Device()
    device.on_open = failing(LinkLost("no port"))
    async with Running(device) as running:
        running.link.submit({"s": 1.0})
        await running.until(LinkState.DOWN)
        running.link.submit({"s": 2.0})
        await running.link.flush(0.5)
        assert [o.state for o in running.link.take_outcomes()] == [WriteState.REFUSED] * 2
        device.on_open = None
        await running.until(LinkState.UP)
        await asyncio.sleep(0.01)
        assert device.written == []


async def test_an_unanswered_write_is_unknown_and_never_repeated() -> None:
    device = Device()
    async with Running(device) as running:
        await running.until(LinkState.UP)
        device.on_write = hang
        running.link.submit({"w": 5.0})
        await running.until(LinkState.DOWN)
        device.on_write = None
        (outcome,) = running.link.take_outcomes()
        assert (outcome.state, outcome.value) == (WriteState.UNKNOWN, 5.0)
        await running.until(LinkState.UP)
        await asyncio.sleep(0.02)
        assert device.written == []
        assert running.link.counters.unknown_writes == 1


async def test_a_write_still_waiting_when_the_link_fails_is_refused() -> None:
    device = Device()

    async def fail_later() -> None:
        running.link.submit({"s": 3.0})
        raise LinkLost("gone")

    async with Running(device) as running:
        await running.until(LinkState.UP)
        device.on_read = fail_later
        running.link.request_read()
        await running.until(LinkState.DOWN)
        (outcome,) = running.link.take_outcomes()
        assert (outcome.state, outcome.detail) == (WriteState.REFUSED, "not sent: gone")
        assert device.written == []


async def test_writes_that_cannot_be() -> None:
    device = Device()
    async with Running(device) as running:
        await running.until(LinkState.UP)
        running.link.submit({"s": math.nan, "w": math.inf})
        assert [o.state for o in running.link.take_outcomes()] == [WriteState.REFUSED] * 2
        with pytest.raises(KeyError):
            running.link.submit({"nothing": 1.0})


async def test_flush_gives_up_in_time() -> None:
    device = Device()
    async with Running(device, deadline_s=1.0) as running:
        await running.until(LinkState.UP)
        device.on_write = hang
        running.link.submit({"s": 1.0})
        started = asyncio.get_running_loop().time()
        await running.link.flush(0.05)
        assert asyncio.get_running_loop().time() - started < 0.5


async def test_cancelling_closes_the_driver_and_leaves_no_task() -> None:
    device = Device()
    device.on_read = hang
    before = asyncio.all_tasks()
    async with Running(device, deadline_s=5.0):
        await until(lambda: device.reads == 1)
    assert device.closed >= 1
    assert asyncio.all_tasks() <= before


def test_a_wrong_address_is_found_when_the_link_is_made() -> None:
    with pytest.raises(BadAddress):
        Link("x", Device(), [Point("k", "")], period_s=1, deadline_s=1, now_ns=lambda: 0, on_event=lambda _: None)


def test_back_off_doubles_to_two_seconds() -> None:
    back_off = BackOff()
    assert [back_off.take() for _ in range(6)] == [0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    back_off.reset()
    assert back_off.take() == 0.2


def test_every_contract_error_has_its_own_counter() -> None:
    from drivers.link_state import kind_of

    kinds = {kind_of(error("x")) for error in DriverError.__subclasses__() if error is not BadAddress}
    assert kinds == {"timeout", "link_lost", "refused", "malformed", "wrong_identity"}


async def test_another_instrument_than_the_expected_one_is_neither_read_nor_written() -> None:
    device = Device()
    device.identity = Identity("Maker", "Thing", serial="8")
    async with Running(device, expected={"vendor": "Maker", "serial": "7"}) as running:
        await until(lambda: device.opened >= 2)
        assert running.link.state is LinkState.DOWN
        assert running.link.detail == "another instrument answers: serial is 8, not 7"
        assert running.link.counters.errors == {"wrong_identity": device.opened}
        running.link.submit({"s": 1.0})
        (outcome,) = running.link.take_outcomes()
        assert outcome.state is WriteState.REFUSED
        assert (device.reads, device.written) == (0, [])
        device.identity = Identity("Maker", "Thing", serial="7")
        await running.until(LinkState.UP)


async def test_that_another_instrument_came_back_is_told() -> None:
    device = Device()

    async def gone() -> None:
        raise LinkLost("gone")

    async with Running(device) as running:
        await running.until(LinkState.UP)
        device.identity, device.on_read = Identity("Maker", "Thing", firmware="2"), gone
        running.link.request_read()
        await running.until(LinkState.DOWN)
        device.on_read = None
        await running.until(LinkState.UP)
        assert running.events[-1].detail == "Maker Thing; it was another one before: firmware not told"


async def swapped(running: Running, device: Device, identity: Identity) -> None:
    """The link is lost, and another instrument comes back."""

    async def gone() -> None:
        raise LinkLost("gone")

    device.identity, device.on_read = identity, gone
    running.link.request_read()
    await running.until(LinkState.DOWN)
    device.on_read = None
    await running.until(LinkState.UP)


async def test_nothing_is_written_to_another_instrument_until_it_is_accepted() -> None:
    """It may be at another vessel: adapters change their names when they are plugged in again."""
    device = Device()
    first, other = (Identity("Maker", "Thing", serial=serial) for serial in ("7", "8"))
    device.identity = first
    async with Running(device) as running:
        await running.until(LinkState.UP)
        for _ in range(2):  # also when the other one is lost and comes back
            await swapped(running, device, other)
            assert running.link.stranger == "serial 8, not 7"
            assert running.events[-1].detail.endswith("; nothing is written to it until it is accepted")
            running.link.submit({"s": 1.0})
            (outcome,) = running.link.take_outcomes()
            assert (outcome.state, outcome.detail) == (
                WriteState.REFUSED, "not sent: another instrument: serial 8, not 7",
            )  # fmt: skip
        await swapped(running, device, first)
        assert running.link.stranger == ""
        await swapped(running, device, other)
        running.link.accept()
        assert running.link.stranger == ""
        running.link.submit({"s": 1.0})
        await until(lambda: len(device.written) == 1)
        await swapped(running, device, other)
        assert running.link.stranger == ""


@pytest.mark.parametrize(("before", "after"), [
    (Identity("Maker", "Thing", "7", "1.0"), Identity("Maker", "Thing", "7", "1.1")),
    (Identity("Maker", "Thing", "7"), Identity("Maker", "Thing", "")),
    (Identity("Maker", "Thing", "7", via="a"), Identity("Maker", "Thing", "8", via="b")),
])  # fmt: skip
async def test_a_new_firmware_and_the_other_half_of_a_redundant_server_are_no_strangers(
    before: Identity, after: Identity
) -> None:
    device = Device()
    device.identity = before
    async with Running(device) as running:
        await running.until(LinkState.UP)
        await swapped(running, device, after)
        assert running.link.stranger == ""


class Talker(Device):
    """One that says something at every read."""

    def take_messages(self) -> Sequence[Message]:
        return [Message(f"read {self.reads}")]


async def test_what_an_instrument_says_is_passed_on_after_every_read() -> None:
    said: list[tuple[str, str]] = []
    link = Link(
        "dev", Talker(), POINTS, period_s=60.0, deadline_s=0.1, now_ns=lambda: 0, on_event=lambda _: None,
        on_message=lambda name, message: said.append((name, message.text)),
    )  # fmt: skip
    task = asyncio.create_task(link.run())
    await until(lambda: len(said) == 1)
    link.request_read()
    await until(lambda: len(said) == 2)
    assert said == [("dev", "read 1"), ("dev", "read 2")]
    task.cancel()
    await asyncio.wait([task])
