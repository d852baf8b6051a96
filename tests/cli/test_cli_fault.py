"""``biovisor fault`` and scenario files: what is refused, and where; what the order is made of."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli.fault import standing
from controller.cli.main import main
from controller.commands import EventType
from controller.composition.fault_desk import control_port
from controller.composition.fault_log import event
from controller.composition.fault_status import HEAD as HEAD_OF_STATUS
from controller.composition.fault_status import row
from controller.composition.lease import Lease
from controller.composition.paths import control_path
from controller.composition.scenario import load_scenario
from controller.composition.simulated import SimulatorError
from controller.config.problems import Problems
from simulators.mishap_port import described
from simulators.mishaps.catalogue import CATALOGUE
from simulators.mishaps.order import ordered, signals_of
from simulators.plant import Plant

ROOT = Path(__file__).parents[2]
SITE = str(ROOT / "configs/sites/bench.yaml")
SCENARIOS = sorted((ROOT / "configs/scenarios").glob("*.yaml"))
BENCH = {"BR-101": signals_of({}), "BR-102": signals_of({})}
HEAD = "scenario: x\nversion: 1.0.0\ntitle: t\nfaults:\n"
ADDRESSES = json.dumps({"control": "127.0.0.1:4", "instruments": {}, "speed": 1})


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_shipped_scenario_can_be_ordered_of_the_bench(path):
    scenario = load_scenario(path, BENCH)
    assert scenario.name == path.stem
    plant = Plant({"BR-101": {"temperature_c": 37.0}}, 1)
    for request in scenario.requests:
        figures = {key: request[key] for key in ("start_s", "duration_s", "magnitude")}
        plant.mishaps.order(request["vessel"], ordered(request["fault"], request["signal"], **figures))


def test_most_of_the_catalogue_is_in_a_shipped_scenario():
    used = {request["fault"] for path in SCENARIOS for request in load_scenario(path).requests}
    assert {"probe-drift-ph", "gas-loss", "heater-stuck-on", "contamination", "foam-out", "power-cut"} <= used
    assert len(used) > len(CATALOGUE) / 2


def test_without_a_vessel_every_one_has_the_fault(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(HEAD + "  - {fault: leak, start: 1 h, magnitude: 0.2 L/h}\n")
    requests = load_scenario(path, BENCH).requests
    assert [request["vessel"] for request in requests] == ["BR-101", "BR-102"]
    assert requests[0] == {
        "op": "process_fault", "vessel": "BR-101", "fault": "leak", "signal": None, "start_s": 3600.0,
        "duration_s": None, "magnitude": 200.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{fault: gas-los}", "5:13: there is no process fault 'gas-los' (did you mean gas-loss?)"),
        ("{fault: leak, signal: ph}", "5:27: leak cannot befall 'ph'; possible: the whole vessel"),
        ("{fault: noise, start: 40 d}", "5:27: noise: start 3456000 s is outside 0 .. 2592000 s"),
        ("{fault: noise, start: 10}", "5:27: start: a unit is missing (write 10 s)"),
        ("{fault: power-cut, duration: 2 h}", "5:34: power-cut: duration 7200 s is outside 1 .. 3600 s"),
        ("{fault: leak, magnitude: 1 kg}", "5:30: magnitude: kg does not fit: a flow is expected here"),
        ("{fault: leak, magnitude: 90 L/h}", "5:30: leak: magnitude 90000 mL/h is outside 1 .. 10000 mL/h (usual 50"),
        ("{fault: disconnect, magnitude: 1 1}", "5:36: disconnect has no magnitude"),
        ("{fault: leak, vessel: BR-11}", "5:27: there is no vessel 'BR-11' (did you mean BR-101?)"),
        ("{fault: pump-stopped, signal: medium_rpm}", "5:35: pump-stopped: BR-101 has no medium_rpm; fitted: base_rpm"),
        ("{fault: leak, colour: red}", "5:19: 'colour' is not known here"),
    ],
)
def test_a_mistake_is_told_with_its_place(line, complaint, tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(f"{HEAD}  - {line}\n")
    with pytest.raises(Problems) as caught:
        load_scenario(path, {"BR-101": signals_of({})})
    assert f"{path}:{complaint}" in str(caught.value)
    assert len(caught.value.problems) == 1


def test_all_mistakes_come_at_once_and_check_finds_them(tmp_path, capsys):
    path = tmp_path / "scenario.yaml"
    path.write_text(HEAD + "  - {fault: gas-los}\n  - {fault: leak, signal: ph, magnitude: 1 kg}\n")
    assert main(["check", str(path)]) == 1
    assert "3 problems" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("gain: 70 %/Cel", "gain: -70 %/Cel", "this leg drives temperature away from its setpoint"),
        (
            "raises: [temperature, jacket_temperature]",
            "lowers: [temperature, jacket_temperature]",
            "drives temperature",
        ),
    ],
)
def test_f18_a_wrong_sign_is_refused_at_load(right, wrong, complaint, tmp_path, capsys):
    text = (ROOT / "configs/classes/stirred-tank-2l.yaml").read_text()
    assert right in text
    path = tmp_path / "class.yaml"
    path.write_text(text.replace(right, wrong))
    assert main(["check", str(path)]) == 1
    assert re.search(rf"class\.yaml:\d+:\d+: inverse action: .*{complaint}", capsys.readouterr().out)


def test_a_supervisor_does_not_start_with_a_wrong_scenario(tmp_path):
    path = tmp_path / "scenario.yaml"
    path.write_text(HEAD + "  - {fault: leak, vessel: BR-999}\n")
    words = ["run", SITE, "--simulate", "--scenario", str(path), "--port", "0", "--data", str(tmp_path / "data")]
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", *words],
        capture_output=True, text=True, timeout=30, check=False, env={**os.environ}, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1
    assert f"{path}:5:27: there is no vessel 'BR-999'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["leak", "--magnitude", "3"], "a unit is missing"),
        (["leek"], "there is no process fault 'leek' (did you mean leak?)"),
        (
            ["gas-loss", "--signal", "ph", "--start", "-1 s"],
            "possible: o2, air, co2, n2; gas-loss: start -1 s is outside",
        ),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_before_anything_is_asked(arguments, complaint, tmp_path, capsys):
    assert main(["fault", "inject", *arguments, "--vessel", "BR-101", "--data", str(tmp_path)]) == 2
    assert complaint in capsys.readouterr().err


def test_only_a_number_or_all_can_be_cleared(tmp_path, capsys):
    assert main(["fault", "clear", "first", "--data", str(tmp_path)]) == 2
    assert "'first' is no number" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["status"], ["clear", "1"], ["inject", "leak", "--vessel", "BR-101"]])
def test_where_nothing_simulated_runs_that_is_said(words, tmp_path, capsys):
    control_path(tmp_path).write_text(ADDRESSES)  # left by one that was killed
    assert main(["fault", *words, "--data", str(tmp_path)]) == 1
    assert f"no supervisor with simulated instruments runs on {tmp_path}" in capsys.readouterr().err


def test_the_running_one_is_found_also_in_the_folder_of_a_demonstration(tmp_path):
    for name in ("demo-1", "demo-2"):
        (tmp_path / name).mkdir()
        control_path(tmp_path / name).write_text(ADDRESSES)
    first = Lease(tmp_path / "demo-2")
    assert control_port(tmp_path) == ("127.0.0.1", 4)
    second = Lease(tmp_path / "demo-1")
    with pytest.raises(SimulatorError, match=r"choose one with --data: .*demo-1, .*demo-2"):
        control_port(tmp_path)
    first.release()
    second.release()


def test_instruments_by_their_line(tmp_path, capsys):
    line = tmp_path / "addresses.json"
    assert main(["fault", "status", "--instruments", str(line)]) == 1
    assert "No such file" in capsys.readouterr().err
    line.write_text(ADDRESSES)
    assert main(["fault", "status", "--instruments", str(line)]) == 1
    assert "control port did not answer" in capsys.readouterr().err


def test_what_waits_or_goes_on_is_shown_with_its_times():
    fault = {"number": 2, "vessel": "BR-101", "what": "ordered", "text": "gas-loss of o2", "process_s": 600.0}
    waiting = row({**fault, "begin_s": 1200.0, "end_s": 4800.0}, 60.0, 0.0)
    begin, end = "0:20:00 (1970-01-01 00:00:10 UTC)", "1:20:00 (1970-01-01 00:01:10 UTC)"
    assert waiting == ("2", "BR-101", "waiting", "gas-loss of o2", begin, end, "begins in 0:10:00")
    going = row({**fault, "what": "begins", "begin_s": 0.0, "end_s": 4800.0}, 1.0, 3600.0)
    begin, end = "0:00:00 (1970-01-01 00:50:00 UTC)", "1:20:00 (1970-01-01 02:10:00 UTC)"
    assert going[2:] == ("going on", "gas-loss of o2", begin, end, "1:10:00")
    assert row({**fault, "what": "begins", "begin_s": 0.0, "end_s": None}, 1.0, 3600.0)[5:] == (
        "when cleared",
        "until cleared",
    )
    shown = standing([waiting, going]).splitlines()
    assert shown[0].split() == [*HEAD_OF_STATUS]
    assert standing([]) == "no process fault is waiting or going on\n"


def test_the_catalogue_is_listed(capsys):
    assert main(["fault", "list"]) == 0
    printed = capsys.readouterr().out
    assert all(f"  {name} " in printed for name in CATALOGUE)
    assert "every reading" in printed


def test_what_goes_on_record():
    plant = Plant({"BR-101": {"temperature_c": 37.0}}, 1)
    plant.mishaps.order("BR-101", ordered("gas-loss", duration_s=60.0))
    (notice,) = plant.mishaps.notices
    told = event(described(notice))
    assert (told.type, told.subtype, told.vessel) == (EventType.GENERAL, "Simulated Fault", "BR-101")
    assert told.text == "simulated fault 1 ordered: Gas supply lost (F8, gas-loss of o2, for 60 s)"
