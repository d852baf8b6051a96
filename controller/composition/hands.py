"""The operator's hands in a simulation: filling, inoculating, drawing samples, harvesting.

A prompt's answer may name what the hands do. It is asked of the simulators' control port under the journal number of
the answer, which makes it happen once, however often it is asked.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from controller.commands import Event, EventType, Json

if TYPE_CHECKING:
    import asyncio

    from controller.store import Store

log = logging.getLogger("biovisor.hands")
RETRY_S = 1.0
PROMPT_RESPONSE = "Prompt Response"
EVERY = 100_000
"""More rows than a batch writes."""
PLANT_UNITS = {"volume": "volume_ml", "density": "density"}


class Hands:
    """Collects what is to be done from the events of the scan, and does it when the instruments are simulated."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._todo: deque[dict[str, Json]] = deque()
        self._address: tuple[str, int] | None = None
        self._wake: asyncio.Event | None = None

    def use(self, control: tuple[str, int]) -> None:
        """The simulators' control port; with real instruments this is never called and nothing is ever done."""
        self._address = control

    def notice(self, events: Iterable[Event]) -> None:
        """Queue the manual actions among ``events``."""
        for event in events if self._enabled else ():
            self._todo.extend(actions(event))
        if self._wake is not None:
            self._wake.set()

    async def run(self) -> None:
        """Do what is queued, until cancelled. A silent control port is asked again: the number keeps it single."""
        import asyncio

        from controller.composition.simulated import SimulatorError, ask

        self._wake = asyncio.Event()
        while True:
            while self._todo and self._address is not None:
                try:
                    await ask(self._address, self._todo[0])
                except SimulatorError as error:
                    log.warning("the simulated hands could not %s: %s", self._todo[0]["action"], error)
                    await asyncio.sleep(RETRY_S)
                else:
                    self._todo.popleft()
            await self._wake.wait()
            self._wake.clear()


def answered(store: Store, batch: str) -> list[Event]:
    """The answered prompts of a batch, from the record: a supervisor that was killed between an answer and the deed
    asks again, under the same number.
    """
    return [
        Event(
            EventType.OPERATOR,
            PROMPT_RESPONSE,
            batch,
            row["text"],
            row["vessel"],
            batch,
            row["value"],
            command=row["command"],
        )
        for row in store.entries(after=0, limit=EVERY, batch=batch)
        if row["kind"] == "event" and row["subtype"] == PROMPT_RESPONSE
    ]


def actions(event: Event) -> list[dict[str, Json]]:
    """The control-port requests that an event asks for; empty for nearly every event."""
    value = event.value
    if event.subtype != PROMPT_RESPONSE or not isinstance(value, Mapping) or not value.get("simulate"):
        return []
    wanted = cast("Mapping[str, Mapping[str, Json]]", value["simulate"])
    return [
        {
            "op": "hands",
            "id": f"{event.batch}:{event.command}:{action}",
            "vessel": event.vessel,
            "action": action,
            **{PLANT_UNITS.get(name, name): number for name, number in arguments.items()},
        }
        for action, arguments in wanted.items()
    ]
