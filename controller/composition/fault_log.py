"""What goes wrong on purpose is on record: every process fault of simulated instruments, whoever ordered it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from controller.commands import Event, EventType, Json
from controller.composition.simulated import SimulatorError, ask

if TYPE_CHECKING:
    from controller.composition.scenario import Scenario

log = logging.getLogger("biovisor.faults")
SUBTYPE = "Simulated Fault"
RETRY_S = 1.0
NEWS_WITHIN_S = 20.0
"""The control port answers a request for news after 10 s at the latest."""


async def order_scenario(control: tuple[str, int], scenario: Scenario) -> None:
    """Order every fault of a scenario. Raises :class:`SimulatorError` for the first that is refused."""
    for request in scenario.requests:
        await ask(control, request)


async def watch(control: tuple[str, int], append: Callable[[Sequence[Event]], object]) -> None:
    """Put on record what becomes of process faults, until cancelled. What goes on already is told first; a control port
    that does not answer is asked again, and said once.
    """
    last: Json = None
    silent = False
    while True:
        try:
            if last is None:
                answer = await ask(control, {"op": "process_faults"})
                news = [{**_entry(one), "what": "is waiting or going on"} for one in _list(answer["faults"])]
            else:
                answer = await ask(control, {"op": "process_fault_news", "after": last}, NEWS_WITHIN_S)
                news = [_entry(one) for one in _list(answer["news"])]
                if missed := answer.get("missed"):
                    log.warning("%s notices of process faults are not on record: too many at once", missed)
        except SimulatorError as error:
            if not silent:
                log.warning("process faults are not put on record: %s", error)
            silent = True
            await asyncio.sleep(RETRY_S)
            continue
        last, silent = answer["last"], False
        if news:
            append([event(one) for one in news])


def event(notice: Mapping[str, Json]) -> Event:
    """What became of a fault, in one line of the record."""
    vessel = str(notice["vessel"])
    text = (
        f"simulated fault {notice['number']} {notice['what']}: {notice['title']} "
        f"({notice['catalogue']}, {notice['text']})"
    )
    return Event(EventType.GENERAL, SUBTYPE, vessel, text, vessel, value=dict(notice))


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _entry(value: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", value)
