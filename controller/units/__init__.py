"""Units of measure: UCUM codes, quantities, and conversions."""

from controller.units.quantity import (
    Quantity,
    Range,
    convert,
    convert_difference,
    mismatch,
    missing_unit,
    parse_quantity,
    parse_range,
    per,
)
from controller.units.shown import in_text, unit_text
from controller.units.unit import Unit, UnitError, parse_unit

__all__ = [
    "Quantity",
    "Range",
    "Unit",
    "UnitError",
    "convert",
    "convert_difference",
    "in_text",
    "mismatch",
    "missing_unit",
    "parse_quantity",
    "parse_range",
    "parse_unit",
    "per",
    "unit_text",
]
