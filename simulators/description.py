"""The description of a vessel: which model, which cells, in which state it begins, and what is wrong with that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from simulators.biology import cho_a, cho_m, ecoli_a, pen_b, tc_m, tc_p
from simulators.bus import fittings_of
from simulators.parameters import Limit, Span, beyond, outside
from simulators.sizes import as_bought, equipped, sized
from simulators.tank import TANKS, Tank


class Model(NamedTuple):
    """A model of a culture: its equations, the parameters of the usual cells as a named tuple, and their limits."""

    equations: Any
    usual: Any
    limits: Mapping[str, Limit]


CULTURES: Mapping[str, Model] = {
    "tc_m": Model(tc_m.TCell, tc_m.DONOR, tc_m.LIMITS),
    "ecoli_a": Model(ecoli_a.Coli, ecoli_a.STRAIN, ecoli_a.LIMITS),
    "tc_p": Model(tc_p.PublishedTCell, tc_p.DONOR, tc_p.LIMITS),
    "cho_a": Model(cho_a.Cho, cho_a.LINE, cho_a.LIMITS),
    "cho_m": Model(cho_m.DenseCho, cho_m.LINE, cho_m.LIMITS),
    "pen_b": Model(pen_b.Penicillium, pen_b.MOULD, pen_b.LIMITS),
}
"""Models of a culture by the name a site gives them."""

DEFAULTS: Mapping[str, float] = {"temperature_c": 22.0}
CROWD, SALTS = "chosen: more than any model holds for", "chosen: more than cells or salts stand"
STATE_RANGES: Mapping[str, Span] = {
    "volume_l": Span(0.01, 1.5, "L", "chosen: from what clings to the vessel up to its brim"),
    "temperature_c": Span(0.0, 100.0, "Cel", "chosen: water is liquid"),
    "do": Span(0.0, 400.0, "%", "chosen: pure oxygen gives 477 % of saturation with air"),
    "ph": Span(4.0, 9.0, "[pH]", "chosen: where the buffers of the media are known"),
    "vcd": Span(0.0, 1e6, "10*6/mL", CROWD),
    "dead_density": Span(0.0, 1e6, "10*6/mL", CROWD),
    "biomass": Span(0.0, 300.0, "g/L", CROWD),
    "product": Span(0.0, 300.0, "g/L", CROWD),
    "glucose": Span(0.0, 2000.0, "mmol/L", SALTS),
    "glutamine": Span(0.0, 200.0, "mmol/L", SALTS),
    "lactate": Span(0.0, 500.0, "mmol/L", SALTS),
    "ammonia": Span(0.0, 500.0, "mmol/L", SALTS),
    "acetate": Span(0.0, 1000.0, "mmol/L", SALTS),
    "culture_age_h": Span(0.0, 10_000.0, "h", "chosen: more than a year since activation"),
    "protein": Span(0.0, 50.0, "g/L", "chosen: more than media and cells bring that foams"),
    "retained": Span(0.0, 100.0, "%", "a share of the cells, kept back by what harvests"),
}
"""State variables, their units and limits; of `volume_l` the limits are shares of the vessel's working volume."""

FEED = Span(0.0, 5000.0, "mmol/L", "chosen: more of a nutrient does not dissolve")
PHYSICAL = frozenset({"volume_l", "temperature_c", "do", "ph", "protein", "retained"})
OTHERS = frozenset({"model", "seed", "size_l", "parameters", "fitted", "feed", "sensors", "as_bought"})
"""What a description says besides the state."""
QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*")
ONE = "1"
"""Unit of a pure number, which need not be written."""


class Complaint(NamedTuple):
    """What is wrong with a description, at which of its keys."""

    key: tuple[str, ...]
    message: str


class Described(NamedTuple):
    """What a description without mistakes says: `state` to begin with, what of it was `given`, `parameters` of the
    cells that are not the usual ones, what is `fitted`, and what in mM of the `feed` is not as usual.
    """

    model: Model
    tank: Tank
    state: Mapping[str, float]
    given: Mapping[str, float]
    parameters: Mapping[str, float]
    fitted: tuple[str, ...]
    feed: Mapping[str, float]


def described(entry: Mapping[str, object]) -> Described:
    """Understand a description. Raises ValueError with everything that is wrong with it."""
    if wrong := list(mistakes(entry)):
        raise ValueError("; ".join(complaint.message for complaint in wrong))
    name = str(entry.get("model", "tc_m"))
    given = {key: float(str(value)) for key, value in entry.items() if key not in OTHERS}
    tank = equipped(_tank(name, entry), entry.get("sensors", {}))
    tank = as_bought(tank) if entry.get("as_bought", False) else tank
    state = {"volume_l": 0.5 * tank.nominal_l, **DEFAULTS, **given}
    parameters = dict(_parameters(CULTURES[name], entry))
    return Described(CULTURES[name], tank, state, given, parameters, fittings_of(entry), _feed(entry))


def mistakes(entry: Mapping[str, object]) -> Iterator[Complaint]:
    """What makes a description impossible."""
    name = str(entry.get("model", "tc_m"))
    if name not in CULTURES:
        yield Complaint(("model",), f"unknown model {name!r}; known: {', '.join(CULTURES)}")
        return
    model = CULTURES[name]
    try:
        tank = _tank(name, entry)
    except ValueError as error:
        yield Complaint(("size_l",), str(error))
        return
    if isinstance(seed := entry.get("seed", 0), bool) or not isinstance(seed, int | str):
        yield Complaint(("seed",), f"seed must be a whole number or a word, not {seed!r}")
    for key, value in entry.items():
        if key not in OTHERS and (wrong := _state_mistake(model, tank, key, value)):
            yield Complaint((key,), wrong)
    yield from _parameter_mistakes(model, entry)
    yield from _feed_mistakes(model, entry)
    yield from _equipment_mistakes(tank, entry)


def doubts(entry: Mapping[str, object]) -> Iterator[Complaint]:
    """What a description without mistakes asks of a culture's model that the model does not know. Such a vessel runs,
    and is marked; temperature and pH are not judged, for control brings them.
    """
    model = CULTURES[str(entry.get("model", "tc_m"))]
    for name, span in model.equations.valid.items():
        if name in entry and name not in PHYSICAL and outside(_number(entry[name]), span):
            yield Complaint((name,), f"{name} = {entry[name]} {span.unit} is {_outside(span)}")


def check_state(state: Mapping[str, float], tank: Tank) -> None:
    """Raises ValueError for a variable that does not exist or is out of range."""
    for name, value in state.items():
        if wrong := _range_mistake(tank, name, value):
            raise ValueError(wrong)


def _tank(model: str, entry: Mapping[str, object]) -> Tank:
    size = entry.get("size_l")
    if size is None:
        return TANKS[model]
    if math.isnan(number := _number(size)):
        raise ValueError("size_l must be a number")
    return sized(TANKS[model], number)


def _state_mistake(model: Model, tank: Tank, name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} must be a number"
    if wrong := _range_mistake(tank, name, float(value)):
        return wrong
    known = name in PHYSICAL or name in model.equations.signals or name == "culture_age_h"
    return "" if known else f"this vessel's culture has no {name}"


def _range_mistake(tank: Tank, name: str, value: float) -> str:
    if name not in STATE_RANGES:
        return f"there is no state variable {name!r}; known: {', '.join(STATE_RANGES)}"
    span, unit = STATE_RANGES[name], tank.nominal_l if name == "volume_l" else 1.0
    if unit * span.low <= value <= unit * span.high:
        return ""
    return f"{name} must be {unit * span.low:g} .. {unit * span.high:g} {span.unit}, not {value:g} ({span.basis})"


def _parameter_mistakes(model: Model, entry: Mapping[str, object]) -> Iterator[Complaint]:
    if not isinstance(given := entry.get("parameters", {}), Mapping):
        yield Complaint(("parameters",), "parameters must be names with quantities")
        return
    for name, text in given.items():
        key = ("parameters", str(name))
        if name not in model.limits:
            yield Complaint(key, f"there is no parameter {name!r}; known: {', '.join(model.limits)}")
            continue
        limit = model.limits[name]
        try:
            value = _quantity(str(text), limit.unit)
        except ValueError as error:
            yield Complaint(key, f"{name}: {error}")
        else:
            if wrong := beyond(name, value, limit):
                yield Complaint(key, wrong)


def _feed_mistakes(model: Model, entry: Mapping[str, object]) -> Iterator[Complaint]:
    if not isinstance(given := entry.get("feed", {}), Mapping):
        yield Complaint(("feed",), "feed must be nutrients with quantities")
        return
    for name, text in given.items():
        key = ("feed", str(name))
        if name not in model.equations.fed:
            yield Complaint(key, f"this feed has no {name}; known: {', '.join(model.equations.fed)}")
            continue
        try:
            value = _quantity(str(text), FEED.unit)
        except ValueError as error:
            yield Complaint(key, f"{name}: {error}")
        else:
            if not FEED.low <= value <= FEED.high:
                limits = f"{FEED.low:g} .. {FEED.high:g} {FEED.unit}"
                yield Complaint(key, f"{name} must be {limits}, not {value:g} ({FEED.basis})")


def _feed(entry: Mapping[str, object]) -> dict[str, float]:
    given = entry.get("feed", {})
    assert isinstance(given, Mapping)
    return {str(name): _quantity(str(text), FEED.unit) for name, text in given.items()}


def _equipment_mistakes(tank: Tank, entry: Mapping[str, object]) -> Iterator[Complaint]:
    try:
        fittings_of(entry)
    except ValueError as error:
        yield Complaint(("fitted",), str(error))
    try:
        equipped(tank, entry.get("sensors", {}))
    except ValueError as error:
        yield Complaint(("sensors",), str(error))
    if not isinstance(uncalibrated := entry.get("as_bought", False), bool):
        yield Complaint(("as_bought",), f"as_bought must be true or false, not {uncalibrated!r}")


def _parameters(model: Model, entry: Mapping[str, object]) -> Iterator[tuple[str, float]]:
    if isinstance(given := entry.get("parameters"), Mapping):
        for name, text in given.items():
            yield str(name), _quantity(str(text), model.limits[name].unit)


def _quantity(text: str, unit: str) -> float:
    """The number of a quantity in exactly this unit. Raises ValueError."""
    match = QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a number with the unit {unit}")
    number, found = match.groups()
    if found != unit and not (unit == ONE and not found):
        raise ValueError(f"{text!r} is not in {unit}" if found else f"the unit is missing: {number} {unit}")
    return float(number)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan


def _outside(span: Span) -> str:
    return f"outside {span.low:g} .. {span.high:g} {span.unit}, where the model holds ({span.basis})"
