"""Huber thermostats, PB commands (manual Data Communication PB V1.2.0: frames; variables as other drivers know them).

Points: ``internal``, ``return`` and ``process`` temperature, ``min_setpoint`` and ``max_setpoint`` (Cel),
``pump_pressure`` (mbar), ``power`` (W, negative when it cools), ``error`` and ``warning`` (their numbers, 0 for none);
and, to be written, ``setpoint`` (Cel), ``running`` (1 tempers, 0 stops) and ``circulation`` (1 or 0).

Odd: a variable that a model lacks is 7FFF, a sensor that it lacks -151.00 Cel. What it does not take is answered by the
value that it keeps. What is written is not stored and does not wear out any memory: after a power failure it is at the
setpoint of its panel again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from drivers.contract import ConnectionSpec, Identity, Quality, Reason, Refused, Sample
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator, which the `huber` package drives", "frames as other drivers know them")


class Variable(NamedTuple):
    """A variable: its number, and whether it is a temperature, in 0.01 Cel."""

    number: int
    is_temperature: bool = False


VARIABLES = {
    "setpoint": Variable(0x00, True), "internal": Variable(0x01, True), "return": Variable(0x02, True),
    "pump_pressure": Variable(0x03), "power": Variable(0x04), "error": Variable(0x05), "warning": Variable(0x06),
    "process": Variable(0x07, True), "running": Variable(0x14), "circulation": Variable(0x16),
    "min_setpoint": Variable(0x30, True), "max_setpoint": Variable(0x31, True),
}  # fmt: skip
SWITCHES = ("running", "circulation")
MEASURED = ("internal", "return", "process", "pump_pressure", "power")
"""What is doubtful while there is an error."""
SERIAL_LOW, SERIAL_HIGH = 0x1B, 0x1C
NOT_AVAILABLE = 0x7FFF
NO_SENSOR = -15100
COLDEST, HOTTEST = -15111, 50000
"""Of all temperatures. Those above 327.67 Cel have the sign's bit set, and are told apart by this range."""


class Huber(Polled):
    """One thermostat on a line or behind its own socket, port 8101. Options: ``slowest_reply`` in seconds."""

    first = "error"
    points: ClassVar[Mapping[str, Entry]] = {
        **{name: Entry() for name in VARIABLES},
        "setpoint": Entry("rw", "", COLDEST / 100, (NOT_AVAILABLE - 1) / 100),
        **{name: Entry("rw", "", 0, 1) for name in SWITCHES},
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        settings = parse_port(spec.url, 9600)
        self._text = TextLine(settings, spec.timeout_s / 2, quiet_s, end=b"\r\n", reply_end=b"\n")
        self._error: float | None = None
        super().__init__(self._text)

    async def identify(self) -> Identity:
        """Its serial number, which no point asks for. A model without one says 7FFF twice."""
        low, high = await self._ask(SERIAL_LOW), await self._ask(SERIAL_HIGH)
        unknown = low == high == NOT_AVAILABLE
        return Identity("Huber", "thermostat", "" if unknown else str(high << 16 | low))

    async def answer(self, question: str) -> Answers:
        """One variable, as the error lets it be seen."""
        if question == self.first:
            self._error = None
        variable = VARIABLES[question]
        raw = await self._ask(variable.number)
        if raw == NOT_AVAILABLE:
            if question == self.first:
                self._error = 0.0  # such a model tells none
            raise Refused(f"it has no variable {variable.number:02X}")
        value = self._number(variable, raw)
        if question == self.first:
            self._error = value
        return {question: self._judged(question, value)}

    async def put(self, address: str, value: float) -> None:
        """Set, and look at the value that it then has: the answer, or what it says when asked again."""
        if address in SWITCHES and not value.is_integer():
            raise Refused(f"{address} must be 0 or 1, not {value:g}")
        variable = VARIABLES[address]
        wanted = round(100 * value if variable.is_temperature else value) & 0xFFFF
        if await self._ask(variable.number, f"{wanted:04X}") == wanted:
            return
        kept = await self._ask(variable.number)
        if kept == NOT_AVAILABLE:
            raise Refused(f"it has no variable {variable.number:02X}")
        if kept != wanted:
            raise Refused(f"{address} stays at {self._number(variable, kept):g}")

    async def _ask(self, number: int, data: str = "****") -> int:
        reply = await self._text.ask_line(f"{{M{number:02X}{data}")
        found = re.fullmatch(rf"\{{S{number:02X}([0-9A-F]{{4}})", reply, re.IGNORECASE)
        if found is None:
            raise self.line.doubt(f"not an answer about variable {number:02X}: {reply!r}")
        return int(found[1], 16)

    def _number(self, variable: Variable, raw: int) -> float:
        """What 16 bits mean. NaN for a sensor that is not there."""
        if variable.is_temperature and raw <= HOTTEST:
            return raw / 100
        signed = raw - 0x10000 if raw & 0x8000 else raw
        if not variable.is_temperature:
            return float(signed)
        if signed < COLDEST:
            raise self.line.doubt(f"not a temperature: {raw:04X}")
        return math.nan if signed == NO_SENSOR else signed / 100

    def _judged(self, address: str, value: float) -> Value:
        if math.isnan(value):
            return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, "it has no such sensor")
        if address not in MEASURED or self._error == 0:
            return value
        why = "its error is not known" if self._error is None else f"error {self._error:g}"
        return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, why)
