"""How long the rest of a call may take once something in it was not answered.

A link gives up a read or a write that does not come back in time, and then knows nothing of any part of it. A driver
that asks several questions, or several devices, therefore ends by itself before that, with what it has. As long as all
is answered there is no hurry: then only the link's own deadline counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from drivers.contract import Point, WriteOutcome, WriteState

SHARE = 0.9
"""Of the time that a link gives."""
STALL_S = 0.02
"""A timer that comes later than this was kept back by a machine that stood still, or by ourselves."""


def stall(due: float, within_s: float) -> float:
    """How much longer to wait for an answer whose time was over at ``due`` (loop time), when the timer that says so
    comes late: for so long nobody has looked whether it came, and the instrument is not to be blamed for that. At most
    ``within_s``, 0 when the timer came in time.
    """
    late = asyncio.get_running_loop().time() - due
    return min(late, within_s) if late > STALL_S else 0.0


@asynccontextmanager
async def time_limit(within_s: float) -> AsyncIterator[None]:
    """As :func:`asyncio.timeout`, but what the machine has missed of the time by standing still is waited for once.
    Raises ``TimeoutError``.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + within_s
    async with asyncio.timeout(None) as limit:

        def over() -> None:
            limit.reschedule(loop.time() + stall(due, within_s))

        timer = loop.call_at(due, over)
        try:
            yield
        finally:
            timer.cancel()


@asynccontextmanager
async def patience(within_s: float) -> AsyncIterator[Callable[[], None]]:
    """Cut short what is in it, :data:`SHARE` of ``within_s`` seconds after it began, if what it gives was called."""
    limit, until = asyncio.timeout(None), asyncio.get_running_loop().time() + SHARE * within_s

    def hurry() -> None:
        if limit.when() is None:
            limit.reschedule(until)

    try:
        async with limit:
            yield hurry
    except TimeoutError:
        if not limit.expired():
            raise


async def write_each(
    writes: Sequence[tuple[Point, float]],
    ready: Callable[[Point, float], Awaitable[str]],
    put: Callable[[Point, float], Awaitable[tuple[WriteState, str]]],
    within_s: float,
) -> list[WriteOutcome]:
    """One after the other: ``ready`` says why it is not sent, or nothing; ``put`` sends it. Once it is unknown what
    became of one, the others have only so much time: what is cut short when it may have been sent is unknown as well,
    and nothing comes after it.
    """
    outcomes: list[WriteOutcome] = []
    async with patience(within_s) as hurry:
        for point, value in writes:
            if why := await ready(point, value):
                outcomes.append(WriteOutcome(point, value, WriteState.REFUSED, why))
                continue
            outcomes.append(WriteOutcome(point, value, WriteState.UNKNOWN, "no answer in time"))
            outcomes[-1] = WriteOutcome(point, value, *await put(point, value))
            if outcomes[-1].state is WriteState.UNKNOWN:
                hurry()
                await asyncio.sleep(0)  # if the time is over already, nothing else is begun
    left, why = writes[len(outcomes) :], "not sent: what was written before was not answered in time"
    return outcomes + [WriteOutcome(*pair, WriteState.REFUSED, why) for pair in left]
