"""A line of bytes whose far end says what a test wants it to say: byte by byte, as a manual prints it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from types import TracebackType

from tests.drivers.terminal import Terminal


class Scripted:
    """``answers`` are the bytes that come back for each command, both with their ends; other commands get none.

    ``asked`` are the commands with the times at which they came; ``on`` is what else happens at a command.
    """

    def __init__(self, answers: Mapping[bytes, bytes], end: bytes = b"\r") -> None:
        self.answers = dict(answers)
        self.on: dict[bytes, Callable[[], None]] = {}
        self.asked: list[tuple[float, bytes]] = []
        self._end, self._received = end, b""
        self._terminal = Terminal()
        self._master, self.path = self._terminal.master, self._terminal.path
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    @property
    def url(self) -> str:
        """What a driver connects to. A pseudo-terminal cannot be set to parity or seven bits."""
        return f"serial://{self.path}?bytesize=8&parity=N"

    @property
    def commands(self) -> list[bytes]:
        """What was asked, in order."""
        return [command for _, command in self.asked]

    def __enter__(self) -> Scripted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        self._terminal.close()

    def _readable(self) -> None:
        self._received += os.read(self._master, 4096)
        *whole, self._received = self._received.split(self._end)
        for part in whole:
            command = part + self._end
            self.asked.append((asyncio.get_running_loop().time(), command))
            self.on.get(command, _nothing)()
            os.write(self._master, self.answers.get(command, b""))


def _nothing() -> None:
    """What happens at most commands."""
