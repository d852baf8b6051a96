"""Lauda thermostats, ASCII commands (manuals LOOP pp. 30-33, PRO p. 46, Microcool MC 250 p. 43, ECO Gold p. 125).

Points: ``bath`` (at the outlet), ``controlled``, ``external`` and ``external_analog`` temperature, ``safe_setpoint``
(Cel), ``pump_pressure`` (bar), ``level``, ``safe_after`` (s without a command until the safe setpoint, 0 for never),
``status`` (0, or -1 for an error); and, to be written, ``setpoint``, ``high_limit``, ``low_limit`` (Cel),
``pump_step``, ``keys_locked`` and ``running`` (1 starts, 0 goes to standby).

Odd: every command is answered, an OK only says that it was understood, and a setpoint can take some seconds to arrive;
until it is read back, a write is unknown. Coolers take few new setpoints an hour, so that one that is there already is
not sent again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, DriverError, Identity, Quality, Reason, Refused, Sample
from drivers.device_line import TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled, Value
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = ("its simulator, which the `LaudaDriver` package drives", "exchanges printed in manuals")

QUESTIONS = {
    "bath": "IN_PV_00", "controlled": "IN_PV_01", "pump_pressure": "IN_PV_02", "external": "IN_PV_03",
    "external_analog": "IN_PV_04", "level": "IN_PV_05", "safe_setpoint": "IN_SP_07", "safe_after": "IN_SP_08",
    "setpoint": "IN_SP_00", "pump_step": "IN_SP_01", "high_limit": "IN_SP_04", "low_limit": "IN_SP_05",
    "keys_locked": "IN_MODE_00", "running": "IN_MODE_02", "status": "STATUS",
}  # fmt: skip
ADDRESSES = {question: address for address, question in QUESTIONS.items()}
WHOLE = {"pump_step", "keys_locked", "running"}
MEASURED = ("bath", "controlled", "pump_pressure", "external", "external_analog")
"""What is doubtful while there is an error, as it is that it runs."""
TROUBLE = ("error", "alarm", "warning", "overtemperature", "low level", "", "external control value is missing")
"""What the marks of STAT say, the first to the seventh."""
ERRORS = {
    "ERR_2": "wrong input", "ERR_3": "unknown command", "ERR_5": "wrong syntax of the value",
    "ERR_6": "value not allowed", "ERR_32": "upper limit not above the lower",
    "ERR_38": "too many setpoints in an hour",
}  # fmt: skip
NUMBER = r"[+-]?(?:\d{1,4}(?:\.\d*)?|\.\d+)"
RANGE = (-300.0, 600.0)


class Lauda(Polled):
    """One thermostat on a line or behind its own socket.

    Options: ``number`` (of an RS-485 device, 0 to 127; -1: it has none) and ``slowest_reply`` in seconds.
    """

    first = "STATUS"
    address_option: ClassVar[str] = "number"
    points: ClassVar[Mapping[str, Entry]] = {
        **{name: Entry("r", question) for name, question in QUESTIONS.items()},
        **{name: Entry("rw", QUESTIONS[name], *RANGE) for name in ("setpoint", "high_limit", "low_limit")},
        "pump_step": Entry("rw", QUESTIONS["pump_step"], 0, 99),
        **{name: Entry("rw", QUESTIONS[name], 0, 1) for name in ("keys_locked", "running")},
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        number = options.integer("number", -1, -1, 127)
        self._prefix = f"A{number:03d}_" if number >= 0 else ""
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        # Replies end with CR LF, on RS-485 with CR alone.
        self._text = TextLine(parse_port(spec.url, 9600), spec.timeout_s / 2, quiet_s)
        self._trouble: str | None = None
        super().__init__(self._text)

    async def identify(self) -> Identity:
        """Its type, the only answer that is a word and neither OK nor an error."""
        model = await self._ask("TYPE")
        if not re.fullmatch(r"(?!OK$)[A-Za-z].*", model):
            raise self.line.doubt(f"not a type: {model!r}")
        try:
            firmware = await self._ask("VERSION_R")
        except Refused:
            firmware = ""
        return Identity("Lauda", model, "", firmware)

    async def answer(self, question: str) -> Answers:
        """The status, or one value as the status lets it be seen."""
        if question == self.first:
            self._trouble = None
            status = await self._ask_number(question)
            self._trouble = await self._ask_trouble() if status else ""
            return {"status": status}
        address = ADDRESSES[question]
        return {address: self._judged(address, await self._value(address))}

    async def put(self, address: str, value: float) -> None:
        """Set what is not set already, and see that it is."""
        if address in WHOLE and not value.is_integer():
            raise Refused(f"{address} must be a whole number, not {value:g}")
        value = round(value, 2)
        if address == "setpoint" and await self._value(address) == value:
            return
        reply = await self._ask(self._command(address, value))
        if reply != "OK":
            raise self.line.doubt(f"neither OK nor an error: {reply!r}")
        if (taken := await self._value(address)) != value:
            raise DriverError(f"it said OK, and {address} is still {taken:g}")

    @staticmethod
    def _command(address: str, value: float) -> str:
        if address == "running":
            return "START" if value else "STOP"
        return f"{QUESTIONS[address].replace('IN', 'OUT', 1)}_{value:.{0 if address in WHOLE else 2}f}"

    async def _value(self, address: str) -> float:
        number = await self._ask_number(QUESTIONS[address])
        if address != "running":
            return number
        if number not in {0.0, 1.0}:
            raise self.line.doubt(f"neither on nor in standby: {number:g}")
        return 1.0 - number  # it says 1 for standby

    async def _ask_trouble(self) -> str:
        """The words for the marks that are set."""
        try:
            marks = await self._ask("STAT")
        except Refused:
            return TROUBLE[0]
        if not re.fullmatch(rf"[01]{{{len(TROUBLE)}}}", marks):
            raise self.line.doubt(f"not seven marks: {marks!r}")
        return ", ".join(word for word, mark in zip(TROUBLE, marks, strict=True) if mark == "1" and word) or TROUBLE[0]

    async def _ask_number(self, question: str) -> float:
        reply = await self._ask(question)
        if not re.fullmatch(NUMBER, reply):
            raise self.line.doubt(f"not a number: {reply!r}")
        return float(reply)

    async def _ask(self, command: str) -> str:
        """What it answers. Raises :class:`Refused` for an error."""
        reply = await self._text.ask_line(self._prefix + command)
        if not reply.startswith(self._prefix):
            raise self.line.doubt(f"not an answer of {self._prefix[:-1]}: {reply!r}")
        reply = reply[len(self._prefix) :]
        if re.fullmatch(r"ERR_\d+", reply):
            raise Refused(f"{reply}: {ERRORS[reply]}" if reply in ERRORS else reply)
        return reply

    def _judged(self, address: str, value: float) -> Value:
        doubtful = address in MEASURED or (address == "running" and value)
        if not doubtful or self._trouble == "":
            return value
        why = "its status is not known" if self._trouble is None else self._trouble
        return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, why)
