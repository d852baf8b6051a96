"""The line of a Reglo ICC: answers of one character without an end, answers of one line, and events between them.

An event (``^X2|A`` and a line end) may come at any time, between a question and its answer as well. Events are taken
out wherever they stand and given to ``heard``, also those whose halves come with two questions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from drivers.contract import Malformed, Refused
from drivers.device_line import LONGEST_REPLY, DeviceLine
from drivers.ports import PortSettings

END = b"\r\n"
DONE, NOT_DONE, NEGATIVE, POSITIVE = "*", "#", "-", "+"
STATUS = frozenset(word.encode() for word in (DONE, NOT_DONE, NEGATIVE, POSITIVE))
EVENT = re.compile(rb"\^([^\r\n^]*)\r\n")
LARGEST = re.compile(r"(\d+(?:\.\d+)?) *ml/min", re.IGNORECASE)
"""``138 ml/min``."""
ROUNDING = 0.5
"""mL/min, by which the largest flow may be more than is told."""
BEGUN = re.compile(rb"\^[^\r\n^]*\r?\Z")
"""An event whose end has not come yet."""


class RegloLine(DeviceLine):
    """One pump's line. ``heard`` is called with every event, without its caret; ``address`` is a digit."""

    def __init__(
        self, settings: PortSettings, reply_s: float, quiet_s: float, address: str, heard: Callable[[str], None]
    ) -> None:
        super().__init__(settings, reply_s, quiet_s, unasked=self._between, anonymous=True)
        self._address = address
        self._heard = heard
        self._begun = b""

    async def silence(self) -> None:
        """Turn events off, or it would never be silent. Raises :class:`LinkLost`, :class:`Timeout`."""
        for digit in dict.fromkeys((self._address, "1")):  # its number or, if channels are addressed, the first of them
            await self.tell(f"{digit}xE0\r".encode())
        await super().silence()
        self._begun = b""

    async def status(self, command: str) -> str:
        """What a command is answered by: one character. Raises what :meth:`DeviceLine.ask` does."""

        def complete(rest: bytes) -> bool:
            """Whether there is one."""
            if rest and rest not in STATUS:
                raise Malformed(f"not a status: {rest[:24]!r}")
            return bool(rest)

        return (await self._exchange(command, complete)).decode("ascii")

    async def query(self, command: str) -> str:
        """What a question is answered by: one line. Raises :class:`Refused` and what :meth:`DeviceLine.ask` does."""

        def complete(rest: bytes) -> bool:
            """Whether there is one, or a refusal; two are an error."""
            if not rest.isascii() or len(rest) > LONGEST_REPLY or rest.count(END) > 1:
                raise Malformed(f"not a line of text: {rest[:24]!r}")
            return rest == NOT_DONE.encode() or rest.endswith(END)

        rest = (await self._exchange(command, complete)).decode("ascii")
        if rest == NOT_DONE:
            raise Refused(f"the pump refuses {command!r}")
        return rest.strip()

    async def largest_flow(self, channel: str) -> float:
        """In mL/min; infinite where the pump does not tell it, or in another way. Raises what :meth:`query` does but
        :class:`Refused`.
        """
        try:
            found = LARGEST.match(await self.query(f"{channel}!"))
        except Refused:
            return math.inf
        return math.inf if found is None else float(found[1])

    async def _exchange(self, command: str, complete: Callable[[bytes], bool]) -> bytes:
        begun, self._begun = self._begun, b""

        def whole(data: bytes) -> bool:
            """Whether the answer is there, and no event is half there."""
            rest = EVENT.sub(b"", begun + data)
            return BEGUN.search(rest) is None and complete(rest)

        data = begun + await self.ask(f"{command}\r".encode("ascii"), whole)
        self._report(data)
        return EVENT.sub(b"", data)

    def _between(self, data: bytes) -> None:
        """Bytes that nobody asked for: events, whole or not, and late answers, which are nobody's."""
        data = self._begun + data
        self._report(data)
        begun = BEGUN.search(data)
        self._begun = begun[0][:LONGEST_REPLY] if begun else b""

    def _report(self, data: bytes) -> None:
        for event in EVENT.findall(data):
            self._heard(event.decode("ascii", "replace"))
