"""Mettler Toledo balances and weigh modules, MT-SICS levels 0 and 1 (reference manuals 11780711 and 11781363).

Points: ``weight`` (r, g; net, whatever unit the balance is set to), ``stable`` (r, 1 when the weight has settled),
``tare`` (rw, g), ``zero`` and ``tare_now`` (w; 1 takes the weight of now as the zero or the tare, once it has settled).
Odd is that ``SI`` is answered under the name of ``S``, that the print key sends a weight that nobody asked for, that a
balance told to repeat (``SIR``) goes on until it is asked once, and that switching on or ``@`` forgets the tare: the
latter is never sent. ``Z``, ``T`` and ``S`` wait for a settled weight for up to a minute and are not used either.

A balance that was switched on again may have taken what stands on it as zero. It says its serial number then, unasked,
and its tare is gone: after either its weight is Uncertain until it is tared or zeroed.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import re
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from drivers.contract import ConnectionSpec, Identity, Quality, Reason, Refused, Sample
from drivers.device_line import LONGEST_REPLY, XON_XOFF, TextLine
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled
from drivers.ports import parse_port

VERIFIED_ON: tuple[str, ...] = (
    "replies printed in the manuals",
    "the `mt-sics-emulator` package",
    "its simulator",
)

END = b"\r\n"
GRAMS = {"g": 1.0, "kg": 1e3, "mg": 1e-3, "ug": 1e-6, "t": 1e6, "lb": 453.59237, "oz": 28.349523125, "ozt": 31.1034768}
WIDTH = 10
"""Characters of a weight at least, blanks in front included: fewer, and one was lost."""
REFUSALS = {
    "ES": "it does not know this command",
    "ET": "it did not understand the transmission",
    "EL": "it cannot carry out this command",
    "I": "busy, or not settled",
    "L": "wrong parameter",
    "+": "overload",
    "-": "underload",
}
UNDER_ITS_NAME = {"SI": ("S", "SI")}
"""Names under which a command is answered, if not its own."""
WEIGHT = re.compile(r"(?P<name>[A-Z]+) (?P<status>[SDA]) (?P<value> *-?\d+(?:\.(?P<decimals>\d+))?) (?P<unit>\S+)")
SWITCHED_ON = "I4 A "
LATE_S = 0.5
NEW_ZERO = "it was switched on, or lost its tare: what stood on it may be its zero. Tare or zero it"
FAULT = re.compile(r"S S Error (?P<number>\d+[bt])")


class Weight(NamedTuple):
    """A weight, the value of its last digit, both in g, and whether it has settled."""

    grams: float
    digit: float
    status: str


class Unweighed(Exception):
    """The balance answered, but with no weight; the text says why."""


class MettlerToledo(Polled):
    """One balance on a line.

    Options: ``capacity`` in g (largest tare that can be written), ``dynamic`` (whether a weight that has not settled is
    ``good`` or ``uncertain``) and ``slowest_reply`` in seconds.
    """

    points: ClassVar[Mapping[str, Entry]] = {
        "weight": Entry("r", "SI"),
        "stable": Entry("r", "SI"),
        "tare": Entry("rw", "TA"),
        "zero": Entry("w", "", 1.0, 1.0),
        "tare_now": Entry("w", "", 1.0, 1.0),
    }
    hush: ClassVar[bytes] = b"SI\r\n"

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._capacity = options.number("capacity", 1e6, 0.0, 1e9)
        self._dynamic = options.choice("dynamic", "good", ("good", "uncertain"))
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        port, reply_s = parse_port(spec.url, 9600), spec.timeout_s / 2
        self._text = TextLine(port, reply_s, quiet_s, end=END, reply_end=END, ignored=XON_XOFF, unasked=self._between)
        self._identity = Identity("Mettler Toledo", "")
        self._late_s, self._late_until, self._unasked = max(2 * quiet_s, LATE_S), 0.0, b""
        self._tare, self._new_zero = 0.0, False
        super().__init__(self._text)

    def entry(self, address: str) -> Entry | None:
        """The tare is limited by the capacity."""
        return Entry("rw", "TA", 0.0, self._capacity) if address == "tare" else self.points.get(address)

    async def identify(self) -> Identity:
        """The serial number; the rest is asked of a balance that has not been asked before. A tare that is gone tells
        of one that was switched on meanwhile.
        """
        serial = _quoted(await self._ask_serial())
        if serial is None:
            raise self.line.doubt("no serial number")
        if serial != self._identity.serial or not self._identity.model:
            model = await self._told("I2") or "balance"
            self._identity = Identity("Mettler Toledo", model.split()[0], serial, await self._told("I3"))
            self._tare, self._new_zero = 0.0, False
        with contextlib.suppress(Refused, Unweighed):
            self._learn(self._parse("TA", await self._ask("TA")).grams)
        return self._identity

    async def answer(self, question: str) -> Answers:
        """A weight of now, or the tare."""
        if question not in {"SI", "TA"}:
            raise Refused(f"{question} cannot be read")
        points = ("weight", "stable") if question == "SI" else ("tare",)
        try:
            weight = self._parse(question, await self._ask(question))
        except Unweighed as error:
            return {point: Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, str(error)) for point in points}
        if question == "TA":
            self._learn(weight.grams)
            return {"tare": weight.grams}
        return {"weight": self._judged(weight), "stable": float(weight.status == "S")}

    async def put(self, address: str, value: float) -> None:
        """The tare, confirmed by the one it answers; or zero or tare a weight that has settled."""
        if address == "tare":
            await self._set_tare(value)
        elif self._taken("SI", await self._ask("SI")).status != "S":
            raise Refused("not settled")
        elif address == "tare_now":
            self._tare = self._taken("TI", await self._ask("TI")).grams
        else:
            await self._set_zero()
            self._tare = 0.0
        self._new_zero = False

    async def _set_tare(self, value: float) -> None:
        taken = self._taken("TA", await self._ask(f"TA {value:.4f}".rstrip("0").rstrip(".") + " g"))
        self._tare = taken.grams
        if abs(taken.grams - value) > taken.digit:
            raise Refused(f"it keeps its tare at {taken.grams:g} g")

    async def _set_zero(self) -> None:
        reply = await self._ask("ZI")
        if refusal := _refusal(reply):
            raise Refused(refusal)
        if reply not in {"ZI A", "ZI S", "ZI D"}:
            raise self.line.doubt(f"not an answer to ZI: {reply!r}")

    async def _ask_serial(self) -> str:
        """Its serial number. One that comes too late must not be taken for that of a balance that is switched on."""
        answered = False
        try:
            reply = await self._ask("I4")
            answered = True
        finally:
            if not answered:
                self._late_until = asyncio.get_running_loop().time() + self._late_s
        return reply

    def _learn(self, tare: float) -> None:
        """What the tare is: gone, it was switched on meanwhile; new, somebody tared what stands on it now."""
        if tare != self._tare:
            self._new_zero = not tare
        self._tare = tare

    def _between(self, data: bytes) -> None:
        """A serial number that nobody asked for is of a balance that is switched on, unless it may be a late answer."""
        *lines, self._unasked = (self._unasked + data.translate(None, XON_XOFF))[-LONGEST_REPLY:].split(END)
        for line in lines:
            self._hear(line.decode("ascii", "replace"))

    def _hear(self, line: str) -> None:
        if line.startswith(SWITCHED_ON) and self._identity.model:
            self._new_zero |= asyncio.get_running_loop().time() > self._late_until

    async def _ask(self, command: str) -> str:
        """Send a command; the first line that can answer it. Others were not asked for. Raises :class:`Refused`."""
        name = command.split(maxsplit=1)[0]
        names = UNDER_ITS_NAME.get(name, (name,))

        def answers(line: str) -> bool:
            """Whether a line answers the command; others may tell something as well."""
            if name != "I4":
                self._hear(line)
            return line in REFUSALS or line.split(maxsplit=1)[0] in names

        lines = await self._text.ask_lines(command, answers)
        reply = next(filter(answers, lines))
        if reply in REFUSALS:
            raise Refused(f"{command}: {REFUSALS[reply]}")
        return reply

    async def _told(self, command: str) -> str:
        """A text about the balance, or none if it does not tell."""
        try:
            return _quoted(await self._ask(command)) or ""
        except Refused:
            return ""

    def _parse(self, command: str, reply: str) -> Weight:
        """The weight of an answer. Raises :class:`Unweighed`, :class:`Malformed`."""
        if fault := FAULT.fullmatch(reply):
            raise Unweighed(f"fault {fault['number']} of its weight cell")
        if refusal := _refusal(reply):
            raise Unweighed(refusal)
        found = WEIGHT.fullmatch(reply)
        if found is None or len(found["value"]) < WIDTH or (found["status"] == "A") != (command == "TA"):
            raise self.line.doubt(f"not a weight: {reply!r}")
        factor = GRAMS.get(found["unit"])
        if factor is None:
            raise Unweighed(f"{found['unit']} is no unit of mass known here")
        digit = factor * 10.0 ** -len(found["decimals"] or "")
        return Weight(float(found["value"]) * factor, digit, found["status"])

    def _taken(self, command: str, reply: str) -> Weight:
        """The weight by which a balance confirms a command. Raises :class:`Refused`, :class:`Malformed`."""
        try:
            return self._parse(command, reply)
        except Unweighed as error:
            raise Refused(str(error)) from error

    def _judged(self, weight: Weight) -> Sample:
        """A weight with what is to be thought of it."""
        if self._new_zero:
            return Sample(weight.grams, Quality.UNCERTAIN, Reason.DEVICE, 0, None, NEW_ZERO)
        if weight.status == "S":
            return Sample(weight.grams, Quality.GOOD, Reason.OK, 0)
        if self._dynamic == "good":
            return Sample(weight.grams, Quality.GOOD, Reason.OK, 0, None, "dynamic")
        return Sample(weight.grams, Quality.UNCERTAIN, Reason.DEVICE, 0, None, "dynamic")


def _quoted(reply: str) -> str | None:
    """The text in an answer."""
    found = re.fullmatch(r'I\d+ A "([^"]*)"', reply)
    return found[1].strip() if found else None


def _refusal(reply: str) -> str:
    """Why an answer that is a refusal is one; empty if it is none."""
    words = reply.split()
    return REFUSALS.get(words[1], "") if len(words) == 2 else ""
