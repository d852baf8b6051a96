"""What a site file says of a simulated vessel: every mistake with its place, the range and its source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from controller.cli.checking import check_files
from controller.cli.shared import load_or_complain
from controller.clock import ScaledClock
from controller.composition.assembly import Assembly
from controller.composition.instruments import Instruments
from controller.composition.options import Options
from controller.composition.rehearsal import Rehearsal, Setting
from controller.composition.simulated import check_simulation, plant_state
from controller.config.problems import Problems
from controller.config.simulation_words import QUANTITIES, WORDS
from simulators.description import CULTURES, OTHERS, PHYSICAL, STATE_RANGES, doubts, mistakes
from simulators.instrument import SpecError
from simulators.parameters import Limit
from simulators.plant import Plant
from simulators.spec import parse_spec
from tests.config.conftest import FILES, Break

WHOLE = "simulation: {model: tc_m, seed: 101, volume: 1.0 L, temperature: 22 Cel}"
MISTAKES = [
    ("{model: «tc_x}", "unknown model 'tc_x'; known: tc_m"),
    ("{«modell: tc_m}", "there is no word of a simulated vessel 'modell'"),
    ("{«vcd: 3}", "there is no word of a simulated vessel 'vcd'"),
    ("{size: «0.1 L}", "vessels are scaled within 0.25 .. 2000 L"),
    ("{size: «-2 L}", "vessels are scaled within 0.25 .. 2000 L"),
    ("{size: «2}", "a unit is missing"),
    ("{volume: «-1 L}", "volume must be 0.02 .. 3 L, not -1 (chosen: from what clings to the vessel up to its brim)"),
    ("{volume: «1 kg}", "volume: "),
    ("{size: 10 L, volume: «16 L}", "volume must be 0.1 .. 15 L"),
    ("{temperature: «-3 Cel}", "temperature must be 0 .. 100 Cel, not -3 (chosen: water is liquid)"),
    ("{temperature: «22 %}", "temperature: "),
    ('{ph: «"9.5 [pH]"}', "ph must be 4 .. 9 [pH]"),
    ("{do: «-1 %}", "do must be 0 .. 400 %"),
    ('{density: «"-1 10*6/mL"}', "density must be 0 .. "),
    ('{density: «"25 10*6/mL"}', "density = 25.0 10*6/mL is outside 0 .. 20 10*6/mL, where the model holds (chosen"),
    ("{lactate: «60 mmol/L}", "lactate = 60.0 mM is outside 0 .. 50 mM, where the model holds (chosen"),
    ("{glucose: «5 g/L}", "glucose: "),
    ("{model: ecoli_a, lactate: «3 mmol/L}", "this vessel's culture has no lactate"),
    ("{model: ecoli_a, biomass: «45 g/L}", "is outside 0 .. 40 g/L, where the model holds (published: Anane"),
    ("{age: «500 d}", "age must be 0 .. 10000 h, not 12000"),
    ("{seed: «1.5}", "seed must be a whole number or a word"),
    ("{parameters: «3}", "parameters must be names with quantities"),
    ("{parameters: {mumax: «-0.04 1/h}}", "mumax = -0.04 1/h is outside 0.008 .. 0.2 (a factor of 5"),
    ("{parameters: {tlag: 30 h, mumax: «0.04 1/d}}", "mumax: '0.04 1/d' is not in 1/h"),
    ("{parameters: {mumax: «0.04}}", "mumax: the unit is missing: 0.04 1/h"),
    ("{parameters: {mumax: «fast}}", "mumax: 'fast' is not a number with the unit 1/h"),
    ("{parameters: {mumaks: «0.04 1/h}}", "there is no parameter 'mumaks'; known: mumax"),
    ("{feed: «3}", "feed must be nutrients with quantities"),
    ("{feed: {glucose: «-1 mmol/L}}", "glucose must be 0 .. 5000 mmol/L, not -1 (chosen: more of a nutrient"),
    ("{feed: {glucose: «20 g/L}}", "glucose: '20 g/L' is not in mmol/L"),
    ("{feed: {glucose: «20}}", "glucose: the unit is missing: 20 mmol/L"),
    ("{feed: {sugar: «20 mmol/L}}", "this feed has no sugar; known: glucose, glutamine"),
    ("{model: ecoli_a, feed: {glutamine: «4 mmol/L}}", "this feed has no glutamine; known: glucose"),
    ("{fitted: «foam}", "fitted must be a list of off_gas, capacitance, foam"),
    ("{fitted: «[colour]}", "fitted must be a list of off_gas, capacitance, foam"),
    ("{sensors: «{do: ph_glass}}", "do is measured by do_optical or do_polarographic, not by 'ph_glass'"),
    ("{sensors: «{colour: eye}}", "sensors must be kinds by do, ph"),
    ("{sensors: «all}", "sensors must be kinds by do, ph"),
    ("{as_bought: «yes}", "as_bought must be true or false, not 'yes'"),
    ("{protein: «-1 g/L}", "protein must be 0 .. 50 g/L"),
    ("{retained: «120 %}", "retained must be 0 .. 100 %"),
    ("{parameters: {y_lactate: «2.1 mol/mol}}", "no more than two lactate come of one glucose"),
]


@pytest.mark.parametrize(("new", "message"), MISTAKES)
def test_a_mistake_has_its_place(configs: Path, spoil: Break, new: str, message: str) -> None:
    place = spoil("site", WHOLE, f"simulation: {new}")
    problems = [str(one) for one in check_files([configs / FILES["site"]])]
    assert len(problems) == 1, problems
    assert problems[0].startswith(place)
    assert message in problems[0]


def test_all_mistakes_of_a_vessel_come_at_once(configs: Path, spoil: Break) -> None:
    spoil("site", WHOLE, 'simulation: {volume: 9 L, ph: "12 [pH]", parameters: {mumax: 1 1/h, tlag: 1 s}}')
    assert len(check_files([configs / FILES["site"]])) == 4


def test_a_description_with_everything_begins_as_it_says() -> None:
    section = {
        "model": "tc_m", "seed": 5, "size": "2 L", "volume": "1 L", "temperature": "37 Cel", "ph": "7.2 [pH]",
        "do": "60 %", "density": "1e6 {cells}/mL", "glucose": "8 mmol/L", "lactate": "0.005 mol/L", "age": "2 d",
        "parameters": {"mumax": "0.03 1/h", "kd_heat": "0.03 1/h/K"},
    }  # fmt: skip
    assert check_simulation(json.loads(json.dumps(section))) == []
    made = Plant({"V": plant_state(section)})
    truth = made.truth("V")
    assert truth["volume_l"] == 1.0
    assert truth["lactate"] == pytest.approx(5.0)
    assert truth["vcd"] == pytest.approx(1.0)
    assert truth["true_ph"] == pytest.approx(7.2)
    usual = Plant({"V": plant_state({**section, "parameters": {}})})
    for plant in (made, usual):
        plant.actuators["V"].update(heater=26.7, agitation_sp=60.0, air_sp=50.0, co2_sp=6.0)
        for _ in range(1440):
            plant.step(10.0)
    assert 1.0 < made.truth("V")["vcd"] < usual.truth("V")["vcd"], "slow cells"


def test_the_words_are_those_of_the_plant() -> None:
    assert {word.name: word.unit for word in QUANTITIES.values() if word.name != "size_l"} == {
        name: span.unit for name, span in STATE_RANGES.items()
    }
    assert set(WORDS) - set(QUANTITIES) == OTHERS - {"size_l"}


def wrong(limit: Limit) -> dict[str, str]:
    """Texts of one parameter that must be refused."""
    beyond = {"negative": -1.0, "too large": 1.01 * limit.high + 1e-9, "no number": "nan"}
    texts = {name: f"{value} {limit.unit}" for name, value in beyond.items()}
    return {**texts, "wrong unit": f"{limit.usual} s2", **({} if limit.unit == "1" else {"no unit": f"{limit.usual}"})}


def with_parameter(model: str, name: str, text: str) -> dict[str, object]:
    return {"model": model, "parameters": {name: text}}


@pytest.mark.parametrize("model", CULTURES)
def test_every_parameter_of_every_model_is_judged(model: str) -> None:
    for name, limit in CULTURES[model].limits.items():
        assert not list(mistakes(with_parameter(model, name, f"{limit.usual!r} {limit.unit}"))), name
        for what, text in wrong(limit).items():
            (complaint,) = mistakes(with_parameter(model, name, text))
            assert complaint.key == ("parameters", name), what
            if what in {"negative", "too large"}:
                assert f"outside {limit.low:.4g} .. {limit.high:.4g}" in complaint.message
                assert limit.basis in complaint.message
                with pytest.raises(ValueError, match="is outside"):
                    Plant({"V": with_parameter(model, name, text)})


@pytest.mark.parametrize("model", CULTURES)
def test_every_state_is_judged_and_what_no_model_knows_is_told(model: str) -> None:
    equations = CULTURES[model].equations
    for name, span in STATE_RANGES.items():
        if name in PHYSICAL or name in equations.signals:
            for value in (span.low - 1.0, 3.0 * span.high + 1.0, float("nan")):
                (complaint,) = mistakes({"model": model, name: value})
                assert complaint.key == (name,)
                assert " .. " in complaint.message
                assert span.basis in complaint.message
    for name, span in equations.valid.items():
        if name not in {"temperature", "ph"}:
            (doubt,) = doubts({"model": model, name: 1.01 * span.high})
            assert doubt.key == (name,)
            assert f"outside {span.low:g} .. {span.high:g}" in doubt.message
            assert span.basis in doubt.message
            assert name in Plant({"V": {"model": model, name: 1.01 * span.high}}).outside("V"), "runs, and is marked"


def test_a_vessel_that_leaves_what_its_model_knows_is_marked_from_then_on() -> None:
    made = Plant({"V": {"model": "tc_m", "vcd": 2.0, "lactate": 49.9, "glucose": 11.0, "temperature_c": 37.0, "ph": 7.2,
                        "culture_age_h": 60.0}})  # fmt: skip
    made.actuators["V"].update(heater=26.7, agitation_sp=100.0, air_sp=50.0, co2_sp=6.0)
    assert made.outside("V") == ()
    for _ in range(360):
        made.step(10.0)
    assert "lactate" in made.outside("V")


def test_simulate_and_a_rehearsal_refuse_such_a_site(configs: Path, spoil: Break) -> None:
    spoil("site", WHOLE, "simulation: {volume: 9 L}")
    assert load_or_complain(configs / FILES["site"], check_simulation) is None
    recipe = configs / "recipes/car-t-expansion.yaml"
    with pytest.raises(Problems, match="volume must be"):
        Rehearsal(Setting(configs / FILES["site"], "BR-101", recipe, seed=1, period_s=10.0), [0])
    assert load_or_complain(configs / FILES["site"]) is not None, "on hardware it does not matter"


async def test_a_supervisor_whose_simulators_refuse_says_where(configs: Path, spoil: Break, tmp_path: Path) -> None:
    place = spoil("site", WHOLE, "simulation: {volume: «9 L}")
    (tmp_path / "data").mkdir()
    options = Options(configs / FILES["site"], tmp_path / "data", simulate=True)
    instruments = Instruments(options, Assembly(options, ScaledClock(1.0), simulated=True), None)
    with pytest.raises(Problems, match="volume must be") as refused:
        await instruments.start()
    assert str(refused.value).startswith(place)


def test_the_simulators_refuse_such_a_vessel_in_one_line() -> None:
    document = {
        "vessels": {"A": {"ph": 12, "parameters": {"mumax": "-1 1/h"}}},
        "instruments": {"x": {"kind": "alicat"}},
    }
    with pytest.raises(SpecError, match=r"^vessels: A: ph must be 4 \.\. 9 .*; mumax = -1 1/h is outside"):
        parse_spec(document)
