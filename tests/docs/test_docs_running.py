"""What the pages tell the reader to type is typed, and does what they say."""

import json
import re
from pathlib import Path

import pytest

from controller.cli.main import main
from tests.docs.conftest import ALL, COMMANDS, ROOT, inline, name
from tests.docs.test_docs_pages import EXCUSED, biovisor
from tests.drivers.simulated import Simulated
from tests.e2e.conftest import BENCH, Instruments, Process, Supervisor, until

HTTP = ROOT / "docs/reference/http-api.md"
SIMULATORS = ROOT / "docs/how-to/use-the-simulators.md"
CURLS = {page: [line for where, line in COMMANDS if where == page and line.startswith("curl ")] for page, _ in COMMANDS}


def lines(*start):
    return [command for _, command in COMMANDS if (biovisor(command) or [])[: len(start)] == list(start)]


TUNING = "docs/how-to/tune-a-loop.md"
LOOPS = [command for page, command in COMMANDS if page == TUNING]
CALIBRATE = "docs/how-to/calibrate.md"
FAULTS = "docs/how-to/rehearse-faults.md"
FAULT_LINES = [line for page, line in COMMANDS if page == FAULTS and biovisor(line)[0] in {"run", "fault"}]
CALIBRATIONS = [command for page, command in COMMANDS if page == CALIBRATE]
RUNS = [command for command in lines("run") if "--simulate" in command and command not in [*LOOPS, *FAULT_LINES]]
FOR_HARDWARE = [command for command in lines("run") if "--simulate" not in command]
AT_ONCE = [*lines("check"), *lines("schema")]
REHEARSALS = sorted(set(lines("rehearse")))
DEVICES = sorted({command for command in lines("device") if command not in CALIBRATIONS})
PORT = "serial:///dev/ttyUSB0"


def test_every_command_line_has_a_test_that_runs_it():
    run = [
        *RUNS,
        *FOR_HARDWARE,
        *AT_ONCE,
        *REHEARSALS,
        *lines("verify"),
        *lines("simulate"),
        *LOOPS,
        *FAULT_LINES,
        *DEVICES,
        *CALIBRATIONS,
        *EXCUSED,
    ]
    run += [line for page in ("README.md", "docs/tutorial/first-batch.md", name(HTTP)) for line in CURLS[page]]
    assert sorted(set(run)) == sorted({command for _, command in COMMANDS})


@pytest.mark.parametrize("command", REHEARSALS)
def test_rehearsals(command, tmp_path, monkeypatch, capsys):
    """With two donors and for some hours: how many and how long changes nothing else."""
    monkeypatch.chdir(ROOT)
    shorter = ["--donors", "2", "--longest", "0.1", "--processes", "1", "--data", str(tmp_path)]
    assert main([*biovisor(command), *shorter]) == 0
    assert capsys.readouterr().out.rstrip().endswith("report.html")


@pytest.mark.parametrize("command", FOR_HARDWARE)
def test_what_runs_on_hardware_is_what_runs_simulated(command):
    """The laboratory is not here: the same line with --simulate is among those that are run."""
    assert f"{command} --simulate" in RUNS


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """The simulated instruments of the bench."""
    instruments = Instruments(BENCH, tmp_path_factory.mktemp("instruments"))
    yield instruments
    instruments.close()


@pytest.mark.e2e
@pytest.mark.parametrize("command", DEVICES)
def test_actions_on_instruments(command, request, tmp_path, monkeypatch, capsys):
    """On simulated instruments, without a terminal and without waiting as long."""
    monkeypatch.chdir(ROOT)
    words = [{"--every": "--every", "2": "0.1"}.get(word, word) for word in biovisor(command)]
    if "--pumps" in words:
        words.append("--yes")
    if "bench.yaml" in command:
        assert main([*words, "--instruments", str(request.getfixturevalue("bench").file)]) == 0
        return
    if PORT not in words:
        assert main(words) == 0
        return
    kind = next(word for word in words if word in {"alicat", "watson_marlow"})
    with Simulated(kind, tmp_path, **({"unit": "B"} if kind == "alicat" else {})) as one:
        assert main([one.url if word == PORT else word for word in words]) == 0


@pytest.mark.parametrize("command", sorted(set(AT_ONCE)))
def test_checks_and_schemas(command, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    mistake = "my-recipe" in command
    if mistake:
        (tmp_path / "configs").unlink()
        folder = tmp_path / "configs/recipes"
        folder.mkdir(parents=True)
        (tmp_path / "configs/classes").symlink_to(ROOT / "configs/classes")
        recipe = (ROOT / "configs/recipes/car-t-expansion.yaml").read_text()
        (folder / "my-recipe.yaml").write_text(recipe.replace("value: 3.0 10*6/mL", "value: 3.0 10*6/h"))
    arguments = [word for text in biovisor(command) for word in (sorted(map(str, Path().glob(text))) or [text])]
    assert main(arguments) == mistake
    printed = capsys.readouterr().out
    if mistake:
        assert re.search(r"my-recipe\.yaml:\d+:\d+: ", printed)
    elif arguments[0] == "schema":
        assert json.loads(printed)["$schema"].endswith("2020-12/schema")
    elif "--json" in arguments:
        answer = next(block for block in ALL if block.language == "json" and block.word == "0")
        assert json.loads(printed) == json.loads(answer.text)


@pytest.mark.e2e
@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", sorted(set(RUNS)))
def test_a_supervisor_with_a_recipe(command, tmp_path):
    supervisor = Supervisor(*biovisor(command), "--data", tmp_path)
    try:
        supervisor.ready()
        batch = until(supervisor.batch, 20, "the batch is there")
        assert batch["recipe"] == "car-t-expansion"
        if "--formula" in command:
            assert batch["formula"]["target_density"]["value"] == pytest.approx(2.0)
            assert batch["formula"]["longest_expansion"]["value"] == pytest.approx(5.0)
        assert supervisor.terminate() == 0
    finally:
        supervisor.close()


@pytest.mark.e2e
@pytest.mark.timeout(60)
def test_the_simulators_page(tmp_path):
    (command,) = (line for line in lines("simulate") if "--speed" in line)
    _, site, _, speed = biovisor(command)
    instruments = Instruments(site, tmp_path, speed)
    try:
        assert all({"url", "pid"} <= entry.keys() for entry in instruments.addresses["instruments"].values())
        requests = [json.loads(text) for text in inline(SIMULATORS) if text.startswith('{"op"')]
        answers = [(request, instruments.ask(**request)) for request in requests if request["op"] != "stop"]
        assert all(answer["ok"] for _, answer in answers), answers
        told = {request["op"]: answer for request, answer in answers}
        assert {"true_ph", "glucose"} <= told["state"].keys()
        assert told["hands_done"]["ids"] == ["1"]
        (run,) = (text for text in inline(SIMULATORS) if text.startswith("biovisor run"))
        words = [instruments.file if word == "addresses.json" else word for word in biovisor(run)]
        supervisor = Supervisor(*words, "--data", tmp_path / "data")
        try:
            supervisor.ready()
        finally:
            supervisor.close()
        assert instruments.ask(op="stop") == {"ok": True}
        assert instruments.popen.wait(10) == 0
    finally:
        instruments.close()


@pytest.mark.e2e
@pytest.mark.timeout(60)
@pytest.mark.parametrize("command", [line for line in lines("simulate") if "--speed" not in line])
def test_one_instrument(command, tmp_path):
    words = biovisor(command)
    process = Process(*words, "--data", tmp_path)
    try:
        (address,) = json.loads(process.line(r"^\{.*\}$", 30).group(0))["instruments"].values()
        usual = "opc.tcp://" if "generic_plc" in words else "serial://"
        assert address["url"].startswith("tcp://" if "--port" in words else usual)
        assert process.terminate() == 0
    finally:
        process.close()
