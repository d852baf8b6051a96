"""Wire faults: what can go wrong between an instrument and its host, injected on request for a limited time.

A fault changes bytes or connections, never the instrument behind them, so that what a driver sees is what a loose
plug, a noisy line or a hung device would have shown it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """The ways a wire can fail."""

    SILENCE = "silence"
    """Nothing comes back."""
    GARBAGE = "garbage"
    """Random bytes come back instead of the reply."""
    DISCONNECT = "disconnect"
    """The line is unplugged; it comes back at the same address when the time is over."""
    CRC = "crc"
    """The last byte of every reply is damaged."""
    DELAY = "delay"
    """Replies come `magnitude` seconds later (default 1)."""
    TRUNCATE = "truncate"
    """Only the first `magnitude` part of every reply comes back (default 0.5)."""
    WRONG_ADDRESS = "wrong_address"
    """Replies carry the number of another device, `magnitude` away (default 1), and are intact otherwise."""
    WRONG_UNIT = "wrong_unit"
    """Measured values come in another unit of measure, and say so, as after someone changed the setting."""
    FREEZE = "freeze"
    """The instrument hangs; afterwards it answers everything that was asked meanwhile."""
    REBOOT = "reboot"
    """The instrument loses power; afterwards it has its power-up settings, and says so if it does."""
    DUPLICATE = "duplicate"
    """Every reply comes twice."""
    CLOCK = "clock"
    """The instrument's own clock is `magnitude` seconds fast (default 3600)."""


STREAM_FAULTS = frozenset({
    Fault.SILENCE, Fault.GARBAGE, Fault.DISCONNECT, Fault.DELAY, Fault.TRUNCATE, Fault.FREEZE,
})  # fmt: skip
"""Faults of a byte stream without frames of its own, such as a TCP connection."""

LINE_FAULTS = STREAM_FAULTS | {Fault.CRC, Fault.REBOOT, Fault.DUPLICATE}
"""Faults of a line of bytes to one device."""

SERIAL_FAULTS = LINE_FAULTS | {Fault.WRONG_ADDRESS}
"""Faults of a line of devices that have a number."""

MUTE = (Fault.SILENCE, Fault.DISCONNECT, Fault.REBOOT)
"""Faults during which nothing comes."""

CONFIRM_S = 0.02
"""Time to confirm a fault before the process hangs."""

DEFAULT_MAGNITUDE = {Fault.DELAY: 1.0, Fault.TRUNCATE: 0.5, Fault.WRONG_ADDRESS: 1.0, Fault.CLOCK: 3600.0}


@dataclass(slots=True)
class Faults:
    """The faults now active on one wire. Times are wall seconds of `now` (monotonic)."""

    seed: int
    supported: frozenset[Fault] = frozenset(Fault)
    now: Callable[[], float] = time.monotonic
    on_disconnect: Callable[[float], None] | None = None
    """Called with the seconds the line stays unplugged."""
    on_reboot: Callable[[], None] | None = None
    """Called when the power comes back."""
    drops_without_power: bool = False
    """Whether the connections end with the power, as on a network."""
    blind: list[Callable[[], bool]] = field(default_factory=list)
    """Whether a probe is off, of an instrument that has no other way to say so than not to answer."""
    _active: dict[Fault, tuple[float, float]] = field(default_factory=dict)
    _noise: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._noise = random.Random(self.seed)

    def inject(self, fault: Fault, duration_s: float, magnitude: float | None = None) -> None:
        """Start a fault for `duration_s` seconds. Raises ValueError when this wire cannot fail in that way."""
        if fault not in self.supported:
            raise ValueError(f"this wire cannot show {fault}; it can show {', '.join(sorted(self.supported))}")
        if not 0 < duration_s <= 3600:
            raise ValueError("duration_s must lie between 0 and 3600 seconds")
        value = DEFAULT_MAGNITUDE.get(fault, 0.0) if magnitude is None else magnitude
        self._active[fault] = (self.now() + duration_s, value)
        dropped = fault is Fault.DISCONNECT or (fault is Fault.REBOOT and self.drops_without_power)
        if dropped and self.on_disconnect is not None:
            self.on_disconnect(duration_s)
        if fault is Fault.FREEZE:
            asyncio.get_running_loop().call_later(CONFIRM_S, time.sleep, duration_s)
        if fault is Fault.REBOOT and self.on_reboot is not None:
            asyncio.get_running_loop().call_later(duration_s, self.on_reboot)

    def active(self, fault: Fault) -> float | None:
        """The magnitude of a fault that is active now, or None."""
        until, magnitude = self._active.get(fault, (0.0, 0.0))
        return magnitude if self.now() < until else None

    @property
    def delay_s(self) -> float:
        """Seconds every reply is late now."""
        return self.active(Fault.DELAY) or 0.0

    def mangle(self, reply: bytes) -> bytes:
        """What arrives of a reply; empty when nothing does."""
        if any(self.active(fault) is not None for fault in MUTE) or any(is_off() for is_off in self.blind):
            return b""
        if self.active(Fault.GARBAGE) is not None:
            return self._noise.randbytes(len(reply))
        if (part := self.active(Fault.TRUNCATE)) is not None:
            return reply[: int(len(reply) * part)]
        if self.active(Fault.CRC) is not None and reply:
            return reply[:-1] + bytes([reply[-1] ^ 0xFF])
        return reply + reply if self.active(Fault.DUPLICATE) is not None else reply
