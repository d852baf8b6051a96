"""The conformance checks themselves: each one passes for a sound driver, and fails for one with the fault it is for."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any

import pytest

from drivers.conformance import DriverConformance
from drivers.contract import (
    DriverError,
    Identity,
    LinkLost,
    Malformed,
    Plan,
    Point,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
)
from drivers.polled import Answers, Entry, QuestionPlan
from tests.drivers.well import Far, Well, WellBench

LEFT: list[Any] = []
"""What faulty drivers leave behind."""
NUMBERS = count()
Writes = Sequence[tuple[Point, float]]


class TurnsPlans(Well):
    def plan(self, points: Sequence[Point]) -> QuestionPlan:
        return super().plan([*reversed(points)])


class KnowsEverything(Well):
    def entry(self, address: str) -> Entry | None:
        return Entry()


class Nameless(Well):
    async def identify(self) -> Identity:
        return (await super().identify())._replace(model="")


class NewNameEveryTime(Well):
    async def identify(self) -> Identity:
        return (await super().identify())._replace(serial=str(next(NUMBERS)))


class ForgetsOne(Well):
    async def read(self, plan: Plan) -> Sequence[Sample]:
        return (await super().read(plan))[:-1]


class SortsSamples(Well):
    async def read(self, plan: Plan) -> Sequence[Sample]:
        samples = await super().read(plan)
        places = sorted(range(len(samples)), key=lambda place: plan.points[place].address)
        return [samples[place] for place in places]


class AppliesAll(Well):
    async def write(self, writes: Writes) -> Sequence[WriteOutcome]:
        return [WriteOutcome(*write, WriteState.APPLIED) for write in writes]


class SendsAll(Well):
    """Also what is only read, and what is no number."""

    async def write(self, writes: Writes) -> Sequence[WriteOutcome]:
        for _, value in writes:
            await self.number(f"S{value:.2f}")
        return [WriteOutcome(*write, WriteState.APPLIED) for write in writes]


class BelievesWrites(Well):
    async def put(self, address: str, value: float) -> None:
        try:
            await super().put(address, value)
        except DriverError:
            return


class TakesSilenceForRefusal(Well):
    async def put(self, address: str, value: float) -> None:
        try:
            await super().put(address, value)
        except Timeout as error:
            raise Refused("no answer") from error


class StopsAtARefusal(Well):
    async def write(self, writes: Writes) -> Sequence[WriteOutcome]:
        outcomes = await super().write(writes)
        states = [outcome.state for outcome in outcomes]
        return outcomes[: states.index(WriteState.REFUSED)] if WriteState.REFUSED in states else outcomes


class ClosesOnce(Well):
    closed = False

    async def close(self) -> None:
        if self.closed:
            raise LinkLost("closed already")
        self.closed = True
        await super().close()


class WavesGoodbye(Well):
    async def close(self) -> None:
        if self.line.in_doubt:
            await asyncio.sleep(2.0)
        await super().close()


class OpensOnce(Well):
    opens = 0

    async def open(self) -> Identity:
        self.opens += 1
        if self.opens > 1:
            raise LinkLost("opened already")
        return await super().open()


class NeedsNobody(Well):
    async def identify(self) -> Identity:
        try:
            return await super().identify()
        except Timeout:
            return Identity("Nobody", "WELL-7")


class NeverForgives(Well):
    """After any failure nothing works any more."""

    failed = False

    async def ask(self, command: str) -> str:
        if self.failed:
            raise Timeout("failed before")
        try:
            return await super().ask(command)
        except (Timeout, Malformed):
            self.failed = True
            raise


class KeepsOldValues(Well):
    last: Sequence[Sample] = ()

    async def read(self, plan: Plan) -> Sequence[Sample]:
        try:
            self.last = await super().read(plan)
        except DriverError:
            if not self.last:
                raise
        return self.last


class StaysBusy(Well):
    """A cancelled read never gives its turn back."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.turn = asyncio.Lock()

    async def read(self, plan: Plan) -> Sequence[Sample]:
        async with asyncio.timeout(1.0):
            await self.turn.acquire()
        samples = await super().read(plan)
        self.turn.release()
        return samples


class MixesReaders(Well):
    async def read(self, plan: Plan) -> Sequence[Sample]:
        self.wanted = plan
        await super().read(plan)
        return await super().read(self.wanted)


class LeavesATask(Well):
    async def open(self) -> Identity:
        LEFT.append(asyncio.create_task(asyncio.sleep(30.0)))
        return await super().open()


class LeavesAFile(Well):
    async def open(self) -> Identity:
        LEFT.append(os.open("/dev/null", os.O_RDONLY))
        return await super().open()


class Scales(Well):
    async def answer(self, question: str) -> Answers:
        return {address: 1.001 * await self.number(address.upper()) for address in [question]}


class GuessesAnswers(Well):
    async def answer(self, question: str) -> Answers:
        try:
            return await super().answer(question)
        except Malformed:
            self.line.in_doubt = False
            return {question: 0.0}


class LooksAtNoSum(Well):
    def opened(self, reply: str) -> str:
        return reply[1:].rpartition("*")[0]


class NeverDoubts(Well):
    async def read(self, plan: Plan) -> Sequence[Sample]:
        self.line.in_doubt = False
        return await super().read(plan)


FAULTS: dict[str, type[Well]] = {
    "test_plan_keeps_points_and_needs_no_connection": TurnsPlans,
    "test_unknown_address_is_refused_by_plan": KnowsEverything,
    "test_open_says_who_answered": Nameless,
    "test_read_gives_one_good_sample_per_point": ForgetsOne,
    "test_read_follows_the_order_of_the_plan": SortsSamples,
    "test_use_before_open_is_a_driver_error": AppliesAll,
    "test_close_is_idempotent": ClosesOnce,
    "test_reopens_after_close": OpensOnce,
    "test_silence_is_noticed": KeepsOldValues,
    "test_write_into_silence_is_not_applied": BelievesWrites,
    "test_close_does_not_wait_for_a_silent_instrument": WavesGoodbye,
    "test_recovers_after_silence": NeverForgives,
    "test_cancelled_read_leaves_the_line_usable": StaysBusy,
    "test_write_is_applied_and_read_back": AppliesAll,
    "test_impossible_writes_are_refused": SendsAll,
    "test_nothing_is_left_running": LeavesATask,
    "test_open_of_a_silent_instrument_fails_in_time": NeedsNobody,
    "test_read_only_points_are_refused": SendsAll,
    "test_what_the_instrument_cannot_take_is_refused": BelievesWrites,
    "test_outcomes_come_in_order": StopsAtARefusal,
    "test_the_same_instrument_says_the_same_of_itself": NewNameEveryTime,
    "test_no_descriptor_is_left_open": LeavesAFile,
    "test_two_readers_do_not_mix": MixesReaders,
    "test_values_are_the_instruments": Scales,
    "test_garbage_is_no_value": GuessesAnswers,
    "test_half_an_answer_is_no_value": GuessesAnswers,
    "test_a_damaged_answer_is_no_value": LooksAtNoSum,
    "test_another_devices_answer_is_no_value": LooksAtNoSum,
    "test_garbage_before_an_answer_passes": NeverForgives,
    "test_a_late_answer_is_never_anothers": NeverDoubts,
    "test_a_write_with_a_late_answer_is_not_told_as_refused": TakesSilenceForRefusal,
    "test_a_read_cancelled_in_the_middle_leaves_the_line_usable": NeverDoubts,
    "test_a_line_that_is_unplugged_is_noticed_and_comes_back": KeepsOldValues,
}


@pytest.fixture
async def far() -> AsyncIterator[Far]:
    instrument = Far()
    await instrument.start()
    yield instrument
    await instrument.stop()
    for left in LEFT:
        if isinstance(left, int):
            os.close(left)
        else:
            left.cancel()
    LEFT.clear()
    await asyncio.sleep(0)


async def failure(check: str, far: Far, make: type[Well]) -> BaseException | None:
    """Why a driver does not pass a check."""
    task = asyncio.create_task(getattr(DriverConformance(), check)(WellBench(far, make)))
    await asyncio.wait([task])
    return task.exception()


def test_every_check_has_its_fault() -> None:
    checks = [name for name, _ in inspect.getmembers(DriverConformance, inspect.isfunction) if name.startswith("test_")]
    assert sorted(FAULTS) == sorted(checks)


@pytest.mark.parametrize("check", FAULTS)
async def test_a_sound_driver_passes(check: str, far: Far) -> None:
    found = await failure(check, far, Well)
    if found is not None:
        raise found


@pytest.mark.parametrize("check", FAULTS)
async def test_a_faulty_driver_does_not(check: str, far: Far) -> None:
    assert await failure(check, far, FAULTS[check]) is not None, FAULTS[check].__name__
