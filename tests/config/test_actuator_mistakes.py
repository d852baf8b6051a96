"""Pulsed and guarded outputs, dose loops and gas mixers: what they become, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config.load import LoadedSite, load_class, load_site
from controller.config.problems import Problems
from controller.model.build import build
from controller.model.doses import Dose, Guard, Pulse

CLASS = (Path(__file__).parent / "actuators.yaml").read_text()
PUMP = "range: {low: 0 mL/h, high: 60 mL/h}\n    safe: 0 mL/h\n    "
BASE, ACID = PUMP + "dose", PUMP + "smallest"

OUTPUTS = [
    ("dose: {amount", "pulse: {period: 10 s}\n    dose: {amount", "pulses of a fixed amount have one rate", "one of"),
    ("smallest: 2 mL/h", "smallest: 2 mL/h\n    pulse: {period: 10 s, on: 5 mL/h}", "what pulses are on at", ""),
    ("guard: {most: 30 mL, within: 24 h,", "guard: «{most: 30 mL,", "most and within belong together", "within: 24 h"),
    ("guard: {most: 30 mL, within: 24 h, most_per_batch: 0.1 L}", "guard: «{}", "a guard without a limit", ""),
    ("within: 24 h", "within: «0 h", "too small", ""),
    ("safe: 0 mL/min}\nloops:", "safe: none, once: true, smallest: 1 mL/min}\nloops:", "neither pulsed", ""),
    ("amount: 0.5 mL", "amount: «0.5 mL/h", "a volume is expected here, not a flow", "mL"),
    ("amount: 0.5 mL", "amount: «0 mL", "0 mL is nothing", "more than 0"),
    ("amount: 0.5 mL", "amount: 50 mL", "most: 30 mL is less than one dose of 50 mL", ""),
    ("rate: 30 mL/h}", "rate: «80 mL/h}", "outside the output's range", ""),
    ("rate: 30 mL/h}", "rate: «0 mL/h}", "is where the output rests", ""),
    (BASE, BASE.replace("0 mL/h,", "«1 mL/h,", 1), "rests at 0", "write 0"),
    (BASE, BASE.replace("safe: 0", "safe: «5"), "which goes on giving", "write 0"),
    ("most: 30 mL", "most: «30 mL/h", "a volume is expected here, not a flow", ""),
    ("most: 30 mL", "most: «0.2 L", "most: 0.2 L is more than most_per_batch: 0.1 L", "no more than most_per_batch:"),
    ("most: 30 mL", "most: «0.4 mL", "less than one dose of 0.5 mL", ""),
    ("most_per_batch: 0.1 L", "most_per_batch: «0.1 mL", "less than one dose of 0.5 mL", ""),
    ("smallest: 2 mL/h", "smallest: «70 mL/h", "outside the output's range", ""),
    ("smallest: 2 mL/h", "smallest: «2 mL", "does not fit", ""),
    ("smallest: 2 mL/h", "step: «0 mL/h", "0 mL/h is too small", "more than 0"),
    ("smallest: 2 mL/h", "step: «61 mL/h", "61 mL/h is more than the range", "smallest change"),
    ("smallest: 2 mL/h", "smallest: 2 mL/h\n    step: «3 mL/h", "3 mL/h is more than smallest", "smallest change"),
    ("smallest: 2 mL/h", "step: «2 mL", "does not fit", ""),
    ("smallest: 2 mL/h", 'step: «"-0.1 {rev}/min"', "is too small", "more than 0"),
    ("safe: 0 mL/min}\nloops:", "safe: none, once: true, step: 1 mL/min}\nloops:", "written as it is", "leave out"),
    (ACID, ACID.replace("0 mL/h,", "«1 mL/h,", 1), "rests at 0", ""),
    ("period: 10 s, shortest_on", "period: «2 s, shortest_on", "do not fit into 2 s", "longer period"),
    ("period: 10 s,", "period: 10 s, on: «120 %,", "outside the output's range", ""),
    ("point: Base}", "point: Base, «slow: true}", "'slow' is not known here", ""),
]  # fmt: skip

DOSES = [
    ("pv: foam", "pv: «foal", "no measurement or calculated tag 'foal'", "foam"),
    ("when: above", "when: «over", "'over' is not known here", "above"),
    ("when: above", "when: «below", "inverse action: antifoam lowers foam, and would be given while", "when: above"),
    (
        "safe: 0 mL/h, lowers: [foam]}",
        "safe: 0 mL/h, raises: [foam]}",
        "inverse action: antifoam raises",
        "when: below",
    ),
    ("safe: 0 mL/h, lowers: [foam]}", "safe: 0 mL/h}", "does not say what it does to foam", "or lowers: [foam] there"),
    ("output: antifoam", "output: «antifom", "no output 'antifom'", "antifoam"),
    ("output: antifoam", "output: spare", "moved by loop 'foaming' already", ""),
    ("output: antifoam", "output: «base", "is pulsed already", "take pulse:"),
    ("output: antifoam", "output: «air", "goes on giving at its safe value", "safe: 0"),
    ("amount: 0.2 mL", "amount: «0.2 mL/h", "a volume is expected here, not a flow", ""),
    ("amount: 0.2 mL", "amount: «0 mL", "0 mL is nothing", ""),
    ("rate: 30 mL/h\n", "rate: «61 mL/h\n", "outside the output's range", ""),
    ("most_per_hour: 1 mL", "most_per_hour: «0.1 mL", "less than one dose of 0.2 mL", ""),
    ("most_per_batch: 10 mL", "most_per_batch: «0.1 mL", "less than one dose of 0.2 mL", ""),
    ("give_up: 4", "give_up: «0", "must be 1 or more", ""),
    ("low: 0 1, high: 1 1}\n    after", "low: 0 1, high: «2 1}\n    after", "outside what the sensor can say", ""),
]

MIXERS = [
    ("total: total_gas", "total: «total_gass", "no loop 'total_gass'", "total_gas"),
    ("total: total_gas", "total: «do", "'do' is no station", "type: station"),
    ("oxygen: oxygen_in_gas", "oxygen: co2_in_gas", "station 'co2_in_gas' belongs to gas mixer 'sparge' already", ""),
    ("nitrogen: n2", "nitrogen: «o2", "output 'o2' belongs to gas mixer 'sparge' already", "its own"),
    ("nitrogen: n2", "nitrogen: «n3", "no output 'n3'", "n2"),
    ("nitrogen: n2", "nitrogen: «spare", "moved by loop 'spare' already", "stations instead"),
    ("nitrogen: n2", "nitrogen: «valve", "not steady", ""),
    ("nitrogen: n2", "nitrogen: «antifoam", "moved by loop 'foaming' already", ""),
    ("mode: constant_total", "mode: «constant", "'constant' is not known here", "constant_total"),
    ("gases: {air: air, ", "gases: {", "air is missing", ""),
    (", carbon_dioxide: co2}", "}", "carbon dioxide needs both", ""),
    ("    oxygen: oxygen_in_gas\n", "", "nobody says how much oxygen", "add oxygen:"),
    ("oxygen: o2, nitrogen: n2, ", "", "needs a gas that changes the oxygen", ""),
    ("title: Sparge gas", "title: Sparge gas\n    turndown: «1", "must be 2 or more", ""),
    ("range: {low: 0 L/min, high: 0.4", "range: {low: 0.1 L/min, high: 0.4", "cannot be shut", "write low: 0"),
    ("high: 450 mL/min}", "high: «600 mL/min}", "air would have to be 600 mL/min of at most 500", "no mix"),
    ("low: 10 mL/min, high: 450", "low: «5 mL/min, high: 450", "holds no less than 10 mL/min", "turndown"),
    ("low: 5 %, high: 60 %}, on_restart", "low: 5 %, high: «95 %}, on_restart", "more than the whole gas", ""),
    ("oxygen: o2, nitrogen: n2", "nitrogen: n2", "without oxygen no mix has more than air", "add oxygen:"),
    ("oxygen: o2, nitrogen: n2", "oxygen: o2", "without nitrogen no mix has less than air", "add nitrogen:"),
    ("high: 300 mL/min}", "high: 4 mL/min}", "oxygen would have to be", "no mix"),
    ("high: 0.4 L/min}", "high: 0.005 L/min}", "nitrogen would have to be", "no mix"),
    (
        "high: 100 mL/min}, safe: 0 mL/min}\n  spare",
        "high: 0.5 mL/min}, safe: 0 mL/min}\n  spare",
        "carbon dioxide would",
        "",
    ),
    ("nitrogen: n2, carbon", "nitrogen: n2, fine_air: «spare, carbon", "moved by loop 'spare' already", ""),
    ("on_restart: resume}\n  oxygen_in", "on_restart: «hold_output}\n  oxygen_in", "no output to be set by hand", ""),
    ("low: 10 mL/min, high: 450 mL/min}", "low: «10 mL/h/g, high: 450 mL/min}", "does not", ""),
]


def write(folder: Path, text: str) -> Path:
    path = folder / "class.yaml"
    path.write_text(text)
    return path


def problems(folder: Path, old: str, new: str) -> tuple[str, str]:
    """What is said first of a class in which ``old`` was replaced, and where « says that it is to be."""
    before, found, after = CLASS.partition(old)
    assert found
    ahead, _, behind = new.partition("«")
    path = write(folder, before + ahead + behind + after)
    place = before + ahead
    with pytest.raises(Problems) as caught:
        load_class(path)
    return str(caught.value), f"{path}:{place.count(chr(10)) + 1}:{len(place) - place.rfind(chr(10))}:"


@pytest.mark.parametrize(("old", "new", "message", "hint"), [*OUTPUTS, *DOSES, *MIXERS])
def test_a_mistake_has_its_place_and_its_remedy(tmp_path: Path, old: str, new: str, message: str, hint: str) -> None:
    said, place = problems(tmp_path, old, new)
    line = next(line for line in said.splitlines() if message in line and (place in line or "«" not in new))
    assert hint in line


@pytest.mark.parametrize(("old", "new"), [(old, new) for old, new, *_ in MIXERS if "oxygen_in_gas\n" not in old])
def test_one_mistake_is_few_problems(tmp_path: Path, old: str, new: str) -> None:
    said, _ = problems(tmp_path, old, new)
    assert len(said.splitlines()) <= 4


def test_without_a_mistake_there_is_none(tmp_path: Path) -> None:
    assert list(load_class(write(tmp_path, CLASS)).config.gas_mixers) == ["sparge"]


def test_two_mixers_share_nothing(tmp_path: Path) -> None:
    again = (
        CLASS[CLASS.index("  sparge:") :]
        .replace("sparge:", "overlay:")
        .replace("total: total_gas", "total: «total_gas")
    )
    said, place = problems(tmp_path, "carbon_dioxide: co2}\n", "carbon_dioxide: co2}\n" + again)
    assert f"{place} station 'total_gas' belongs to gas mixer 'sparge' already" in said
    assert "output 'air' belongs to gas mixer 'sparge' already" in said


def site_file(folder: Path, text: str) -> Path:
    """A site with one vessel of the class in ``text``."""
    path = folder / "site.yaml"
    path.write_text(f"""\
site: s
version: 1.0.0
title: S
connections:
  plc: {{driver: generic_plc, url: opc.tcp://127.0.0.1:4840}}
vessels:
  V:
    {{title: V, class: {write(folder, text).name}, instruments: {{plc: plc}}}}
""")
    return path


@pytest.fixture
def loaded(tmp_path: Path) -> LoadedSite:
    return load_site(site_file(tmp_path, CLASS))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("amount: 0.5 mL", "amount: 0.01 mL", "output base of class everything is pulsed every 1.2 s"),
        ("period: 10 s, shortest_on: 1 s, shortest_off: 2 s", "period: 1 s", "output valve of class everything is"),
    ],
)  # fmt: skip
def test_a_scan_is_the_shortest_pulse(tmp_path: Path, old: str, new: str, what: str) -> None:
    with pytest.raises(Problems) as caught:
        load_site(site_file(tmp_path, CLASS.replace(old, new)))
    assert f"8:23: {what}" in str(caught.value)
    assert "scans every 1 s can do so every 2 s: make pulses longer" in str(caught.value)


def test_a_step_said_as_a_speed_needs_the_calibration_of_its_pump(tmp_path: Path) -> None:
    text = CLASS.replace("smallest: 2 mL/h", 'step: "0.1 {rev}/min"')
    with pytest.raises(Problems, match=r"no calibration 'acid': class everything gives its step as a pump's speed"):
        load_site(site_file(tmp_path, text))
    path = site_file(tmp_path, text)
    calibration = 'calibration: {acid: {factor: "0.1 mL/{rev}", date: 2026-11-02}}'
    path.write_text(path.read_text().replace("instruments: {plc: plc}", f"instruments: {{plc: plc}}, {calibration}"))
    site = build(load_site(path))
    assert site.outputs.rows[site.outputs.index["V.acid"]].step == pytest.approx(0.6)


@pytest.mark.parametrize("new", ["amount: 0.5 mL/h, rate: 30 mL/h", "amount: 0.5 mL, rate: 0 mL/h"])
def test_a_dose_that_is_wrong_in_itself_is_told_once(tmp_path: Path, new: str) -> None:
    with pytest.raises(Problems, match=r"\b1 problem$"):
        load_site(site_file(tmp_path, CLASS.replace("amount: 0.5 mL, rate: 30 mL/h", new)))


FINE = "nitrogen: n2, carbon_dioxide: co2, fine_air: fine}"
FINE_OUTPUT = (
    "outputs:\n  fine: {title: Fine, source: {instrument: plc, point: Fine}, unit: mL/min, "
    "range: {low: 0 mL/min, high: 20 mL/min}, safe: 0 mL/min}\n"
)


def test_a_fine_controller_begins_lower_and_meets_the_other(tmp_path: Path) -> None:
    text = CLASS.replace("nitrogen: n2, carbon_dioxide: co2}", FINE).replace("outputs:\n", FINE_OUTPUT)
    lower = text.replace("low: 10 mL/min, high: 450", "low: 1 mL/min, high: 450")
    site = build(load_site(site_file(tmp_path, lower)))
    assert site.mixers[0].smallest[4] == pytest.approx(0.4)
    with pytest.raises(Problems, match="fine_air ends below the smallest flow of air"):
        load_class(write(tmp_path, text.replace("high: 20 mL/min", "high: 9 mL/min")))


def test_an_additive_mixer_needs_gases_for_what_may_be_asked(tmp_path: Path) -> None:
    text = CLASS.replace("mode: constant_total", "mode: additive")
    load_class(write(tmp_path, text))
    with pytest.raises(Problems, match="oxygen would have to be"):
        load_class(write(tmp_path, text.replace("high: 300 mL/min}", "high: 9 mL/min}")))
    with pytest.raises(Problems, match="nitrogen would have to be"):
        load_class(write(tmp_path, text.replace("high: 0.4 L/min}", "high: 0.02 L/min}")))


def test_everything_becomes_output_units_times_seconds(loaded: LoadedSite) -> None:
    site = build(loaded)
    base, valve, acid = (site.outputs.rows[site.outputs.index[f"V.{name}"]] for name in ("base", "valve", "acid"))
    assert base.pulse is not None
    assert (base.pulse.on, base.pulse.amount) == (30.0, pytest.approx(1800.0))
    assert base.guard == Guard(108_000.0, 86_400.0, 360_000.0, "mL", 3600.0)
    assert valve.pulse == Pulse(100.0, 10.0, 1.0, 2.0, valve.pulse.amount)
    assert (acid.pulse.on, acid.pulse.period) == (2.0, 60.0)
    foaming = site.loops.rows[site.loops.index["V.foaming"]]
    assert foaming.dose == Dose(True, 5.0, 720.0, 30.0, 600.0, 5.0, 50.0, 4)
    assert (foaming.unit, foaming.op_unit, foaming.op_high) == ("1", "mL/h", 60.0)


def test_a_measurement_may_be_slow(tmp_path: Path) -> None:
    site = build(load_site(site_file(tmp_path, CLASS.replace("point: Foam}", "point: Foam, slow: true}"))))
    points = {point.key: point.slow for pairs in site.bindings.values() for _, point in pairs}
    assert [key for key, slow in points.items() if slow] == ["V.foam"]


def test_a_mixer_works_in_the_unit_of_its_total(loaded: LoadedSite) -> None:
    site = build(loaded)
    mixer = site.mixers[0]
    assert mixer.high == (500.0, 300.0, 400.0, 100.0, 0.0)
    assert mixer.smallest == (10.0, 6.0, 8.0, 2.0, 0.0)
    assert mixer.output_scale[2] == pytest.approx(1e-3)
    assert mixer.station_scale == (1.0, 0.01, 0.01)
    total, oxygen, _ = (site.loops.rows[row] for row in mixer.stations)
    assert total.leads
    assert total.moves == oxygen.gases == mixer.outputs[:4]
    assert oxygen.moves == ()


def test_each_guard_and_each_dose_loop_has_its_alarm(loaded: LoadedSite) -> None:
    alarms = {alarm.full_name: alarm for alarm in build(loaded).alarms}
    assert alarms["V.base_dose_guard"].title == "Base: held by its dose guard"
    assert "30 mL within 24 h or 0.1 L in one batch" not in alarms["V.base_dose_guard"].cause
    assert "30 mL within 24 h or 100 mL in one batch" in alarms["V.base_dose_guard"].cause
    assert alarms["V.foaming_no_dose"].side == "blocked"
