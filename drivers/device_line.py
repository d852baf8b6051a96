"""One instrument's way to its line: it asks, and knows when a late answer may still come.

After a time-out, garbage or a cancelled request the line is *in doubt*: what comes next may answer an earlier question.
It is cleared by keeping silent for longer than the slowest reply, and then asking something whose answer looks
different from every other (devices answer in order, so whatever is still to come belongs to nobody).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from drivers.contract import Malformed
from drivers.ports import PortSettings
from drivers.serial_line import SerialLine

LONGEST_REPLY = 2048
GAP_S = 0.010
ECHOES = 4
"""Commands whose echo may still be on its way."""

XON_XOFF = b"\x11\x13"
"""What a device puts between its bytes that is set to this handshake. What we send is too short to need it."""

Complete: TypeAlias = Callable[[bytes], bool]


class DeviceLine:
    """A device on a port. Times are wall seconds: ``reply_s`` is the time-out of one question, ``quiet_s`` is how long
    after a question its answer might still come, ``gap_s`` the silence it needs between two. ``unasked`` is called with
    bytes that come between questions, for devices that report of their own accord. ``anonymous`` answers do not say
    whose they are: others on the port wait until a late one can no longer be taken for theirs.
    """

    def __init__(
        self,
        settings: PortSettings,
        reply_s: float,
        quiet_s: float,
        gap_s: float = GAP_S,
        *,
        unasked: Callable[[bytes], None] | None = None,
        anonymous: bool = False,
    ) -> None:
        self.in_doubt = True
        self._line = SerialLine(settings, gap_s, unasked, late_s=quiet_s if anonymous else 0.0)
        self._reply_s = reply_s
        self._quiet_s = quiet_s

    @property
    def url(self) -> str:
        """Where the line is, with its settings."""
        return self._line.settings.url

    @property
    def patience_s(self) -> float:
        """What a link gives for all questions of a read together: twice the time of one."""
        return 2 * self._reply_s

    async def open(self) -> None:
        """Open the port; it is in doubt until probed. Raises :class:`LinkLost`."""
        await self._line.open()
        self.in_doubt = True

    async def silence(self) -> None:
        """Wait until the line is silent for longer than the slowest reply. Raises :class:`LinkLost`."""
        await self._line.silence(self._quiet_s)

    async def tell(self, request: bytes, rest_s: float = 0.0) -> None:
        """Send a command that is not answered, and leave the device ``rest_s`` to carry it out before anything else is
        sent. Raises :class:`LinkLost`, :class:`Timeout`.
        """
        await self._line.send(request, rest_s)

    async def ask(self, request: bytes, complete: Complete, within_s: float | None = None) -> bytes:
        """Send a question and return what ``complete`` says is the whole answer; ``within_s`` is for one that is long.

        ``complete`` raises :class:`Malformed` for bytes that cannot become one. Raises :class:`Timeout`,
        :class:`Malformed`, :class:`LinkLost`; the line is then in doubt.
        """
        answered = False
        try:
            data = await self._line.exchange(request, complete, within_s or self._reply_s)
            answered = True
        finally:
            # Also when it was cancelled. While it goes on there is no doubt: others who ask wait for their turn only.
            self.in_doubt |= not answered
        return data

    def doubt(self, why: str) -> Malformed:
        """The error for an answer that is none, to be raised; the line is in doubt from now on."""
        self.in_doubt = True
        return Malformed(why)

    def close(self) -> None:
        """Give the port back. Idempotent, never raises."""
        self._line.close()


class TextLine(DeviceLine):
    """Lines of ASCII. ``end`` ends what we send, ``reply_end`` what comes; spaces and line feeds around it are dropped.

    A line that is a recent command of ours is its echo and is dropped. ``ignored`` are bytes that mean nothing, such as
    XON and XOFF.
    """

    def __init__(
        self,
        settings: PortSettings,
        reply_s: float,
        quiet_s: float,
        gap_s: float = GAP_S,
        *,
        end: bytes = b"\r",
        reply_end: bytes = b"\r",
        ignored: bytes = b"",
        unasked: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__(settings, reply_s, quiet_s, gap_s, unasked=unasked)
        self._end, self._reply_end, self._ignored = end, reply_end, ignored
        self._echoes: deque[bytes] = deque(maxlen=ECHOES)

    async def say(self, command: str, rest_s: float = 0.0) -> None:
        """Send a command that is not answered; see :meth:`DeviceLine.tell`."""
        await self.tell(self._encode(command), rest_s)

    async def ask_line(self, command: str) -> str:
        """Send a command and return its one line of reply. Raises what :meth:`DeviceLine.ask` does."""

        def complete(data: bytes) -> bool:
            """Whether there is a line; two are an error."""
            replies = self._replies(data)
            if len(replies) > 1:
                raise Malformed(f"more than one reply: {data[:48]!r}")
            return len(replies) == 1

        return self._replies(await self.ask(self._encode(command), complete))[0].decode("ascii")

    async def ask_lines(self, command: str, is_last: Callable[[str], bool]) -> list[str]:
        """Send a command and return its lines of reply, up to the one that ``is_last`` knows as such.

        Raises what :meth:`DeviceLine.ask` does.
        """

        def complete(data: bytes) -> bool:
            """Whether the last line is there."""
            return any(is_last(line.decode("ascii")) for line in self._replies(data))

        data = await self.ask(self._encode(command), complete)
        return [line.decode("ascii") for line in self._replies(data)]

    def _encode(self, command: str) -> bytes:
        data = command.encode("ascii")
        self._echoes.append(data)
        return data + self._end

    def _replies(self, data: bytes) -> list[bytes]:
        """The complete lines that are no echo. Raises :class:`Malformed` for what cannot become lines of text."""
        if len(data) > LONGEST_REPLY or not data.isascii():
            raise Malformed(f"not a line of text: {data[:24].hex(' ')}")
        whole = data.translate(None, self._ignored).split(self._reply_end)[:-1]
        lines = [line.strip(b"\r\n \0") for line in whole]
        return [line for line in lines if line and line not in self._echoes]
