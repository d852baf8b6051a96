"""Calibration of a Hamilton pH Arc at two points, and the settings and secondary values beside it.

Source: Hamilton "pH ARC Sensors Modbus RTU Programmer's Manual" 624300/01, pp. 38-48. What the sensor looks back at for
three minutes is taken as stable. Register numbers are those of the manual.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from simulators.instruments.arc_blocks import (
    ADMINISTRATOR,
    Block,
    fixed,
    float_words,
    from_float_words,
    from_words,
    integer_words,
)
from simulators.modbus_rtu import ILLEGAL_VALUE, Refused

PH, CELSIUS, KELVIN = 12, 2, 1
BUFFERS = (1.09, 3.06, 4.01, 5.00, 6.00, 7.00, 8.00, 9.21, 10.01, 11.00, 12.00)
MATCHES, LARGEST_OFFSET = 0.5, 1.0
"""pH between what is measured and a buffer that is recognised, and between it and any that is told."""
STEEP = (0.8, 1.05)
"""Slope that is accepted, as a share of the theoretical one."""
TOO_CLOSE, NO_BUFFER, TOO_LOW, TOO_HIGH = 0x01, 0x02, 0x20, 0x40
CLOSEST = 1.0
"""pH that two points must be apart."""
STATUS_BY_POINT = (0, 8)
"""Bits by which each point's status is shifted."""
SECONDARY = (
    (15, 150.0), (14, 5.0), (14, 5.0), (21, 0.0), (21, 0.0), (21, 0.0), (21, 0.0),
)  # fmt: skip
"""Unit bit and value of SMC1 to SMC7: resistances of glass, reference and auxiliary, four potentials. SMC8 and SMC9 are
the pH and the temperature of now.
"""


@dataclass(slots=True)
class Point:
    """What was found at one point, as far as it was calibrated."""

    asked: float = 0.0
    measured: float = 0.0
    temperature: float = 25.0
    count: int = 0
    status: int = 0


@dataclass(slots=True)
class Calibration:
    """`raw` measures what an uncalibrated sensor would say, `temperature` in degree Celsius."""

    raw: Callable[[], float]
    temperature: Callable[[], float]
    points: tuple[Point, Point] = field(default_factory=lambda: (Point(), Point()))
    average: int = 2

    @property
    def status(self) -> int:
        """The status of both points in one word; not zero when a calibration failed."""
        both = zip(self.points, STATUS_BY_POINT, strict=True)
        return sum(point.status << shift for point, shift in both)

    def value(self) -> float:
        """What the sensor says: on the line through the points that were calibrated."""
        slope, offset = self._line([point for point in self.points if point.count])
        return slope * self.raw() + offset

    def calibrate(self, place: int, asked: float) -> None:
        """Take what is measured now as `asked`, 0 being whichever buffer it is near; a failure is only in the status.
        Raises :class:`Refused` for what no buffer has.
        """
        if not 0.0 <= asked <= 14.0:
            raise Refused(ILLEGAL_VALUE)
        point, other, measured = self.points[place], self.points[1 - place], self.raw()
        nearest = min(BUFFERS, key=lambda buffer: abs(buffer - measured))
        wanted = asked or nearest
        point.status = NO_BUFFER if not asked and abs(nearest - measured) > MATCHES else 0
        point.status |= self._unlikely(wanted, measured, other)
        if not point.status:
            point.asked, point.measured, point.temperature = wanted, measured, self.temperature()
            point.count += 1

    def blocks(self) -> dict[int, Block]:
        """Everything that is in registers of it."""
        found = {
            3370: Block(2, lambda: integer_words(self.average), self._set_average, 2),
            5128: Block(4, lambda: float_words(0.1) + float_words(0.5)),
            5312: fixed(integer_words(1 << PH) + float_words(0.0) + float_words(14.0)),
            5318: fixed(integer_words(0) + integer_words(1 << PH) + float_words(0.0)),
            5324: fixed(bytes(16)),
        }
        for place, start in enumerate((5152, 5184)):
            found |= self._blocks_of(place, start)
        for place, (unit, value) in enumerate(SECONDARY):
            found[2472 + 32 * place] = fixed(_secondary(unit, value))
        found[2696] = Block(6, lambda: _secondary(PH, self.value()))
        found[2728] = Block(6, lambda: _secondary(KELVIN, self.temperature() + 273.15))
        return found

    def _blocks_of(self, place: int, start: int) -> dict[int, Block]:
        point = self.points[place]

        def state() -> bytes:
            """Status of both points, unit and last value of this one."""
            return integer_words(self.status) + integer_words(1 << PH) + float_words(point.asked)

        def data() -> bytes:
            """Unit of the temperature, temperature, how often, and at which operating hour."""
            hours = float_words(0.0)
            return integer_words(1 << CELSIUS) + float_words(point.temperature) + integer_words(point.count) + hours

        def begin(values: Sequence[int]) -> None:
            """Calibrate."""
            self.calibrate(place, from_float_words(values))

        return {
            start: fixed(integer_words(1 << PH) + float_words(0.0) + float_words(14.0)),
            start + 6: Block(6, state),
            start + 10: Block(0, None, begin, 2, ADMINISTRATOR),
            start + 12: Block(8, data),
        }

    def _set_average(self, values: Sequence[int]) -> None:
        wanted = from_words(values)
        if not 1 <= wanted <= 16:
            raise Refused(ILLEGAL_VALUE)
        self.average = wanted

    @staticmethod
    def _unlikely(wanted: float, measured: float, other: Point) -> int:
        if not other.count:
            off = measured - wanted
            return (TOO_HIGH if off > LARGEST_OFFSET else 0) | (TOO_LOW if off < -LARGEST_OFFSET else 0)
        if abs(wanted - other.asked) < CLOSEST:
            return TOO_CLOSE
        steep = (measured - other.measured) / (wanted - other.asked)
        return (TOO_LOW if steep < STEEP[0] else 0) | (TOO_HIGH if steep > STEEP[1] else 0)

    @staticmethod
    def _line(points: Sequence[Point]) -> tuple[float, float]:
        if not points:
            return 1.0, 0.0
        first, last = points[0], points[-1]
        slope = 1.0 if len(points) == 1 else (last.asked - first.asked) / (last.measured - first.measured)
        return slope, first.asked - slope * first.measured


def _secondary(unit: int, value: float) -> bytes:
    """Unit, value and standard deviation."""
    return integer_words(1 << unit) + float_words(value) + float_words(0.0)
