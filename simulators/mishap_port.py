"""Process faults at the control port: ordered, listed, cleared and told, and what befalls wires carried to them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Mapping, Sequence

from simulators.control import FaultLink, Operation, Refused, Request, numbers
from simulators.instrument import Json
from simulators.mishaps.board import BEGINS, CLEARED
from simulators.mishaps.book import MOST, Book, Notice
from simulators.mishaps.order import ordered

NEWS_S = 10.0
"""Wall seconds that a request for news waits for some."""
SHORTEST_S, LONGEST_S = 0.001, 3600.0
"""Of a fault on a wire, wall seconds; the shortest ends one that is going on."""
LASTING = ("reboot",)
"""Wire faults that have an end of their own, whatever is ordered meanwhile."""

log = logging.getLogger(__name__)


class MishapPort:
    """The mishaps of a plant as its control port has them.

    `links` lead to the instruments, `at` names those of each vessel, and `speed` is process seconds per wall second.
    """

    def __init__(
        self, book: Book, links: Mapping[str, FaultLink], at: Mapping[str, Sequence[str]], speed: float
    ) -> None:
        self._book, self._links, self._at, self._speed = book, links, at, speed
        self._told = 0
        self._changed = asyncio.Event()
        self._errands: set[asyncio.Task[None]] = set()
        self.operations: Mapping[str, Operation] = {
            "process_fault": self._order,
            "process_faults": self._list,
            "process_fault_clear": self._clear,
            "process_fault_news": self._news,
        }

    def tell(self) -> None:
        """Carry on what is new in the book; to be called after every step."""
        _, new = self._book.since(self._told)
        if not new:
            return
        self._told = self._book.count
        for notice in new:
            if notice.order.mishap.wire and notice.what in {BEGINS, CLEARED}:
                self._send(notice)
        self._changed.set()
        self._changed = asyncio.Event()

    def _send(self, notice: Notice) -> None:
        order, cleared = notice.order, notice.what == CLEARED
        if cleared and order.mishap.wire in LASTING:
            return
        duration_s = SHORTEST_S if cleared else min(max(order.duration_s / self._speed, SHORTEST_S), LONGEST_S)
        request: dict[str, Json] = {"fault": order.mishap.wire, "duration_s": duration_s}
        if order.mishap.magnitude is not None:
            request["magnitude"] = order.magnitude
        for name in self._at.get(notice.vessel, ()):
            errand = asyncio.get_running_loop().create_task(self._befall(name, request))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    async def _befall(self, name: str, request: Request) -> None:
        """Not every wire can show everything: that of a pump has no clock."""
        with contextlib.suppress(Refused, TimeoutError):
            answer = await self._links[name].order(request)
            if not answer.get("ok"):
                log.info("%s: %s", name, answer.get("error"))

    async def _order(self, request: Request) -> dict[str, Json]:
        keys = ("start_s", "duration_s", "magnitude")
        given = numbers({key: request[key] for key in keys if request.get(key) is not None})
        signal = request.get("signal")
        order = ordered(str(request["fault"]), None if signal is None else str(signal), **given)
        number = self._book.order(str(request["vessel"]), order)
        self.tell()
        return {"number": number}

    async def _list(self, _request: Request) -> dict[str, Json]:
        going_on: list[Json] = [{**described(one), **self._times(one.number)} for one in self._book.going_on().values()]
        return {"faults": going_on, "last": self._book.count, "speed": self._speed}

    def _times(self, number: int) -> dict[str, Json]:
        """In the vessel's process time; an end that does not come by itself is null."""
        begin_s, end_s = self._book.times(number)
        return {"begin_s": begin_s, "end_s": end_s if math.isfinite(end_s) else None}

    async def _clear(self, request: Request) -> dict[str, Json]:
        """One by its number, or every one."""
        number = request["number"]
        wanted = list(self._book.going_on()) if number == "all" else [number]
        for one in wanted:
            if isinstance(one, bool) or not isinstance(one, int):
                raise Refused('number must be a whole number, or "all"')
            self._book.clear(one)
        self.tell()
        return {"cleared": list(wanted)}

    async def _news(self, request: Request) -> dict[str, Json]:
        """What came after so many notices, up to :data:`MOST` at once; where there is nothing, as soon as there is, or
        nothing at last. `missed` is how many of them are kept no longer.
        """
        after = request["after"]
        if isinstance(after, bool) or not isinstance(after, int) or after < 0:
            raise Refused("after must be a whole number, 0 or more")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(NEWS_S):
                while self._book.count <= after:
                    await self._changed.wait()
        before, news = self._book.since(after, MOST)
        return {
            "news": [described(notice) for notice in news],
            "missed": max(before - after, 0),
            "last": before + len(news),
        }


def described(notice: Notice) -> dict[str, Json]:
    """A notice as JSON; a duration without an end is null."""
    order = notice.order
    magnitude = order.mishap.magnitude
    return {
        "number": notice.number,
        "what": notice.what,
        "vessel": notice.vessel,
        "fault": order.mishap.name,
        "catalogue": order.mishap.number,
        "title": order.mishap.title,
        "signal": order.signal,
        "magnitude": order.magnitude if magnitude else None,
        "unit": magnitude.unit if magnitude else "",
        "duration_s": order.duration_s if math.isfinite(order.duration_s) else None,
        "process_s": notice.process_s,
        "text": order.text,
    }
