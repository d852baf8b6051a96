"""Julabo circulators, interface commands (manuals Magnum 91 p. 66, SL 26 p. 82, FL601 pp. 39-40, CORIO CD/CP ch. 11).

Points: ``bath``, ``external`` and ``safety`` temperature (Cel), ``power`` (%, negative when it cools), ``excess_limit``
(Cel), ``status`` (its number); and, to be written, ``setpoint``, ``high_warning``, ``low_warning`` (Cel),
``pump_stage`` (1 to 4) and ``running`` (1 starts, 0 stops). Temperatures are in Cel only if its display is.

Odd: what is written has no reply, and a refusal is only told by the next status, once; every write is therefore read
back. An alarm stops it, whatever is set: that it runs is then Uncertain, and a start unknown. A question it does not
know is not answered at all. It has three setpoints, of which one is in use; ``setpoint`` is the first. With its serial
watchdog on it stops unless a setpoint is written every 30 s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, DriverError, Identity, Quality, Reason, Refused, Sample
from drivers.device_line import XON_XOFF, TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator, which the `julabo` package drives", "exchanges printed in the manuals")

QUESTIONS = {
    "bath": "in_pv_00", "power": "in_pv_01", "external": "in_pv_02", "safety": "in_pv_03", "excess_limit": "in_pv_04",
    "setpoint": "in_sp_00", "high_warning": "in_sp_03", "low_warning": "in_sp_04", "pump_stage": "in_sp_07",
    "running": "in_mode_05",
}  # fmt: skip
BASIC = ("bath", "power", "safety", "excess_limit", "setpoint", "running")
"""Of a CORIO CD; coolers know fewer still, and do not answer the rest."""
MEASURED = ("bath", "power", "external", "safety")
SPOILS = {-5: ("bath",), -6: ("bath", "safety"), -15: ("external",), -33: ("safety",), -38: ("external",)}
"""What an alarm about a sensor says of which value; every other alarm makes all that is measured doubtful."""
WARNINGS = (-3, -4, -40, -41)
"""These concern the temperature or the level, not how well they are measured."""
COMPLAINTS = range(-13, -7)
"""What the status says, once, of a command."""
LOCAL = (0, 1)
"""The panel has control."""
REST_S = 0.25
"""The silence it needs after a command that has no reply."""
RANGE = (-200.0, 500.0)


class Julabo(Polled):
    """One circulator on a line.

    Options: ``commands`` (full; basic for a CORIO CD), ``number`` (of an RS-485 device, 0 to 127; -1: it has none) and
    ``slowest_reply`` in seconds.
    """

    first = "status"
    address_option: ClassVar[str] = "number"
    points: ClassVar[Mapping[str, Entry]] = {
        **{name: Entry("r", question) for name, question in QUESTIONS.items()},
        **{name: Entry("rw", QUESTIONS[name], *RANGE) for name in ("setpoint", "high_warning", "low_warning")},
        "pump_stage": Entry("rw", QUESTIONS["pump_stage"], 1, 4),
        "running": Entry("rw", QUESTIONS["running"], 0, 1),
        "status": Entry("r"),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._basic = options.choice("commands", "full", ("full", "basic")) == "basic"
        number = options.integer("number", -1, -1, 127)
        self._prefix = f"A{number:03d}_" if number >= 0 else ""
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        settings = parse_port(spec.url, 4800, parity="E", bytesize=7)
        self._text = TextLine(settings, spec.timeout_s / 2, quiet_s, reply_end=b"\n", ignored=XON_XOFF)
        self._status: tuple[int, str] | None = None
        super().__init__(self._text)

    def entry(self, address: str) -> Entry | None:
        """What this device has."""
        return None if self._basic and address not in {*BASIC, "status"} else self.points.get(address)

    async def identify(self) -> Identity:
        """Its version, the only answer that begins with a letter."""
        reply = await self._ask("version")
        found = re.fullmatch(r"(?:JULABO\b\s*)?([A-Z].*?)?\s*\b(?:VERSION|V)\s*(\d\S*)", reply, re.IGNORECASE)
        if found is None:
            raise self.line.doubt(f"not a version: {reply!r}")
        return Identity("Julabo", found[1] or "circulator", "", found[2])

    async def answer(self, question: str) -> Answers:
        """The status, or one value as the status lets it be seen."""
        if question == self.first:
            self._status = None
            self._status = await self._ask_state()
            return {self.first: self._status[0]}
        (address,) = (name for name, asked in QUESTIONS.items() if asked == question)
        number, _ = await self._ask_number(question)
        if address == "setpoint" and (active := await self._active()):
            return {address: _doubtful(number, f"its setpoint {active} is in use")}
        return {address: self._judged(address, number)}

    async def put(self, address: str, value: float) -> None:
        """Set, read back, and if it did not take the value ask it why."""
        whole = address in {"pump_stage", "running"}
        if whole and not value.is_integer():
            raise Refused(f"{address} must be a whole number, not {value:g}")
        if address == "setpoint" and (active := await self._active()):
            raise Refused(f"its setpoint {active} is in use, not the first")
        question = QUESTIONS[address]
        text = f"{value:.0f}" if whole else f"{value:.2f}"
        await self._text.say(f"{self._prefix}{question.replace('in', 'out', 1)} {text}", REST_S)
        taken, resolution = await self._ask_number(question)
        if abs(taken - value) < 0.51 * resolution:
            if address == "running" and value and _stops((state := await self._ask_state())[0]):
                raise DriverError(f"it is set to run, but: {state[1]}")
            return
        code, words = await self._ask_status()
        why = f"its panel has control ({words})" if code in LOCAL else words
        raise Refused(f"{address} stays at {taken:g}: {why}")

    async def _active(self) -> int:
        """The number of the setpoint in use; 0 if it is the first."""
        active = 0.0 if self._basic else (await self._ask_number("in_mode_01"))[0]
        return int(active) + 1 if active else 0

    async def _ask_state(self) -> tuple[int, str]:
        """Its status once it has said what was wrong with a command."""
        status = await self._ask_status()
        return await self._ask_status() if status[0] in COMPLAINTS else status

    async def _ask_status(self) -> tuple[int, str]:
        reply = await self._ask(self.first)
        found = re.fullmatch(r"(0\d|-\d{2,4})\s+[A-Za-z].*", reply)
        if found is None:
            raise self.line.doubt(f"not a status: {reply!r}")
        return int(found[1]), reply

    async def _ask_number(self, question: str) -> tuple[float, float]:
        """A number and its resolution; NaN for dashes, which stand for a sensor that is not there."""
        reply = await self._ask(question)
        if re.fullmatch(r"-+\.?-*", reply):
            return math.nan, math.nan
        found = re.fullmatch(r"[+-]?\d{1,4}(?:\.(\d*))?", reply)
        if found is None:
            raise self.line.doubt(f"not a number: {reply!r}")
        return float(reply), 10.0 ** -len(found[1] or "")

    async def _ask(self, question: str) -> str:
        reply = await self._text.ask_line(self._prefix + question)
        if not reply.upper().startswith(self._prefix):
            raise self.line.doubt(f"not an answer of {self._prefix[:-1]}: {reply!r}")
        return reply[len(self._prefix) :]

    def _judged(self, address: str, value: float) -> Value:
        """A value with what the status says of it."""
        if math.isnan(value):
            return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, "it has no such sensor")
        if address == "running" and value and self._status is not None and _stops(self._status[0]):
            return _doubtful(value, self._status[1])
        if address not in MEASURED:
            return value
        if self._status is None:
            return _doubtful(value, "its status is not known")
        code, words = self._status
        if code >= 0 or code in WARNINGS or address not in SPOILS.get(code, MEASURED):
            return value
        return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, words) if code in SPOILS else _doubtful(value, words)


def _stops(code: int) -> bool:
    """Whether a status is an alarm, with which it does not run."""
    return code < 0 and code not in WARNINGS


def _doubtful(value: float, why: str) -> Sample:
    return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, why)
