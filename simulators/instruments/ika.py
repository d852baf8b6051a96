"""IKA overhead stirrer: NAMUR commands on RS-232.

Source: IKA manuals RCT digital p. 28, LR 1000 p. 18, KS 4000 p. 27, HRC 2 p. 15; the layout of replies as other
authors' drivers expect it. What is set has no reply; a command that is unknown or not taken is passed over in silence.
The watchdogs are answered by their time, and must be sent again within it.

Settings: `name` (Microstar C), `lowest` and `highest` (set speed, 30 and 2000 1/min), `temperature` (of its Pt1000, 22;
null for none), `forgets` (true: a start sets the speed to 0), `answers` (true: starts and stops are echoed). Signals:
`speed` is how fast it turns, `setpoint` drives it; alone, it follows with a lag.
"""

from __future__ import annotations

import asyncio
import math
import re

from simulators.byte_server import ByteServer, Lines
from simulators.faults import LINE_FAULTS
from simulators.instrument import Context

FAULTS = LINE_FAULTS
END = b"\n"
LINE = "baudrate=9600&bytesize=8&parity=N"
"""The instrument speaks 7E1. A pseudo-terminal has no such thing, and refuses to be set to it."""
LAG_S = 0.1
STANDS = 0.5
"""1/min below which the shaft is held by its bearings."""
STEP_S = 0.02
TORQUE_PER_RPM = 0.01
WATCHDOG_S = (20, 1500)


class Stirrer:
    """One device. Times are process seconds."""

    def __init__(self, context: Context) -> None:
        spec = context.spec
        self._name = str(spec.get("name", "Microstar C"))
        self._lowest, self._highest = (float(str(spec.get(k, v))) for k, v in (("lowest", 30.0), ("highest", 2000.0)))
        temperature = spec.get("temperature", 22.0)
        self._temperature = None if temperature is None else float(str(temperature))
        self._forgets, self._echoes = spec.get("forgets", False) is True, spec.get("answers", False) is True
        self._clock, self._at, self._alone = context.clock, context.clock(), 0.0
        self._turns, self._drive = context.source("speed", lambda: self._alone), context.sink("setpoint")
        self._on, self._settings = False, {"4": self._lowest, "5": 30.0, "6": self._highest, "8": self._lowest}
        self._mode, self._watch_s, self._fed_at = "", math.inf, self._at
        self._safe = {"12": 0.0, "42": self._lowest}

    def power_up(self) -> None:
        """It stands, at the speed it had; nobody watches."""
        self._on, self._watch_s = False, math.inf

    def command(self, text: str) -> str | None:
        """Carry out one command: its reply, or None."""
        text = text.strip()
        if text == "IN_NAME":
            return self._name
        if found := re.fullmatch(r"IN_(PV|SP)_(\d)", text):
            value = self._measured().get(found[2]) if found[1] == "PV" else self._settings.get(found[2])
            return None if value is None else f"{value:.1f} {found[2]}"
        if found := re.fullmatch(r"OUT_SP_(\d) +(\d+(?:\.\d*)?)", text):
            self._set(found[1], float(found[2]))
        elif text in {"START_4", "STOP_4"}:
            self._on = text == "START_4"
            if self._on and self._forgets:
                self._settings["4"] = 0.0
            return text if self._echoes else None
        elif text == "RESET":
            self.power_up()
        elif found := re.fullmatch(r"OUT_(SP_12|SP_42|WD1|WD2)@(\d+)", text):
            return self._guard(found[1], int(found[2]))
        return None

    def step(self) -> None:
        """Bring it to the present: the watchdog, then the shaft."""
        now = self._clock()
        elapsed_s, self._at = now - self._at, now
        if now - self._fed_at > self._watch_s:
            self._watch_s = math.inf
            if self._mode == "WD1":
                self._on = False
            else:
                self._settings["4"] = self._safe["42"]
        target = self._settings["4"] if self._on else 0.0
        self._alone -= (target - self._alone) * math.expm1(-elapsed_s / LAG_S)
        if target == 0.0 and self._alone < STANDS:
            self._alone = 0.0
        self._drive(target)

    async def live(self) -> None:
        """Step until cancelled."""
        while True:
            self.step()
            await asyncio.sleep(STEP_S)

    def _measured(self) -> dict[str, float | None]:
        speed = self._turns()
        return {"3": self._temperature, "4": round(speed, 0), "5": TORQUE_PER_RPM * speed}

    def _set(self, channel: str, value: float) -> None:
        ranges = {
            "4": (self._lowest, self._settings["6"]),
            "5": (0.0, 100.0),
            "6": (self._lowest, self._highest),
            "8": (self._lowest, self._highest),
        }
        low, high = ranges.get(channel, (math.inf, 0.0))
        if low <= value <= high:
            self._settings[channel] = value

    def _guard(self, name: str, number: int) -> str | None:
        if name in {"SP_12", "SP_42"}:
            self._safe[name.removeprefix("SP_")] = float(number)
        elif number == 0 and name == "WD2":
            self._watch_s = math.inf
        elif WATCHDOG_S[0] <= number <= WATCHDOG_S[1]:
            self._mode, self._watch_s, self._fed_at = name, float(number), self._clock()
        else:
            return None
        return str(number)


async def run(context: Context) -> None:
    """Be one stirrer until cancelled."""
    device = Stirrer(context)

    def answer(command: bytes) -> bytes | None:
        """The reply to one command."""
        reply = device.command(command.decode("ascii", "replace"))
        return None if reply is None else reply.encode() + b" \r\n"

    wire = ByteServer(context, Lines(END, longest=80), answer)
    context.faults.on_reboot = device.power_up
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(device.live())
        tasks.create_task(wire.serve(context, LINE))
