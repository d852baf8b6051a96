"""Units of Hamilton Arc sensors: their bits, their names, and what a value is in each.

Source: Hamilton "pH ARC Sensors Modbus RTU Programmer's Manual" 624300/01.
"""

from __future__ import annotations

KELVIN, CELSIUS, FAHRENHEIT, PERCENT_VOL, PERCENT_SAT, MICROSIEMENS, MILLISIEMENS, PH, MILLIVOLT, DENSITY = (
    1, 2, 3, 4, 5, 9, 10, 12, 21, 28,
)  # fmt: skip
"""Unit bit numbers."""

UNIT_NAMES = {
    KELVIN: "K",
    CELSIUS: "\u00b0C",
    FAHRENHEIT: "\u00b0F",
    PERCENT_VOL: "%-vol",
    PERCENT_SAT: "%-sat",
    MICROSIEMENS: "\u00b5S/cm",
    MILLISIEMENS: "mS/cm",
    DENSITY: "1E6/mL",
    MILLIVOLT: "mV",
    PH: "pH",
}

FACTORS = {
    KELVIN: (1.0, 273.15),
    FAHRENHEIT: (1.8, 32.0),
    PERCENT_VOL: (0.2095, 0.0),
    MICROSIEMENS: (1000.0, 0.0),
    MILLIVOLT: (-59.16, 7.0 * 59.16),
}
"""From degree Celsius, %-sat, mS/cm and pH: factor and offset of the other units.

100 %-sat is air with 20.95 %-vol; a glass electrode gives 59.16 mV per pH at 25 degree Celsius, and nothing at pH 7.
"""

MISTAKEN = {PH: MILLIVOLT, PERCENT_SAT: PERCENT_VOL, MILLISIEMENS: MICROSIEMENS, CELSIUS: KELVIN}
"""The unit a channel shows under the fault `wrong_unit`, by the one it should show."""


def in_unit(value: float, unit: int) -> float:
    """A value in degree Celsius, %-sat, mS/cm, pH or 10^6 cells/mL, in a unit by its number."""
    factor, offset = FACTORS.get(unit, (1.0, 0.0))
    return value * factor + offset
