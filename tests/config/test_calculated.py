"""Calculated tags: every kind of mistake at its line and column, circles, and what is right however it is written."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from controller.config.calculated_base import CalculatedBase, filled, parameters, wanted
from controller.config.calculated_class import METHODS
from controller.config.load import load_class, load_site
from controller.config.problems import Problems
from controller.model.build import build
from controller.model.tags import Tag
from controller.units import parse_unit
from tests.config.conftest import MARK

Break = Callable[[str, str, str], str]
CLASS = "classes/stirred-tank-2l.yaml"
HEAD = "calculated:\n"

MISTAKES = [
    ("from: our_dynamic", "from: «our_dynamc", "'our_dynamc' is not known here",
     "did you mean our_dynamic or kla_dynamic?"),
    ("    from: our_dynamic\n", "", "from: it is missing", ""),
    ("inputs: {agitation: agitation_rate", "inputs: {«agitaton: agitation_rate", "'agitaton' is not known here",
     "did you mean agitation?"),
    ("    at_agitation:", "    «at_agitaton:", "'at_agitaton' is not known here", "did you mean at_agitation?"),
    ("    inputs: {agitation: agitation_rate, gas_flow: gas_total,", "    «inputs: {agitation: agitation_rate,",
     "gas_flow is missing", ""),
    ("gas_flow: gas_total, volume: volume}\n    reference", "gas_flow: «gas_totl, volume: volume}\n    reference",
     "there is no tag 'gas_totl'", "gas_total"),
    ("{agitation: agitation_rate", "{agitation: «temperature", "a rate per time is expected here, not a temperature",
     ""),
    ("reference: 10 /h", "reference: «10 mL", "a rate per time is expected here, not a volume", ""),
    ("reference: 10 /h", "reference: «10", "a unit is missing", "write 10 /h"),
    ("reference: 10 /h", "reference: «0 /h", "too small", "more than 0 /h"),
    ("agitation_exponent: 1.2", "agitation_exponent: «1.2 /h", "a number is expected, this is text", ""),
    ("agitation_exponent: 1.2", "agitation_exponent: «12", "must be 5.0 or less", ""),
    ("    at_vvm: 0.1 /min\n", "    at_gas_flow: 100 mL/min\n", "the gas of the reference does not fit the inputs",
     "with the input volume write at_vvm"),
    ("    surface: 0.5 /h\n    unit: /h", "    surface: 0.5 /h\n    unit: «mL/h",
     "a rate per time is expected here, not a flow", ""),
    ("window: 5 min", "window: «0 s", "too small", "more than 0 s"),
    ("window: 5 min", "window:« ", "a number with its unit is expected, this is empty", ""),
    ("temperature: temperature, pressure: pressure, gas_flow: gas_total, volume: volume}\n    window",
     "pressure: pressure, gas_flow: gas_total, volume: volume}\n    window",
     "either the input temperature or air_saturation says what 100 % is", "write one of them"),
    ("temperature: temperature, pressure: pressure, gas_flow: gas_total, volume: volume}\n    window",
     "temperature: temperature, pressure: pressure, gas_flow: gas_total}\n    window",
     "gas_flow and volume go together", "both"),
    ("{density: viable_density, volume: volume}\n    good_for",
     "{density: «viable_density_now, volume: volume}\n    good_for",
     "viable_density_now is not made of single samples", "sampled: true"),
    ("carbon_dioxide: stripped", "carbon_dioxide: «striped", "'striped' is not known here", "did you mean stripped?"),
    ("    over: 3 min\n", "", "stripped needs the inputs kla, gas_flow and volume, and over", "add what is missing"),
    ("carbon_dioxide: stripped", "carbon_dioxide: open", "kla, gas_flow, volume and over belong to", "remove them"),
    ("    bicarbonate: 24 mmol/L\n", "",
     "either the input co2_pressure or bicarbonate says how much carbon",
     "write one of them"),
    ("inputs: {air: air_flow_measured, oxygen: o2_flow_measured, carbon_dioxide: co2_flow_measured, "
     "nitrogen: n2_flow_measured}", "inputs: {}", "no gas is named", "write at least one of air"),
    ("inputs: {air: air_flow_measured, oxygen: o2_flow_measured, carbon_dioxide: co2_flow_measured, "
     "nitrogen: n2_flow_measured}", "inputs: {air: null}", "no gas is named", "write at least one of air"),
]  # fmt: skip

ADDED = [
    ("gas: {title: Gas, from: gas_total, inputs: [air_flow_measured, «air_flow_measured], unit: L/h, decimals: 1}",
     "air_flow_measured is an input already", "a tag of its own"),
    ("share: {title: O2, from: oxygen_in_gas, inputs: {air: air_flow_measured, oxygen: «air_flow_measured}, "
     "least_flow: 10 mL/min, unit: '1', decimals: 3}", "air_flow_measured is an input already", ""),
    ("fed: {title: Fed, from: total, inputs: {flow: «weight}, unit: mL, decimals: 1}",
     "a flow is expected here, not a mass", ""),
    ("fed: {title: Fed, from: total, inputs: {flow: feed_flow}, bridge: «5 mL, unit: mL, decimals: 1}",
     "a time is expected here, not a volume", ""),
    ("vvd: {title: Rate, from: quotient, inputs: {of: feed_flow, per: volume}, least: 0.1 L, unit: «mL, decimals: 2}",
     "a rate per time is expected here, not a volume", ""),
    ("vvd: {title: Rate, from: quotient, inputs: {of: feed_flow, per: volume}, least: «0.1 g, unit: /d, decimals: 2}",
     "a volume is expected here, not a mass", ""),
    ("vcd: {title: Cells, from: density_from_capacitance, inputs: {signal: pressure}, slope: «0.5 10*6/mL, "
     "background: 1 mbar, unit: 10*6/mL, decimals: 2}", "slope: 10*6/mL does not fit", ""),
    ("gone: {title: Gone, from: rate, inputs: {of: weight}, window: 1 h, credible: {low: «-1 g, high: 5 g}, "
     "unit: g/h, decimals: 1}", "low: g does not fit", ""),
    ("found: {title: kLa, from: kla_dynamic, inputs: {dissolved_oxygen: do, oxygen_in_gas: oxygen_in_gas}, "
     "window: 5 min, memory: 30 min, unit: /h, decimals: 1}", "a memory of 30 min holds too few moves of 5 min",
     "at least 10 times window"),
]  # fmt: skip


def problems(configs: Path) -> list[str]:
    with pytest.raises(Problems) as caught:
        load_class(configs / CLASS)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("old", "new", "message", "hint"), MISTAKES)
def test_a_mistake_in_a_calculated_tag(
    configs: Path, spoil: Break, old: str, new: str, message: str, hint: str
) -> None:
    place = spoil("class", old, new)
    found = problems(configs)[0]
    assert message in found
    assert hint in found
    if MARK in new:
        assert found.startswith(place)


@pytest.mark.parametrize(("entry", "message", "hint"), ADDED)
def test_a_mistake_in_one_more_tag(configs: Path, spoil: Break, entry: str, message: str, hint: str) -> None:
    place = spoil("class", HEAD, f"{HEAD}  {entry}\n")
    found = problems(configs)[0]
    assert message in found
    assert hint in found
    if MARK in entry:
        assert found.startswith(place)


def entries(*tags: str) -> str:
    lines = "\n".join(f"{name}: {{title: T, from: quotient, unit: '1', decimals: 1, {rest}}}" for name, rest in tags)
    return HEAD + textwrap.indent(lines, "  ") + "\n"


def test_a_tag_calculated_from_itself_is_refused_where_the_circle_closes(configs: Path, spoil: Break) -> None:
    place = spoil(
        "class",
        HEAD,
        entries(
            ("a", "inputs: {of: ph, per: b}, least: 1 1"),
            ("b", "inputs: {of: c, per: c}, least: 1 1"),
            ("c", "inputs: {of: do, per: «b}, least: 1 1"),
        ).replace("of: ph", "of: do"),
    )
    assert problems(configs) == [f"{place} b is calculated from itself: b from c from b (break the circle)"]


def test_every_circle_is_told_once(configs: Path, spoil: Break) -> None:
    tags = [
        (f"{name}{place}", f"inputs: {{of: do, per: {name}{(place + 1) % 4}}}, least: 1 1")
        for name in "xyz"
        for place in range(4)
    ]
    spoil("class", HEAD, entries(*tags))
    assert [line.split(" ")[1][0] for line in problems(configs)] == ["x", "y", "z"]


def test_a_long_chain_is_no_circle_and_takes_no_time(configs: Path, spoil: Break) -> None:
    tags = [(f"t{place}", f"inputs: {{of: do, per: t{place + 1}}}, least: 1 1") for place in range(1500)]
    spoil("class", HEAD, entries(*tags, ("t1500", "inputs: {of: do, per: do}, least: 1 1")))
    assert "t1499" in load_class(configs / CLASS).config.calculated


def test_an_unknown_input_does_not_make_the_rest_wrong(configs: Path, spoil: Break) -> None:
    """The units of a quotient follow from its inputs: of an unknown one nothing more is told."""
    entry = "vvd: {title: T, from: quotient, inputs: {of: feed_flow, per: «volum}, least: 1 g, unit: Cel, decimals: 2}"
    place = spoil("class", HEAD, f"{HEAD}  {entry}\n")
    (found,) = problems(configs)
    assert found.startswith(f"{place} there is no tag 'volum'")


def test_a_wrong_input_does_not_hide_the_rest(configs: Path, spoil: Break) -> None:
    places = [
        spoil("class", "{density: viable_density_now, volume: volume}", "{density: «viable_densty, volume: volume}"),
        spoil("class", "reference: 10 /h", "reference: «10 mL"),
        spoil("class", "least_flow: 10 mL/min", "least_flow: «10 L"),
    ]
    assert sorted(line.split(" ")[0] for line in problems(configs)) == sorted(places)


@pytest.mark.parametrize(
    "method", METHODS.models(), ids=lambda method: get_args(method.model_fields["from_"].annotation)[0]
)
def test_every_unit_of_a_method_is_one(method: type[CalculatedBase]) -> None:
    """Inputs, parameters, defaults and result: whatever a method says about units is understood."""
    units = {"unit": "mL", "of": "mL/h", "per": "L", "signal": "pF/cm"}
    assert parse_unit(filled(method.gives, units))
    inputs = method.model_fields["inputs"]
    fields = [inputs] if "list" in str(inputs.annotation) else list(inputs.annotation.model_fields.values())
    known = [one for field in fields for one in field.metadata if hasattr(one, "sampled")]
    assert len(known) == len(fields) > 0
    assert all(parse_unit(filled(one.unit, units)) for one in known)


def test_units_are_converted_once_at_load(site_of: Callable[..., Tag]) -> None:
    tag = site_of(
        "fed: {title: Fed, from: total, inputs: {flow: feed_flow}, bridge: 2 min, unit: L, decimals: 3}"
    ).calculation
    assert tag.inputs[0].gain == pytest.approx(1e-3 / 3600.0)
    assert tag.parameters == {"bridge": 120.0}
    assert tag.gain == 1.0


def test_a_quotient_is_in_the_tags_unit(site_of: Callable[..., Tag]) -> None:
    perfusion = "inputs: {of: feed_flow, per: viable_cells}, least: 10000000 1"
    made = site_of(f"cspr: {{title: CSPR, from: quotient, {perfusion}, unit: pL/d, decimals: 0}}").calculation
    assert made.parameters["least"] == pytest.approx(0.01)
    assert made.gain == pytest.approx(24.0), "1 mL/h per 10*9 is 24 pL/d"


def test_a_temperature_is_a_point_of_its_scale(configs: Path, spoil: Break, site_of: Callable[..., Tag]) -> None:
    spoil("class", "unit: Cel\n    decimals: 2", "unit: K\n    decimals: 2")
    spoil("class", "max_rate: 1 Cel/s", "max_rate: 1 K/s")
    unused = "x: {title: X, from: quotient, inputs: {of: do, per: do}, least: 1 %, unit: '1', decimals: 0}"
    made = site_of(unused, "our").calculation
    (warm,) = [one for one in made.inputs if one.name == "temperature"]
    assert (warm.gain, warm.offset) == (1.0, pytest.approx(-273.15))


def test_what_is_credible_is_in_the_tags_unit(site_of: Callable[..., Tag]) -> None:
    tag = site_of(
        "fed: {title: Fed, from: total, inputs: {flow: feed_flow}, credible: {low: 0 L, high: 2 L}, "
        "unit: mL, decimals: 1}"
    )
    assert (tag.low, tag.high) == (tag.calculation.low, tag.calculation.high) == (0.0, 2000.0)


def test_what_is_read_back_from_an_output_may_be_calculated_with(site_of: Callable[..., Tag]) -> None:
    tag = site_of("fed: {title: Fed, from: total, inputs: {flow: feed_flow}, unit: mL, decimals: 1}")
    assert tag.calculation.inputs[0].name == "flow"


@pytest.fixture
def site_of(configs: Path, spoil: Break) -> Callable[..., Tag]:
    """Adds a calculated tag to the class; gives it, or another one, as it is built."""

    def add(entry: str, name: str = "") -> Tag:
        spoil("class", HEAD, f"{HEAD}  {entry}\n")
        tags = build(load_site(configs / "sites/bench.yaml")).tags
        return tags.tags[tags.index[f"BR-101.{name or entry.partition(':')[0]}"]]

    return add


def test_parameters_and_inputs_are_read_from_the_file(configs: Path) -> None:
    kla = load_class(configs / CLASS).config.calculated["kla"]
    assert [(one.name, one.tag) for one in wanted(kla)] == [
        ("agitation", "agitation_rate"),
        ("gas_flow", "gas_total"),
        ("volume", "volume"),
    ]
    assert {one.name for one in parameters(kla)} == {
        "reference", "at_agitation", "at_vvm", "agitation_exponent", "gas_exponent", "surface",
    }  # fmt: skip
