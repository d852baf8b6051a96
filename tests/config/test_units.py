"""Units: every code of the field, conversions that don't drift, and complaints that help."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.units import (
    Quantity,
    UnitError,
    convert,
    convert_difference,
    parse_quantity,
    parse_range,
    parse_unit,
    per,
)

SAME_DIMENSION = [
    ("mL", "L", "uL", "dL", "m3", "cm3"),
    ("s", "min", "h", "d", "wk", "ms"),
    ("mL/h", "mL/min", "L/d", "uL/s", "mL/h/10*9", "mL/min/{rev}"),
    ("Cel", "K", "[degF]"),
    ("mbar", "bar", "Pa", "kPa", "[psi]", "mm[Hg]", "atm"),
    ("10*6/mL", "1/mL", "/L", "10*9/L", "{cells}/mL", "10^6/mL"),
    ("%", "1", "[ppm]", "{rev}", "%/%"),
    ("{rev}/min", "Hz", "1/s", "s-1"),
    ("g/L", "mg/mL", "kg/m3", "ug/uL"),
    ("mS/cm", "S/m"),
    ("N", "kg.m/s2", "J/m", "W.s/m"),
    ("V", "W/A", "A.Ohm"),
]
numbers = st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: float(f"{value:.9g}"))
groups = st.sampled_from(SAME_DIMENSION)


@pytest.mark.parametrize("group", SAME_DIMENSION, ids=lambda group: group[0])
def test_units_of_one_dimension_are_compatible(group: tuple[str, ...]) -> None:
    first = parse_unit(group[0])
    assert all(first.compatible(parse_unit(text)) for text in group)


def test_units_of_different_dimensions_are_not_compatible() -> None:
    firsts = [parse_unit(group[0]) for group in SAME_DIMENSION if group[0] != "V"]
    assert len({unit.dimension for unit in firsts}) == len(firsts)


@given(groups.flatmap(lambda group: st.tuples(st.sampled_from(group), st.sampled_from(group))), numbers)
def test_there_and_back_gives_the_same_number(pair: tuple[str, str], value: float) -> None:
    assert convert(convert(value, *pair), *reversed(pair)) == pytest.approx(value, rel=1e-12, abs=1e-9)
    assert convert_difference(convert_difference(value, *pair), *reversed(pair)) == pytest.approx(value, rel=1e-12)


@given(numbers, st.sampled_from([text for group in SAME_DIMENSION for text in group]))
def test_the_own_unit_changes_nothing(value: float, unit: str) -> None:
    assert convert(value, unit, unit) == value


@given(numbers, st.sampled_from([text for group in SAME_DIMENSION for text in group]))
def test_what_is_written_is_read(value: float, unit: str) -> None:
    assert parse_quantity(str(Quantity(value, unit))) == Quantity(value, unit)


@given(st.text(max_size=80))
def test_any_text_is_a_unit_or_a_complaint(text: str) -> None:
    with suppress(UnitError):
        assert parse_unit(text).text == text


@given(st.text(alphabet="0123456789.+-eE /mLCel%[]pH{}()*", max_size=70))
def test_any_near_unit_is_a_quantity_or_a_complaint(text: str) -> None:
    for parse in (parse_quantity, parse_range):
        with suppress(UnitError):
            assert str(parse(text))


@pytest.mark.parametrize(
    ("value", "source", "target", "expected"),
    [
        (37.0, "Cel", "K", 310.15),
        (310.15, "K", "Cel", 37.0),
        (98.6, "[degF]", "Cel", 37.0),
        (0.1, "L", "mL", 100.0),
        (20.0, "mL/h", "L/h", 0.02),
        (4.0, "10*6/mL", "/L", 4e9),
        (10.0, "d", "s", 864000.0),
        (50.0, "%", "1", 0.5),
        (1.0, "[psi]", "mbar", 68.94757293168361),
        (0.025, "mL/{rev}", "uL", 25.0),
        (1.0, per("Cel"), "K/min", 60.0),
        (46.0, per("%", "Cel"), "%/K", 46.0),
    ],
)
def test_known_conversions_are_exact(value: float, source: str, target: str, expected: float) -> None:
    assert convert(value, source, target) == expected


def test_a_temperature_difference_has_no_offset() -> None:
    assert convert_difference(5.0, "Cel", "K") == 5.0
    assert convert_difference(5.0, "Cel", "[degF]") == 9.0
    assert Quantity(0.2, "Cel").difference("K") == 0.2


def test_quotients_are_read_from_left_to_right() -> None:
    assert parse_unit("mL/h/10*9").factor == parse_unit("mL/(h.10*9)").factor


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("rpm", "write {rev}/min"),
        ("C", "write Cel"),
        ("pH", "write [pH]"),
        ("mL/mn", "mL/min"),
        ("Celsius", "Cel"),
        ("mCel", "Cel"),
        ("10*999", "10*9"),
        ("zorkmid!", "UCUM"),
    ],
)
def test_an_unknown_unit_names_what_may_be_meant(text: str, hint: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_unit(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text", ["", "mL/", "m L", "(mL", "mL)", "mL//h", "{", "{a b}", "0", "x" * 65, "10*10*10*10*10**"]
)
def test_nonsense_is_no_unit(text: str) -> None:
    with pytest.raises(UnitError):
        parse_unit(text)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("37.0", "a unit is missing", "write 37.0 Cel"),
        ("37Cel", "not a quantity", "put a space before the unit: 37 Cel"),
        ("37,0 Cel", "not a quantity", "use a decimal point: 37.0 Cel"),
        ("nan Cel", "not a quantity", "37.0 Cel"),
        ("inf Cel", "not a quantity", "37.0 Cel"),
        ("1e400 Cel", "not a number that can be used", ""),
        ("37 mL", "a temperature is expected here, not a volume", "converts to Cel"),
        ("", "not a quantity", "37.0 Cel"),
        ("37 Cel please", "not a quantity", ""),
        ("9" * 500 + " Cel", "not a quantity", ""),
    ],
)
def test_a_bad_quantity_says_what_to_write(text: str, message: str, hint: str) -> None:
    with pytest.raises(UnitError) as caught:
        parse_quantity(text, "Cel")
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_ranges() -> None:
    assert parse_range("30 .. 39 Cel").to("K") == (303.15, 312.15)
    assert parse_range("10 min .. 48 h").to("h") == (pytest.approx(1 / 6), 48.0)
    assert str(parse_range("24 h .. 24 h")) == "24 h .. 24 h"
    for text in ("39 .. 30 Cel", "30 .. 39", "30 Cel", "30 Cel .. 39 mL", ".. 39 Cel", "1 .. 2 .. 3 Cel"):
        with pytest.raises(UnitError):
            parse_range(text)


def test_nothing_infinite_gets_through() -> None:
    for value in (math.nan, math.inf, -math.inf):
        with pytest.raises(UnitError):
            convert(value, "Cel", "K")
        with pytest.raises(UnitError):
            Quantity(value, "Cel")
    with pytest.raises(UnitError, match="too large"):
        convert(1e308, "L", "uL")


@pytest.mark.parametrize(
    ("unit", "other", "text"),
    [
        ("%", "Cel", "%/Cel"),
        ("mL/h", "[pH]", "(mL/h)/[pH]"),
        ("mL/h", "mL/h", "(mL/h)/(mL/h)"),
        ("{rev}/min", "s", "({rev}/min)/s"),
    ],
)
def test_a_quotient_has_no_more_parentheses_than_it_needs(unit, other, text):
    assert per(unit, other) == text
    assert parse_unit(text).compatible(parse_unit(f"({unit})/({other})"))
