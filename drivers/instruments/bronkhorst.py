"""Bronkhorst mass-flow controllers and meters, ProPar on RS-232, USB or RS-485 (manual 9.17.027; parameter list of the
``bronkhorst-propar`` package).

Points in the instrument's capacity unit: ``flow`` (r), ``setpoint`` (rw); in per cent of its capacity: ``measure`` (r),
``setpoint_percent`` (rw); ``temperature`` (r, Cel), ``counter`` (r, in its counter unit), ``capacity`` (r), ``valve``
(r, raw), ``alarm`` (r, bits) and ``control_mode`` (rw). Odd is that a setpoint is taken in every control mode, but
followed in some only, and that one out of range may be cut without a word: one beyond the capacity is not sent. The
control mode is kept without power: it is written only when it is another.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

from drivers.contract import ConnectionSpec, DriverError, Identity, Refused
from drivers.instruments.bronkhorst_words import (
    ALARM,
    CAPACITY,
    FIRMWARE,
    FLOW,
    FOLLOWS,
    FULL,
    MEASURE,
    MODE,
    MODEL,
    SERIAL,
    SETPOINT,
    SETPOINT_WORD,
    SINGLE,
    UNIT,
    finite,
    judged_flow,
    judged_setpoint,
    percent,
    unfollowed,
    wrong_unit,
)
from drivers.options import Options
from drivers.polled import Answers, Entry, Polled
from drivers.ports import parse_port
from drivers.propar import LAST_TAG, STATUS, AsciiLine, BinaryLine, Data, Parameter, Wire, question, values, write

VERIFIED_ON: tuple[str, ...] = (
    "frames printed in the manual",
    "its simulator, with which the vendor's own `bronkhorst-propar` package speaks as well",
)

ANY_NODE = 128
"""Whichever instrument is attached; it answers under its own number."""

REFUSALS = {
    1: "the process is claimed", 2: "unknown command", 3: "unknown process", 4: "unknown parameter", 5: "wrong type",
    6: "wrong value", 7: "its network is not active", 13: "read only", 17: "write only", 25: "time-out inside",
    29: "too long for it",
}  # fmt: skip


class Bronkhorst(Polled):
    """One instrument, or one channel of it, on a line that several can share.

    Options: ``node`` (its address; 128 is any that is attached), ``channel`` (1), ``framing`` (``ascii`` or
    ``binary``), ``unit`` (its capacity unit; when given, every flow in another one is Bad) and ``slowest_reply`` in
    seconds.
    """

    address_option: ClassVar[str] = "node"
    points: ClassVar[Mapping[str, Entry]] = {
        "flow": Entry("r", "flow"),
        "setpoint": Entry("rw", "flow", 0.0, 1e9),
        "control_mode": Entry("rw", "flow", 0.0, 255.0),
        "alarm": Entry("r", "flow"),
        "measure": Entry("r", "percent"),
        "setpoint_percent": Entry("rw", "percent", 0.0, 100.0),
        **dict.fromkeys(SINGLE, Entry()),
    }

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._node = options.integer("node", ANY_NODE, 1, ANY_NODE)
        self._channel = options.integer("channel", 1, 1, 16)
        framing = options.choice("framing", "ascii", ("ascii", "binary"))
        self._unit = options.text("unit")
        quiet_s = options.number("slowest_reply", 0.5, 0.05, 30.0)
        options.end()
        self._answers_as: int | None = None
        self._tag = 0
        kind: type[AsciiLine | BinaryLine] = AsciiLine if framing == "ascii" else BinaryLine
        self._wire: Wire = kind(parse_port(spec.url, 38400), spec.timeout_s / 2, quiet_s)
        super().__init__(self._wire.line)

    async def open(self) -> Identity:
        """Open the line and ask who is there. Raises :class:`DriverError`."""
        self._answers_as = None
        return await super().open()

    async def identify(self) -> Identity:
        """The serial number; what an older instrument does not know of itself is left out."""
        (serial,) = await self._fetch(SERIAL)
        told = []
        for parameter in (MODEL, FIRMWARE):
            try:
                told += await self._fetch(parameter)
            except Refused:
                told.append("")
        return Identity("Bronkhorst", str(told[0]) or "mass-flow instrument", str(serial), str(told[1]))

    async def answer(self, question: str) -> Answers:
        """Some parameters, in one request; flow and setpoint with what is to be thought of them."""
        if question in SINGLE:
            (value,) = await self._fetch(SINGLE[question])
            return {question: finite(float(value))}
        names = ("flow", "setpoint") if question == "flow" else ("measure", "setpoint_percent")
        parameters = (FLOW, SETPOINT) if question == "flow" else (MEASURE, SETPOINT_WORD)
        unit = (UNIT,) if self._unit and question == "flow" else ()
        found = await self._fetch(*parameters, MODE, ALARM, *unit)
        flow, setpoint, mode, alarm = map(float, found[:4])
        if question == "percent":
            flow, setpoint = percent(flow), setpoint * 100.0 / FULL
        wrong = wrong_unit(str(found[4]), self._unit) if unit else ""
        judged = (judged_flow(flow, int(alarm), wrong), judged_setpoint(setpoint, int(mode), wrong))
        return {**dict(zip(names, judged, strict=True)), "control_mode": mode, "alarm": alarm}

    async def put(self, address: str, value: float) -> None:
        """Write with acknowledgement, and read back what became of it."""
        if address == "control_mode":
            return await self._set_mode(value)
        if address == "setpoint":
            allowed = await self._allowed(value) / FULL
            await self._store(SETPOINT, value)
            kept, mode = map(float, await self._kept(SETPOINT, MODE))
        else:
            await self._store(SETPOINT_WORD, round(value * FULL / 100.0))
            taken, mode = map(float, await self._kept(SETPOINT_WORD, MODE))
            kept, allowed = taken * 100.0 / FULL, 100.0 / FULL
        if not abs(kept - value) <= allowed:
            raise Refused(f"it keeps its setpoint at {kept:g}")
        if mode not in FOLLOWS:
            raise Refused(unfollowed(int(mode)))
        return None

    async def _allowed(self, setpoint: float) -> float:
        """The capacity. Raises :class:`Refused` for a setpoint beyond it, or in another unit; nothing is sent then."""
        try:
            found = await self._fetch(CAPACITY, *((UNIT,) if self._unit else ()))
        except DriverError as error:
            raise Refused(f"not sent: {error}") from error
        if len(found) > 1 and (wrong := wrong_unit(str(found[1]), self._unit)):
            raise Refused(f"not sent: it counts {wrong}")
        capacity = float(found[0])
        if not setpoint <= capacity * (1.0 + 1.0 / FULL):
            raise Refused(f"not sent: setpoint must be 0 to {capacity:g}, not {setpoint:g}")
        return capacity

    async def _set_mode(self, value: float) -> None:
        (mode,) = await self._fetch(MODE)
        if mode == value:
            return
        if value != int(value):
            raise Refused("a control mode is a whole number")
        await self._store(MODE, int(value))
        (mode,) = await self._kept(MODE)
        if mode != value:
            raise Refused(f"it keeps its control mode {mode}")

    async def _kept(self, *parameters: Parameter) -> list[Data]:
        """As :meth:`_fetch`, of what was stored: a refusal to tell does not undo it. Raises :class:`DriverError`."""
        try:
            return await self._fetch(*parameters)
        except Refused as error:
            raise DriverError(f"it took it, but does not tell what it keeps: {error}") from error

    async def _fetch(self, *parameters: Parameter) -> list[Data]:
        """Their values, asked for in one request. Raises :class:`Refused`, :class:`Malformed`."""
        self._tag = tag = self._tag % LAST_TAG + 1
        reply = await self._exchange(question(parameters, tag, self._channel))
        try:
            return values(reply, parameters, tag)
        except (ValueError, IndexError, struct.error) as error:
            raise self.line.doubt(f"not an answer to the question: {reply.hex(' ')}") from error

    async def _store(self, parameter: Parameter, value: float) -> None:
        """Write one parameter. Raises :class:`Refused`, :class:`Malformed`."""
        reply = await self._exchange(write(parameter, value, self._channel))
        if reply[0] != STATUS or len(reply) != 3:
            raise self.line.doubt(f"not a status: {reply.hex(' ')}")

    async def _exchange(self, request: bytes) -> bytes:
        """The data of the answer, if it is no refusal. Raises :class:`Refused`, :class:`Malformed`."""
        node, reply = await self._wire.exchange(self._node, request)
        if self._answers_as is None:
            self._answers_as = node if self._node == ANY_NODE else self._node
        if node != self._answers_as or not reply:
            raise self.line.doubt(f"node {node} answers for node {self._answers_as}")
        if len(reply) == 1:
            raise Refused(f"it does not accept the message, error {reply[0]}")
        if reply[0] == STATUS and reply[1]:
            raise Refused(REFUSALS.get(reply[1], f"status {reply[1]}"))
        return reply
