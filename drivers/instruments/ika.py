"""IKA stirrers, NAMUR commands (manuals RCT digital p. 28, LR 1000 p. 18, KS 4000 p. 27; replies as other drivers know
them).

Points: ``speed`` (1/min), ``torque`` (N.cm; the viscosity trend of a hotplate stirrer, %), ``external``, ``plate`` and
``temperature`` (Cel, of the channels 1, 2 and 3); and, to be written, ``setpoint`` (1/min; starts the motor, 0 stops
it), ``torque_limit`` (N.cm), ``speed_limit`` and ``safety_speed`` (1/min). Heating is not driven.

Odd: what is set has no reply, and what is not known or not taken is passed over in silence; every write is therefore
read back. It cannot be asked whether its motor is on, and keeps its set speed while it stands: ``setpoint`` reads 0
while it does. Some firmware forgets the speed at a start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, DriverError, Identity, Malformed, Quality, Reason, Refused, Sample, Timeout
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = (
    "its simulator, which the `ika` package drives",
    "exchanges as other drivers expect them",
)

MEASURED = {"external": 1, "plate": 2, "temperature": 3, "speed": 4, "torque": 5}
SET = {"setpoint": 4, "torque_limit": 5, "speed_limit": 6, "safety_speed": 8}
MOTION = "motion"
"""The question for both speeds, which only mean something together."""
WATCHDOG = "watchdog"
WATCHDOG_S = (20, 1500)
REST_S = 0.1
"""The silence it needs after what is set."""
SLOWER = 0.98
"""Share of its speed below which a stirrer that was told to stop is seen to."""
FASTEST = 10_000


class Ika(Polled):
    """One stirrer on a line.

    Options: ``watchdog`` (seconds without a reading after which it stops by itself, 20 to 1500; 0: never) and
    ``slowest_reply`` in seconds.
    """

    points: ClassVar[Mapping[str, Entry]] = {
        **{name: Entry() for name in MEASURED},
        **{name: Entry("rw", "", 0, FASTEST) for name in SET},
        "speed": Entry("r", MOTION),
        "setpoint": Entry("rw", MOTION, 0, FASTEST),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._watchdog_s = options.integer("watchdog", 0, 0, WATCHDOG_S[1])
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        if 0 < self._watchdog_s < WATCHDOG_S[0]:
            raise ValueError(
                f"connection {spec.name!r}: option 'watchdog' must be 0, or at least {WATCHDOG_S[0]} seconds"
            )
        self.first = WATCHDOG if self._watchdog_s else ""
        settings = parse_port(spec.url, 9600, parity="E", bytesize=7)
        self._text = TextLine(settings, spec.timeout_s / 2, quiet_s, end=b" \r\n", reply_end=b"\n")
        self._started: bool | None = None
        super().__init__(self._text)

    async def open(self) -> Identity:
        """Open the line and ask who is there; whether its motor is on is not known."""
        self._started = None
        return await super().open()

    async def identify(self) -> Identity:
        """Its name, the only answer that is no number."""
        name = await self._text.ask_line("IN_NAME")
        if not re.match(r"[A-Za-z]", name):
            raise self.line.doubt(f"not a name: {name!r}")
        return Identity("IKA", name)

    async def answer(self, question: str) -> Answers:
        """Both speeds, or one other channel; or the watchdog, which is fed by it."""
        if question == MOTION:
            speed, kept = await self._measure("speed"), await self._setting("setpoint")
            return {"speed": speed, "setpoint": self._asked_for(speed, kept)}
        if question == WATCHDOG:
            reply = await self._text.ask_line(f"OUT_WD1@{self._watchdog_s}")
            if not re.fullmatch(rf"{self._watchdog_s}(\.0*)?", reply):
                raise self.line.doubt(f"not the time of its watchdog: {reply!r}")
            return {}
        return {question: await (self._measure(question) if question in MEASURED else self._setting(question))}

    async def put(self, address: str, value: float) -> None:
        """Start, stop, or set a limit; then see what came of it."""
        if address != "setpoint":
            await self._set(address, value)
        elif round(value) == 0:
            await self._stop()
        else:
            await self._stir(round(value))

    async def _stir(self, value: int) -> None:
        """Set the speed and, unless it turns because it was told to, start; a speed that a start made it forget is set
        again.
        """
        turns = await self._measure("speed") != 0 and self._started is not False
        await self._set("setpoint", value)
        if not turns:
            await self._text.say("START_4", REST_S)
        self._started = True
        if await self._setting("setpoint") == value:
            return
        try:
            await self._set("setpoint", value)
        except Refused as error:
            raise DriverError(f"started, but {error}") from error

    async def _stop(self) -> None:
        try:
            before = await self._measure("speed")
        except (Timeout, Malformed):
            before = 0.0  # it is told to stop all the same, and only believed when it stands
        await self._text.say("STOP_4", REST_S)
        self._started = False
        after = await self._measure("speed")
        if after > SLOWER * before:
            raise DriverError(f"told to stop, but it turns at {after:g}")

    async def _set(self, address: str, value: float) -> None:
        value = round(value)
        await self._text.say(f"OUT_SP_{SET[address]} {value}", REST_S)
        if (kept := await self._setting(address)) != value:
            raise Refused(f"{address} stays at {kept:g}")

    async def _measure(self, address: str) -> float:
        return await self._ask("IN_PV", MEASURED[address])

    async def _setting(self, address: str) -> float:
        return await self._ask("IN_SP", SET[address])

    async def _ask(self, what: str, channel: int) -> float:
        reply = await self._text.ask_line(f"{what}_{channel}")
        found = re.fullmatch(rf"(-?\d+(?:\.\d*)?) +{channel}", reply)
        if found is None:
            raise self.line.doubt(f"not a value of channel {channel}: {reply!r}")
        return float(found[1])

    def _asked_for(self, speed: float, kept: float) -> Value:
        """What the motor is asked for: nothing while it stands, as far as can be seen."""
        turns = speed != 0
        if self._started in {None, turns}:
            return kept if turns else 0.0
        why = "it was stopped, and turns" if turns else "it was started, and stands"
        return Sample(kept, Quality.UNCERTAIN, Reason.DEVICE, 0, None, why)
