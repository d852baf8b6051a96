"""An answer that comes at the very moment in which it is given up."""

from __future__ import annotations

import asyncio
import time

import pytest
from asyncua.common.utils import wait_for

from drivers.contract import Timeout
from drivers.opcua import OpcUaClient, OpcUaSettings

LIMIT_S = 0.05


async def answered_as_it_is_given_up() -> None:
    """Waits as asyncua does for every answer, on a computer so busy that it sees deadline and answer at once: it stands
    still twice, as once is made good.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[None] = loop.create_future()
    loop.call_soon(time.sleep, 2 * LIMIT_S)
    loop.call_later(2.2 * LIMIT_S, time.sleep, 2 * LIMIT_S)
    loop.call_later(3 * LIMIT_S, answer.set_result, None)
    await wait_for(answer, 60.0)


async def test_it_is_a_time_out_and_not_the_end_of_the_task() -> None:
    client = OpcUaClient(OpcUaSettings("opc.tcp://127.0.0.1:4840", 1.0))
    with pytest.raises(Timeout, match=r"no answer within 0\.05 s while reading"):
        await client.within("reading", answered_as_it_is_given_up(), LIMIT_S)


async def test_the_time_in_which_we_stood_still_is_waited_for_once() -> None:
    client = OpcUaClient(OpcUaSettings("opc.tcp://127.0.0.1:4840", 1.0))
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    loop.call_soon(time.sleep, 3 * LIMIT_S)
    loop.call_later(3.2 * LIMIT_S, answer.set_result, "late, as we were")
    assert await client.within("reading", wait_for(answer, 60.0), LIMIT_S) == "late, as we were"
    with pytest.raises(Timeout):
        await client.within("reading", asyncio.sleep(60.0), LIMIT_S)


async def test_one_who_is_cancelled_from_outside_ends() -> None:
    client = OpcUaClient(OpcUaSettings("opc.tcp://127.0.0.1:4840", 1.0))
    reading = asyncio.create_task(client.within("reading", asyncio.sleep(60.0), 60.0))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
