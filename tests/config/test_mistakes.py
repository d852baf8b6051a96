"""Every kind of mistake in a site or a vessel class: the right line and column, what is wrong, what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.config.checker import Finding
from controller.config.load import load_class, load_site
from controller.config.problems import Problems
from controller.config.vessel_class import VesselClassConfig

Break = Callable[[str, str, str], str]
FILES = {"site": "sites/bench.yaml", "class": "classes/stirred-tank-2l.yaml"}
DRIVERS = ("generic_plc", "hamilton_arc", "watson_marlow", "vicell_blu")

SCHEMA = [
    ("title: Jacket temperature", "«tilte: Jacket temperature", "'tilte' is not known here", "did you mean title?"),
    ("title: Jacket temperature\n    ", "", "title is missing", ""),
    ("title: Jacket temperature", "title: «7", "title: text is expected, this is a number", ""),
    ("title: Jacket temperature", "title:« ", "title: text is expected, this is empty", ""),
    ("max_rate: 1 Cel/s", "max_rate: «1", "a unit is missing", "write the unit"),
    ("max_rate: 1 Cel/s", "max_rate: «1Cel/s", "not a quantity", "put a space"),
    ("max_rate: 1 Cel/s", "max_rate: «.nan", "a unit is missing", ""),
    ("max_rate: 1 Cel/s", "max_rate: «.inf Cel/s", "not a quantity", ""),
    ("max_rate: 1 Cel/s", "max_rate: «true", "a number with its unit is expected, this is true", ""),
    ("max_rate: 1 Cel/s", "max_rate: «1 degC/s", "unknown unit 'degC/s'", "Cel/s"),
    ("filter: 5 s", "filter: «5", "a unit is missing", "write 5 s"),
    ("filter: 5 s", "filter: «5 mL", "a time is expected here, not a volume", ""),
    ("filter: 5 s", "filter: «-5 s", "too small", "at least 0 s"),
    ("integral_time: 400 s", "integral_time: «0 s", "too small", "more than 0 s"),
    ("decimals: 2", "decimals: «1e1", "a whole number is expected, this is text", "write 10"),
    ("decimals: 2", 'decimals: «"2"', "a whole number is expected, this is text", "write 2"),
    ("decimals: 2", "decimals: «few", "a whole number is expected, this is text", ""),
    ("decimals: 2", "decimals: «2.5", "a whole number is expected", ""),
    ("decimals: 2", "decimals: «7", "decimals: must be 6 or less", ""),
    ("sampled: true", "sampled: «yes", "true or false is expected, this is text", ""),
    ("rebase: batch", "rebase: «1", "text is expected, this is a number", "one of batch"),
    ("rebase: batch", "rebase: «bach", "'bach' is not known here", "did you mean batch?"),
    ("credible: {low: 0 Cel, high: 100 Cel}", "credible: «{low: 100 Cel, high: 0 Cel}", "is not below high", ""),
    (
        "credible: {low: 0 Cel, high: 100 Cel}",
        "credible: «{low: 0 Cel, high: 100 mL}",
        "credible: Cel does not fit",
        "",
    ),
    ("type: direct", "type: «dierct", "'dierct' is not known here", "did you mean direct?"),
    ("type: pid", "type: «PID", "'PID' is not known here", "did you mean pid?"),
    ("    type: direct\n    setpoint", "    setpoint", "type: it is missing", ""),
    (
        "safe: 50 mL/min",
        "safe: none",
        "air_flow: only an output with once: true can have safe: none",
        "value that is safe",
    ),
    ("{output: heater, from", "«{output: heater, loop: agitation, from", "either an output or a loop", ""),
    ("from: 0 %, to: 25 %", "from: 25 %, to: 25 %", "is not below to", ""),
    ("above: 37.8 Cel", "above: 37.8 Cel, below: 30 Cel", "an alarm has one limit", ""),
    ("  over_pressure:", "  «Over pressure:", "is not a name", "base_flow"),
    ("force: {heater: 0 %}", "force: «{}", "force: needs at least 1, has 0", ""),
    (
        "instruments: [plc, probes,",
        "instruments: [«5, probes,",
        "a name of lower-case letters, digits and _ is expected",
        "",
    ),
    ("version: 1.0.0", "version: «1.0", "a version is expected, this is a number", "as in 1.0.0"),
    ("version: 1.0.0", "version: «v1", "is not a version", "as in 1.0.0"),
    ("high: 2.0 L}", "high: «2.0 Cel}", "a volume is expected here, not a temperature", ""),
]

CLASS = [
    ("source: {instrument: plc, point: Temp.PV}", "source: {instrument: «pcl, point: Temp.PV}",
     "no instrument 'pcl'", "did you mean plc, or add it under instruments:"),
    ("source: {instrument: plc, point: Temp.PV}", "source: {instrument: «balance, point: Temp.PV}",
     "no instrument 'balance'", "(add it under instruments:)"),
    ("credible: {low: 0 Cel, high: 100 Cel}", "credible: {low: «0 mL, high: 100 mL}", "low: mL does not fit", ""),
    ("max_rate: 1 Cel/s", "max_rate: «1 Cel", "max_rate: Cel does not fit", "converts to Cel/s"),
    ("inputs: [weight]", "inputs: [«wait]", "no tag 'wait'", "weight"),
    ("inputs: [weight]", "inputs: [«volume]", "a mass is expected here, not a volume", ""),
    ("inputs: [weight]", "inputs: [«count_request]", "count_request is written and never read", "a tag that is read"),
    ("inputs: [weight]", "inputs: [«pressure]", "a mass is expected here, not a pressure", ""),
    ("inputs: [weight]", "inputs: «[weight, pressure]", "takes one input", ""),
    ("  volume: {title: Culture volume, from: volume_from_weight, inputs: [weight], density: 1.008 g/mL",
     "  «volume: {title: Culture volume, from: volume_from_weight, inputs: [weight]", "density is missing", ""),
    ("density: 1.008 g/mL", "density: «1.008 mL/g", "does not fit", "g/mL"),
    ("density: 1.008 g/mL, unit: L", "density: 1.008 g/mL, unit: «g", "a volume is expected", ""),
    ("  volume: {title", "  «pressure: {title", "'pressure' is in measurements already", ""),
    ("source: {instrument: plc, point: O2.SP}", "source: «{instrument: plc, point: Air.SP}",
     "by output 'air_flow'", ""),
    ("safe: 50 mL/min", "safe: «600 mL/min", "outside the output's range", ""),
    ('max_rate: "50 {rev}/min/s"', 'max_rate: «"50 {rev}/min"', "max_rate: {rev}/min does not fit", ""),
    ('max_rate: "50 {rev}/min/s"', 'max_rate: «"-50 {rev}/min/s"', "max_rate: -50 {rev}/min/s is too small", "more"),
    ('max_rate: "50 {rev}/min/s"', 'max_rate: «"0 {rev}/min/s"', "max_rate: 0 {rev}/min/s is too small", "more than"),
    ('max_rate: "20 {rev}/min/s"', 'max_rate: «"-20 {rev}/min/s"', "max_rate: -20 {rev}/min/s is too small", ""),
    ("max_rate: 1 Cel/s", "max_rate: «-1 Cel/s", "max_rate: -1 Cel/s is too small", "more than 0"),
    ("confirm_step: 5 Cel", "confirm_step: «-5 Cel", "confirm_step: -5 Cel is too small", "more than 0"),
    ("deadband: 0.2 Cel", "deadband: «-0.2 Cel", "deadband: -0.2 Cel is too small", "0 or more"),
    ('gap: {width: "0.01 [pH]"', 'gap: {width: «"-0.01 [pH]"', "width: -0.01 [pH] is too small", "0 or more"),
    ("raises: [temperature, jacket_temperature]", "raises: [temperature, «jaket_temperature]",
     "no measurement or calculated tag 'jaket_temperature'", "jacket_temperature"),
    ("safe: 0 mL/min, lowers: [do]", "safe: 0 mL/min, lowers: [do, «do2.op]", "no loop 'do2'", "do"),
    ("    pv: agitation_rate\n", "    pv: «temperature\n", "temperature is in Cel, the setpoint in {rev}/min", ""),
    ('unit: "{rev}/min"\n    decimals: 0\n    credible: {low: "0 {rev}/min", high: "1200 {rev}/min"}',
     'unit: "{rev}/h"\n    decimals: 0\n    credible: {low: "0 {rev}/h", high: "90000 {rev}/h"}',
     "agitation_rate is in {rev}/h, the setpoint in {rev}/min", "give both one unit"),
    ("integral_time: 400 s", "integral_time: «5 s", "integral_time: 5 s is not longer than the filter of temperature",
     "act on what is long past"),
    ("    legs:\n      - {output: co2_flow, from: -100 %, to: 0 %, start: 40 mL/min, end: 0 mL/min}\n"
     "      - {output: base_flow, from: 0 %",
     "    legs_act: together\n    legs:\n"
     "      - {output: co2_flow, from: -100 %, to: 40 %, start: 40 mL/min, end: 0 mL/min}\n"
     "      - {output: base_flow, from: «0 %", "of base_flow and co2_flow one raises ph and the other lowers it", ""),
    ("pv: temperature", "pv: «temprature", "no measurement or calculated tag 'temprature'", "temperature"),
    ("setpoint: {default: 37.0 Cel", "setpoint: {default: «41 Cel", "outside the setpoint limits, 4 Cel .. 40 Cel", ""),
    ("low: 4 Cel", "low: «-4 Cel", "outside what the sensor can say", ""),
    ("low: 4 Cel", "low: «4 mL", "low: mL does not fit", ""),
    ("low: 4 Cel", "low: «44 Cel", "is not below high", ""),
    ("confirm_step: 5 Cel", "confirm_step: «5 %", "does not fit", ""),
    ("health: {band: 0.2 Cel}", "health: {band: «0.2 %}", "band: % does not fit", ""),
    ("health: {band: 0.2 Cel}", "health: {band: «0 Cel}", "band: 0 Cel is too small", "more than 0"),
    ("health: {band: 0.2 Cel}", "health: {«bnad: 0.2 Cel}", "'bnad' is not known here", "did you mean band?"),
    ("health: {band: 0.2 Cel}", "health: {delay: «0 s}", "too small", "more than 0 s"),
    (
        "    total: feed_total\n",
        "    total: feed_total\n    «health: {delay: 5 s}\n",
        "'feed' has no pv, so there is nothing to judge",
        "give it a pv",
    ),
    ("gain: 70 %/Cel", "gain: «70 Cel/%", "gain: Cel/% does not fit", ""),
    ("to: 100 %, start: 0 %, end: 100 %", "to: 100 %, start: 0 %, end: «110 %", "outside the output's range", ""),
    ("{output: heater", "{output: «heatre", "no output 'heatre'", "heater"),
    ("{output: base_flow, from: 0 %", "{output: base_flow, from: «10 %", "leaves a gap to the one before", ""),
    ("{output: base_flow, from: 0 %", "{output: base_flow, from: «-10 %", "of base_flow and co2_flow one raises ph",
     "begin it at 0 % or later"),
    ("{loop: agitation, from: 25 %", "{loop: agitation, from: «20 %", "of agitation and n2_flow one raises do", ""),
    ("{output: o2_flow, from: 60 %", "{output: o2_flow, from: «50 %", "overlaps the one before",
     "begin it at 60 %, or write legs_act: together"),
    ("{output: base_flow, from: 0 %", "{output: «heater, from: 0 %", "moved by loop 'temperature' already", ""),
    ("{output: heater, from: 0 %, to: 100 %, start: 0 %, end: 100 %}",
     "{output: heater, from: 0 %, to: 50 %, start: 0 %, end: 50 %}\n"
     "      - {output: «heater, from: 50 %, to: 100 %, start: 50 %, end: 100 %}",
     "output 'heater' is moved by another leg of this loop already", ""),
    ("{loop: agitation", "{loop: «agitatoin", "no loop 'agitatoin'", "agitation"),
    ("{loop: agitation", "{loop: «ph", "loop 'ph' does not say what it does to do", "raises: [do]"),
    ("to: 0 %, start: 40 mL/min, end: 0 mL/min", "to: 0 %, start: «0 mL/min, end: 40 mL/min",
     "inverse action: with the gain 330 %/[pH] this leg drives ph away", "swap start: and end:"),
    ("gain: 70 %/Cel", "gain: -70 %/Cel", "inverse action: with the gain -70 %/Cel this leg drives temperature",
     "turn the sign"),
    ("gain: 2.0 %/%", "gain: «0 %/%", "a gain of zero does nothing", ""),
    ("from: 0 %, to: 100 %, start: 0 %, end: 100 %", "from: 0 %, to: 100 %, start: 0 %, end: «0 %",
     "this leg moves nothing", ""),
    ("raises: [temperature, jacket_temperature]", "raises: [jacket_temperature]",
     "output 'heater' does not say what it does to temperature", "raises: [temperature]"),
    ('width: "0.01 [pH]"', 'width: «"0.25 [pH]"', "the gap (0.25 [pH]) reaches alarm 'ph_low' at 7 [pH]", "0.2 [pH]"),
    ('width: "0.01 [pH]"', 'width: "0.01 [pH]", hysteresis: «"0.03 [pH]"', "is wider than the gap", ""),
    ('width: "0.01 [pH]"', "width: «0.01 %", "width: % does not fit", ""),
    ("safe\n    on_restart: resume\n    health", "safe\n    fallback: «20 %\n    on_restart: resume\n    health",
     "a loop that goes safe has no fallback", "hold or manual"),
    ("output: agitation_speed", "output: «agitation_sped", "no output 'agitation_sped'", "agitation_speed"),
    ("high: 500 mL/min, confirm_step", "high: «550 mL/min, confirm_step", "outside the output's range", ""),
    ("total: feed_total", "total: «feed_totl", "no measurement or calculated tag 'feed_totl'", "feed_total"),
    ("total: feed_total", "total: «weight", "weight counts g", ""),
    ("force: {heater: 0 %}", "force: {heater: «-5 %}", "outside the output's range", ""),
    ("force: {heater: 0 %}", "force: {heating: «0 %}", "no output 'heating'", "heater"),
    ("tag: temperature, above", "tag: «temp, above", "no measurement or calculated tag 'temp'", ""),
    ("above: 37.8 Cel", "above: «378 Cel", "outside what the sensor can say", ""),
    ("above: 37.8 Cel, deadband: 0.2 Cel", "above: 37.8 Cel, deadband: «0.2 %", "does not fit", ""),
]  # fmt: skip

SITE = [
    ("driver: generic_plc", "driver: «generic_plx", "there is no driver 'generic_plx'", "generic_plc"),
    ("opc.tcp://192.168.10.101:4840", "«http://192.168.10.101:4840", "'http' is no kind of connection", "opc.tcp://"),
    ("opc.tcp://192.168.10.101:4840", "«opc.tcp://192.168.10.101", "names no port", "4840"),
    ("opc.tcp://192.168.10.101:4840", "«opc.tcp://192.168.10.101:99999", "port is not a number", ""),
    (
        "opc.tcp://192.168.10.101:4840",
        "«opc.tcp://me:secret@192.168.10.101:4840",
        "does not belong in a URL",
        "password_env",
    ),
    ("opc.tcp://192.168.10.101:4840", "«opc.tcp://[192:4840", "is not a URL", ""),
    ("serial:///dev/serial/by-id/usb-rs485-probes-101", "«serial://dev/ttyUSB0", "three slashes", ""),
    ("baudrate=19200", "baudrate=19201", "baudrate can't be '19201'", "19200"),
    ("baudrate=19200", "baud=19200", "'baud' is no option", "baudrate"),
    ("opc.tcp://192.168.10.102:4840", "«opc.tcp://192.168.10.101:4840", "belongs to connection 'plc-101' already", ""),
    (
        "serial:///dev/serial/by-id/usb-rs232-feed-101?baudrate=9600",
        "«serial:///dev/serial/by-id/usb-rs232-base-101?baudrate=4800",
        "connection 'base-pump-101' speaks otherwise on this line",
        "the same settings",
    ),
    (
        "serial:///dev/serial/by-id/usb-rs232-base-102?baudrate=9600&stopbits=2",
        "«serial:///dev/serial/by-id/usb-rs232-base-101?baudrate=9600&stopbits=2",
        "connection 'base-pump-101' is the same device on this line",
        "another number in the options",
    ),
    ("scan_period: 1 s", "scan_period: «10 ms", "too small", "at least 0.1 s"),
    ("simulation: {vessel: BR-101}", "simulation: «{vessel: BR-103}", "there is no vessel 'BR-103'", "BR-101"),
    ("options: {number: 1}", "options: «[1]", "a mapping is expected, this is a list", ""),
    (
        "class: ../classes/stirred-tank-2l.yaml",
        "class: «../classes/absent.yaml",
        "there is no file",
        "relative to the site",
    ),
    ("{plc: plc-101", "{plc: «plc-111", "there is no connection 'plc-111'", "plc-101"),
    ("{plc: plc-101", "{«plx: plc-101", "there is no role 'plx'", "plc"),
    ("instruments: {plc: plc-101, ", "«instruments: {", "no instrument for the role 'plc'", "add plc:"),
    ("{plc: plc-102", "{plc: «plc-101", "plc-101 serves vessel BR-101 already", ""),
    ('base_flow: {factor: "0.025 mL/{rev}"', 'base_flow: {factor: «"0.025 g/{rev}"', "g/{rev} does not give mL", ""),
    (
        'base_flow: {factor: "0.025 mL/{rev}"',
        '«bas_flow: {factor: "0.025 mL/{rev}"',
        "no calibration 'bas_flow'",
        "base_flow",
    ),
    ("date: 2026-11-02", "date: «2026-13-02", "is not a date", "2026-11-02"),
    ("volume: 1.0 L", "volume: «1.0", "a unit is missing", "write 1.0 L"),
]


def site_text(configs: Path) -> str:
    with pytest.raises(Problems) as caught:
        load_site(configs / FILES["site"], drivers=DRIVERS)
    return str(caught.value)


@pytest.mark.parametrize(("old", "new", "message", "hint"), [*SCHEMA, *CLASS])
def test_a_mistake_in_a_class(configs: Path, spoil: Break, old: str, new: str, message: str, hint: str) -> None:
    place = spoil("class", old, new)
    with pytest.raises(Problems) as caught:
        load_class(configs / FILES["class"])
    first = str(caught.value.problems[0])
    assert message in first
    assert hint in first
    if "«" in new:
        assert first.startswith(place)


@pytest.mark.parametrize(("old", "new", "message", "hint"), SITE)
def test_a_mistake_in_a_site(configs: Path, spoil: Break, old: str, new: str, message: str, hint: str) -> None:
    place = spoil("site", old, new)
    lines = [line for line in site_text(configs).splitlines() if message in line]
    assert lines
    assert hint in lines[0]
    if "«" in new:
        assert lines[0].startswith(place)


def test_a_slope_needs_more_than_a_few_scans(configs: Path, spoil: Break) -> None:
    entry = "  warming: {title: Warming, from: rate, inputs: {of: temperature}, window: %s, unit: Cel/h, decimals: 1}\n"
    spoil("class", "calculated:\n", "calculated:\n" + entry % "20 s")
    place = spoil("site", "class: ../classes", "class: «../classes")
    assert f"{place} the window of warming of class stirred-tank-2l is 20 s (24 scans every 1 s" in site_text(configs)
    spoil("class", "window: 20 s", "window: 24 s")
    assert load_site(configs / FILES["site"], drivers=DRIVERS)


def test_the_shipped_files_have_none(configs: Path) -> None:
    site = load_site(configs / FILES["site"], drivers=DRIVERS)
    assert list(site.classes) == ["BR-101", "BR-102"]
    assert len(site.files) == 2
    assert site.classes["BR-101"].measurements["temperature"].credible.to("K") == (273.15, 373.15)


def test_schema_and_cross_checks_of_both_files_come_at_once(configs: Path, spoil: Break) -> None:
    places = [
        spoil("site", "driver: generic_plc", "driver: «generic_plx"),
        spoil("site", "    options: {number: 1}", "    «optoins: {number: 1}"),
        spoil("site", "volume: 1.0 L", "volume: «1.0"),
        spoil("class", "max_rate: 1 Cel/s", "max_rate: «1 Cel"),
        spoil("class", "title: Jacket temperature", "«tilte: Jacket temperature"),
        spoil("class", "{output: heater", "{output: «heatre"),
        spoil("class", "on_bad_pv: hold", "on_bad_pv: «hodl"),
        spoil("class", "force: {heater: 0 %}", "force: {heater: «0 Cel}"),
        spoil("class", "above: 37.8 Cel", "above: «378 Cel"),
        spoil("class", "respond_within: 30 min", "respond_within: «30 mL"),
    ]
    lines = site_text(configs).splitlines()
    assert lines[-1] == "10 problems"
    assert sorted(line.split(" ")[0] for line in lines[:-1]) == sorted(places)


def test_one_mistake_is_one_problem_although_others_depend_on_it(configs: Path, spoil: Break) -> None:
    spoil("class", "title: Temperature", "title: «7")
    spoil("class", "title: Heater", "title: «7")
    spoil("class", "{output: n2_flow, from: 0 %", "{output: n2_flow, from: «0")
    assert site_text(configs).splitlines()[-1] == "3 problems"


def test_legs_that_fight_are_told_once(configs: Path, spoil: Break) -> None:
    place = spoil("class", "{output: base_flow, from: 0 %", "{output: base_flow, from: «-10 %")
    (line, last) = site_text(configs).splitlines()
    assert line.startswith(f"{place} this leg fights another")
    assert last == "1 problem"


def test_cross_checks_run_although_the_head_of_the_file_is_missing(configs: Path, spoil: Break) -> None:
    spoil("class", "vessel_class: stirred-tank-2l\nversion: 1.0.0\n", "")
    spoil("class", "pv: temperature", "pv: «temprature")
    text = site_text(configs)
    assert "vessel_class is missing" in text
    assert "version is missing" in text
    assert "'temprature'" in text


def test_conditions_are_checked_where_a_checker_is_given(configs: Path, spoil: Break) -> None:
    place = spoil("class", "when: temperature > 38.5 Cel", "when: temperature > «38.5 Cel")

    def checker(text: str, vessel_class: VesselClassConfig) -> list[Finding]:
        assert vessel_class.unit("temperature") == "Cel"
        return [Finding(text.index("38.5"), "too warm", "cool it")] if "38.5" in text else []

    with pytest.raises(Problems) as caught:
        load_class(configs / FILES["class"], conditions=checker)
    assert str(caught.value) == f"{place} too warm (cool it)\n1 problem"


def test_a_yaml_mistake_in_the_class_does_not_hide_the_site(configs: Path, spoil: Break) -> None:
    spoil("class", "title: Jacket temperature", "title: Jacket: temperature")
    spoil("site", "{plc: plc-101", "{plc: «plc-111")
    text = site_text(configs)
    assert "not valid YAML" in text
    assert "'plc-111'" in text


def test_a_site_without_connections(configs: Path) -> None:
    (configs / FILES["site"]).write_text("site: bench\nversion: 1.0.0\ntitle: Bench\nvessels: {}\n")
    text = site_text(configs)
    assert "connections is missing" in text
    assert "vessels: needs at least 1, has 0" in text


def test_a_file_that_is_something_else(configs: Path) -> None:
    (configs / FILES["class"]).write_text("- a\n")
    with pytest.raises(Problems, match="a mapping is expected, this is a list"):
        load_class(configs / FILES["class"])


def test_a_broken_value_is_not_complained_of_twice(configs: Path, spoil: Break) -> None:
    place = spoil("class", "title: Jacket temperature", "title: «*jacket")
    assert site_text(configs) == f"{place} aliases are not accepted (write the value itself)\n1 problem"


PID = "    type: pid\n    pv: temperature\n"
SCHEDULE = "    schedule: {signal: volume, points: [%s]}\n"


def class_text(configs: Path, old: str, new: str) -> str:
    path = configs / FILES["class"]
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(Problems) as caught:
        load_class(path)
    return str(caught.value)


def test_a_loop_cannot_drive_itself_round_a_corner(configs: Path) -> None:
    path = configs / FILES["class"]
    text = path.read_text().replace(
        "{output: heater, from: 0 %, to: 100 %, start: 0 %, end: 100 %}",
        "{loop: ph, from: 0 %, to: 100 %, start: '7 [pH]', end: '7.5 [pH]'}",
    )
    text = text.replace("{output: base_flow, from: 0 %, to: 100 %, start: 0 mL/h, end: 60 mL/h}",
                        "{loop: temperature, from: 0 %, to: 100 %, start: 36 Cel, end: 38 Cel}")  # fmt: skip
    path.write_text(text)
    with pytest.raises(Problems) as caught:
        load_class(path)
    assert "a circle of cascades: temperature → ph → temperature" in str(caught.value)
    assert "a circle of cascades: ph → temperature → ph" in str(caught.value)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ("{at: 1 L, gain: 40 %/Cel}, {at: 0.5 L, gain: 20 %/Cel}", "0.5 L does not come after the point before"),
        ("{at: 1 L, gain: 40 %/Cel}, {at: 2 L, gain: -20 %/Cel}", "has not the sign of the tuning's, 70 %/Cel"),
        (
            "{at: 1 L, gain: 40 %/Cel}, {at: 2 L, gain: 20 %/Cel, integral_time: 4 s}",
            "4 s is not longer than the filter",
        ),
        ("{at: 1 L, gain: 40 %/Cel}, {at: 2 kg, gain: 20 %/Cel}", "at: kg does not fit"),
        ("{at: 1 L, gain: 40 %/Cel}", "at least 2"),
    ],
)
def test_a_wrong_schedule(configs: Path, points: str, message: str) -> None:
    assert message in class_text(configs, PID, PID + SCHEDULE % points)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{signal: wieght, gain: 1 %/g}", "there is no measurement or calculated tag 'wieght'"),
        ("{signal: feeed.op, gain: 1 %/g}", "there is no loop 'feeed'"),
        ("{signal: weight, gain: 1 g/%}", "gain: g/% does not fit"),
        ("{signal: weight, gain: 1 %/g, washout: 60 s, around: 1 g}", "with washout only changes count"),
        ("{signal: a.b.c, gain: 1 %/g}", "is not a tag, or a loop's setpoint or output"),
    ],
)
def test_a_wrong_feed_forward(configs: Path, entry: str, message: str) -> None:
    assert message in class_text(configs, PID, PID + f"    feed_forward: [{entry}]\n")


RATIO = """loops:
  co2_share:
    title: CO2 share
    type: ratio
    of: air_flow_measured
    setpoint: {default: 5 %, low: 0 %, high: 20 %}
    on_bad_pv: hold
    on_restart: safe
    loop: co2
  co2:
    title: CO2 in the gas
    type: station
    unit: mL/min
    setpoint: {default: 0 mL/min, low: 0 mL/min, high: 50 mL/min}
    on_restart: resume
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("default: 5 %", "default: 5 mL", "times air_flow_measured in mL/min gives no mL/min"),
        ("of: air_flow_measured", "of: air", "there is no measurement or calculated tag 'air'"),
        ("    loop: co2\n", "", "a ratio moves either an output or a loop"),
        ("    loop: co2\n", "    loop: co3\n", "there is no loop 'co3'"),
    ],
)
def test_a_wrong_ratio(configs: Path, old: str, new: str, message: str) -> None:
    assert message in class_text(configs, "loops:\n", RATIO.replace(old, new))


def test_a_ratio_and_a_station_load(configs: Path) -> None:
    path = configs / FILES["class"]
    path.write_text(path.read_text().replace("loops:\n", RATIO, 1))
    assert load_class(path).config.loops["co2_share"].type == "ratio"


BACK = """  air_share:
    title: Air by carbon dioxide
    type: ratio
    of: co2.op
    setpoint: {default: 5 %, low: 0 %, high: 20 %}
    on_bad_pv: hold
    on_restart: safe
    loop: air
"""
FORWARD = "    feed_forward: [{signal: %s, gain: '1 %s'}]\n"


@pytest.mark.parametrize(
    ("old", "new", "way"),
    [
        ("loops:\n", RATIO.replace("air_flow_measured", "«co2.sp"), "co2 → co2_share → co2"),
        ("loops:\n", RATIO.replace("air_flow_measured", "«air.sp") + BACK, "air → co2_share → co2 → air_share → air"),
        (
            "    pv: do\n",
            "    pv: do\n" + FORWARD % ("«agitation.op", "%/({rev}/min)"),
            "agitation → do → agitation",
        ),
        (PID, PID + FORWARD % ("«temperature.op", "%/%"), "temperature → temperature"),
    ],
)
def test_no_loop_drives_itself_by_what_it_takes_over(configs: Path, spoil: Break, old: str, new: str, way: str) -> None:
    place = spoil("class", old, new)
    with pytest.raises(Problems) as caught:
        load_class(configs / FILES["class"])
    assert f"{place} a circle of cascades: {way} (a loop cannot drive itself)" in str(caught.value)


def test_a_setpoint_may_be_fed_forward(configs: Path) -> None:
    path = configs / FILES["class"]
    path.write_text(path.read_text().replace(PID, PID + FORWARD % ("temperature.sp", "%/Cel"), 1))
    assert load_class(path).config.loops["temperature"].type == "pid"


@pytest.mark.parametrize(("one", "other"), [("do.op", ""), ("ph.op", "do.op")])
def test_no_loop_looks_at_itself(configs: Path, spoil: Break, one: str, other: str) -> None:
    if other:
        spoil("class", "    pv: ph\n", f"    pv: {other}\n")
    place = spoil("class", "    pv: do\n", f"    pv: «{one}\n")
    with pytest.raises(Problems) as caught:
        load_class(configs / FILES["class"])
    way = " → ".join(["do", *(["ph"] if other else []), "do"])
    assert f"{place} a circle of values: {way} (a loop cannot drive itself)" in str(caught.value)
