"""For tests that measure short times: what they find means nothing when the machine stood still meanwhile."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import ParamSpec

Given = ParamSpec("Given")

TICK_S = 0.005
STILL_S = 0.03
"""So long an event loop is not kept waiting by what the tests do themselves."""
TRIES = 4


def steady(test: Callable[Given, Awaitable[None]]) -> Callable[Given, Awaitable[None]]:
    """Make a test, which brings all that it needs itself, again if it failed while the machine stood still. What fails
    on a machine that did not is a failure.
    """

    @functools.wraps(test)
    async def tried(*args: Given.args, **kwargs: Given.kwargs) -> None:
        for left in reversed(range(TRIES)):
            longest = [0.0]
            watching = asyncio.create_task(_watch(longest))
            try:
                await test(*args, **kwargs)
                return
            except (AssertionError, TimeoutError):
                await asyncio.sleep(2 * TICK_S)  # what kept the loop up to now is to be seen as well
                if longest[0] < STILL_S or not left:
                    raise
            finally:
                watching.cancel()

    return tried


async def _watch(longest: list[float]) -> None:
    """Keep how much later than wanted the event loop came back, at most, but for what was computed in it meanwhile."""
    loop = asyncio.get_running_loop()
    while True:
        due, computed = loop.time() + TICK_S, time.process_time()
        await asyncio.sleep(TICK_S)
        longest[0] = max(longest[0], loop.time() - due - (time.process_time() - computed))
