"""Short waits: not shorter than asked for, and not a millisecond longer."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest

from drivers import fine_timer
from drivers.conformance.contract_checks import descriptors
from drivers.fine_timer import FineTimer


async def waited(timer: FineTimer, seconds: float) -> float:
    started = time.perf_counter()
    await timer.sleep(seconds)
    return time.perf_counter() - started


async def test_waits_are_fine() -> None:
    timer = FineTimer()
    waits = [await waited(timer, 0.0021) for _ in range(40)]
    assert min(waits) >= 0.0021
    assert statistics.quantiles(waits, n=4)[0] < 0.003, "the loop's own waits take 3 ms at least"
    assert await waited(timer, 0.03) >= 0.0299
    assert await waited(timer, -1.0) < 0.03
    timer.close()


async def test_closing_wakes_who_waits_and_leaves_nothing_open() -> None:
    before = descriptors()
    timer = FineTimer()
    waiting = asyncio.ensure_future(timer.sleep(0.019))
    await asyncio.sleep(0)
    timer.close()
    timer.close()
    async with asyncio.timeout(0.015):
        await waiting
    assert descriptors() == before
    assert await waited(timer, 0.001) >= 0.001


async def test_a_wait_that_is_cancelled_does_not_end_the_next_one() -> None:
    timer = FineTimer()
    waiting = asyncio.ensure_future(timer.sleep(0.002))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert await waited(timer, 0.01) >= 0.01
    timer.close()


async def test_without_such_files_the_loop_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_timer, "_LIBC", object())
    timer = FineTimer()
    assert await waited(timer, 0.002) >= 0.002
    timer.close()
