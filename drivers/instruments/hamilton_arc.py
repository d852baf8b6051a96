"""Hamilton Arc sensors (pH, DO, conductivity, cell density) on Modbus RTU (Programmer's Manual 624300/01).

Point addresses: ``<device address>.PMC1.<unit>`` (the measurement, in that unit and no other: ``1.PMC1.pH``,
``2.PMC1.%-sat``, ``3.PMC1.mS/cm``), ``<device address>.PMC1`` (in pH or %-sat, whichever the sensor measures),
``<device address>.PMC6`` (temperature, Cel) and ``<device address>.quality`` (0-100 %). Units without a name in the
manual are ``bit28`` … ``bit31``, as of a cell density. Read only. Several sensors share one line; one that fails does
not take the others with it.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar, NamedTuple

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
    WriteOutcome,
    WriteState,
)
from drivers.instruments.arc_trouble import ERRORS, WARNINGS, spelled
from drivers.modbus_rtu import RtuLine
from drivers.options import Options
from drivers.patience import patience
from drivers.planning import Span, coalesce
from drivers.ports import LINES, parse_port

VERIFIED_ON: tuple[str, ...] = (
    "the register map of the vendor's manual, in frames computed from it",
    "a register map of its own on a pseudo-terminal",
    "its simulator, which minimalmodbus and mbpoll read alike",
)

UNITS = (
    "none", "K", "Cel", "degF", "%-vol", "%-sat", "ug/L", "mg/L", "g/L", "uS/cm", "mS/cm", "1/cm", "pH", "mV/pH",
    "kOhm", "MOhm", "pA", "nA", "uA", "mA", "uV", "mV", "V", "mbar", "Pa", "Ohm", "%/Cel", "degree", "bit28", "bit29",
    "bit30", "bit31",
)  # fmt: skip
"""Names of the bits of a unit, from bit 0 (manual p. 19)."""

EXPECTED_UNITS = {"PMC1": ("pH", "%-sat"), "PMC6": ("Cel",)}
"""A sensor set to another unit would be believed by a factor of ten; its value is Bad instead."""

STATUS_BITS = (
    (0x01, Quality.BAD, "temperature outside the measuring range"),
    (0x02, Quality.UNCERTAIN, "temperature outside the operating range"),
    (0x04, Quality.UNCERTAIN, "calibration status not zero"),
    (0x08, Quality.UNCERTAIN, "warning present"),
    (0x10, Quality.BAD, "error present"),
)


class Field(NamedTuple):
    """A whole block of registers (wire address = manual's number - 1), all of which must be read together."""

    start: int
    length: int


FIELDS = {"PMC1": Field(2089, 10), "PMC6": Field(2409, 10), "quality": Field(4871, 2)}
FIRMWARE = Field(1031, 8)
"""Also the probe of a sensor in doubt: no measurement has this length."""

OF_PH = "EPHUM"
MODELS = {"EPHUM": "pH Arc", "ODOUM": "VisiFerm DO Arc", "CONUM": "Conducell Arc", "ODECU": "Dencytee Arc"}


STATUS_AT = 4
"""Where the status is in the block of a measurement; that of the quality is shorter."""


class Word(NamedTuple):
    """Where a point is read: which span, what of the block, and the units in which it may be."""

    span: Span
    name: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArcPlan:
    """Whole blocks, by sensor."""

    points: tuple[Point, ...]
    words: tuple[Word, ...]
    spans: tuple[tuple[int, tuple[Span, ...]], ...]


class HamiltonArc:
    """The sensors on one RTU line.

    Options: ``addresses`` (those asked for their identity, default 1 and 2) and ``slowest_reply`` (seconds after which
    no reply of an earlier request can come any more).
    """

    schemes: ClassVar[tuple[str, ...]] = LINES
    address_option: ClassVar[str] = "addresses"

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        self._addresses = options.integers("addresses", (1, 2), 1, 32)
        quiet_s = options.number("slowest_reply", 1.0, 0.05, 30.0)
        options.end()
        self._line = RtuLine(parse_port(spec.url, 19200, 2), spec.timeout_s / 2, quiet_s)
        self._patience_s = spec.timeout_s
        self._of_ph: set[int] = set()
        self._said: dict[int, str] = {}

    @property
    def url(self) -> str:
        """Where the line is, with its settings."""
        return self._line.url

    def plan(self, points: Sequence[Point]) -> ArcPlan:
        """Whole blocks, each once. Raises :class:`BadAddress`."""
        words = tuple(_word(point) for point in points)
        spans = coalesce(word.span for word in words)
        by_unit = tuple((unit, tuple(group)) for unit, group in groupby(spans, key=lambda span: span.unit))
        return ArcPlan(tuple(points), words, by_unit)

    async def open(self) -> Identity:
        """Open the line and ask every address who is there; one that answers is enough. Raises DriverError."""
        await self._line.open()
        found: dict[int, str] = {}
        failure: DriverError = Timeout("no sensor answers")
        for unit in self._addresses:
            try:
                found[unit] = _text(await self._line.read(unit, *FIRMWARE))
            except (Timeout, Malformed, Refused) as error:
                failure = error
        if not found:
            raise failure
        self._of_ph = {unit for unit, firmware in found.items() if firmware.startswith(OF_PH)}
        models = (MODELS.get(firmware[:5], "Arc") for firmware in found.values())
        return Identity("Hamilton", " + ".join(models), firmware=" + ".join(found.values()))

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """Sensor by sensor; the points of one that fails are Bad. Those that failed before come last, and no more of
        them once one failed, so that they do not take the time of the others. Raises when all of them fail.
        """
        if not isinstance(plan, ArcPlan):
            raise TypeError("a plan of another driver")
        if plan.spans and all(self._line.in_doubt(unit) for unit, _ in plan.spans):
            await self._line.silence()
        blocks: dict[Span, list[int] | DriverError] = {}
        failures: list[DriverError] = []
        answered = False
        async with patience(self._patience_s) as hurry:
            for unit, spans in sorted(plan.spans, key=lambda one: self._line.doubted_at(one[0])):
                if failures and self._line.in_doubt(unit):
                    continue
                if failure := await self._read_unit(unit, spans, blocks):
                    failures.append(failure)
                    hurry()
                else:
                    answered = True
        if failures and not answered:
            raise failures[0]
        unasked = Timeout("not asked any more, for others did not answer in time")
        return [
            _sample(word, blocks.get(word.span, unasked), self._said.get(word.span.unit, "")) for word in plan.words
        ]

    async def write(self, writes: Sequence[tuple[Point, float]]) -> Sequence[WriteOutcome]:
        """Refused: settings of these sensors wear out their memory and are not made here."""
        return [WriteOutcome(point, value, WriteState.REFUSED, "read only") for point, value in writes]

    async def close(self) -> None:
        """Give the port back."""
        self._line.close()

    async def _read_unit(
        self, unit: int, spans: Sequence[Span], blocks: dict[Span, list[int] | DriverError]
    ) -> DriverError | None:
        """Read one sensor's blocks into ``blocks``; what made it fail as a whole, if anything. Raises LinkLost."""
        try:
            await self._probe(unit)
            for span in spans:
                try:
                    blocks[span] = await self._line.read(unit, span.start, span.length)
                except Refused as error:
                    blocks[span] = error
            self._said[unit] = await self._trouble(unit, [blocks[span] for span in spans])
        except (Timeout, Malformed) as error:
            for span in spans:
                blocks[span] = error
            return error
        return None

    async def _trouble(self, unit: int, blocks: Sequence[list[int] | DriverError]) -> str:
        """What a sensor warns of and has an error of, if a status tells that it does. Raises as :meth:`_probe`."""
        statuses = [_bits(block, STATUS_AT) for block in blocks if isinstance(block, list) and len(block) > STATUS_AT]
        told: list[str] = []
        for trouble in (WARNINGS, ERRORS):
            if any(status & trouble.status_bit for status in statuses):
                with contextlib.suppress(Refused):
                    block = await self._line.read(unit, trouble.start, trouble.length)
                    told += spelled(block, trouble.of_ph if unit in self._of_ph else {})
        return ", ".join(told)

    async def _probe(self, unit: int) -> None:
        """Clear a sensor's doubt, once its line was silent. Raises :class:`Timeout`, :class:`Malformed`."""
        if not self._line.in_doubt(unit):
            return
        if not self._line.settled(unit):
            raise Timeout(f"sensor {unit} does not answer")
        await self._line.read(unit, *FIRMWARE)
        self._line.trust(unit)


def _word(point: Point) -> Word:
    address, name, unit = (*point.address.split(".", 2), "", "")[:3]
    units = (unit,) if unit else EXPECTED_UNITS.get(name, ())
    wrong = name not in FIELDS or not address.isdecimal() or not 1 <= int(address) <= 32
    if wrong or (unit and (name == "quality" or unit not in UNITS)):
        raise BadAddress(f"{point.key}: {point.address!r} is not <1-32>.{{{'|'.join(FIELDS)}}}[.<unit>]")
    return Word(Span(int(address), *FIELDS[name], exact=True), name, units)


def _sample(word: Word, block: list[int] | DriverError, said: str) -> Sample:
    """A block's value, judged by its own unit and status; ``said`` is what the sensor says of its trouble."""
    if isinstance(block, DriverError):
        reason = Reason.DEVICE if isinstance(block, Refused) else Reason.LINK
        return Sample(math.nan, Quality.BAD, reason, 0, None, str(block))
    value = _real(block, 0 if word.name == "quality" else 2)
    if not math.isfinite(value):
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "not a number")
    if word.name == "quality":
        return Sample(value, Quality.GOOD, Reason.OK, 0)
    unit, status = _unit(_bits(block, 0)), _bits(block, STATUS_AT)
    if unit not in word.units:
        wanted = " or ".join(word.units)
        return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, f"measures in {unit}, expected {wanted}")
    found = [(quality, text) for bit, quality, text in STATUS_BITS if status & bit]
    if not found:
        return Sample(value, Quality.GOOD, Reason.OK, 0)
    more = f": {said}" if said and status & (WARNINGS.status_bit | ERRORS.status_bit) else ""
    why = ", ".join(text for _, text in found) + more
    return Sample(value, max(quality for quality, _ in found), Reason.DEVICE, 0, None, why)


def _bits(block: Sequence[int], at: int) -> int:
    """32 bits, low word first."""
    return block[at] | block[at + 1] << 16


def _real(block: Sequence[int], at: int) -> float:
    """An IEEE-754 single, low word first."""
    return float(struct.unpack(">f", struct.pack(">HH", block[at + 1], block[at]))[0])


def _unit(mask: int) -> str:
    """The name of a unit, of which one bit is set."""
    bit = mask.bit_length() - 1
    return UNITS[bit] if 0 <= bit < len(UNITS) and mask == 1 << bit else f"unit {mask:#x}"


def _text(block: Sequence[int]) -> str:
    """ASCII, two characters per register."""
    data = b"".join(struct.pack(">H", register) for register in block)
    return data.decode("ascii", "replace").strip("\0 ")
