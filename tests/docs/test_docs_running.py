"""What the pages tell the reader to type is typed, and does what they say."""

import io
import json
import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.composition.calibration import job
from tests.cli.calibration_bench import INSTRUMENTS, Operator, Simulators
from tests.docs.conftest import ALL, COMMANDS, ROOT, code, inline, name, table
from tests.docs.test_docs_pages import EXCUSED, biovisor
from tests.drivers.simulated import Simulated
from tests.e2e.conftest import BENCH, Instruments, Process, Supervisor, until

HTTP = ROOT / "docs/reference/http-api.md"
SIMULATORS = ROOT / "docs/how-to/use-the-simulators.md"
HOST = "http://127.0.0.1:8000"
BATCH = re.compile(r"BR-10\d-\d{8}-\w{4}")
ALWAYS = ("accepted", "state", "verb", "target", "who", "unit", "reason", "batch_state", "confirm_step", "mode")
"""Fields of an example answer that are the same in every run."""
CURLS = {page: [line for where, line in COMMANDS if where == page and line.startswith("curl ")] for page, _ in COMMANDS}


def lines(*start):
    return [command for _, command in COMMANDS if (biovisor(command) or [])[: len(start)] == list(start)]


TUNING = "docs/how-to/tune-a-loop.md"
LOOPS = [command for page, command in COMMANDS if page == TUNING]
CALIBRATE = "docs/how-to/calibrate.md"
FAULTS = "docs/how-to/rehearse-faults.md"
FAULT_LINES = [line for page, line in COMMANDS if page == FAULTS and biovisor(line)[0] in {"run", "fault"}]
ON_PAGE = {name: one for name, one in INSTRUMENTS.items() if name != "scale"}
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


@pytest.mark.e2e
@pytest.mark.parametrize("command", DEVICES)
def test_actions_on_instruments(command, tmp_path, monkeypatch, capsys):
    """On simulated instruments, without a terminal and without waiting as long."""
    monkeypatch.chdir(ROOT)
    words = [{"--every": "--every", "2": "0.1"}.get(word, word) for word in biovisor(command)]
    if "--pumps" in words:
        words.append("--yes")
    if "bench.yaml" in command:
        instruments = Instruments(BENCH, tmp_path / "instruments")
        try:
            assert main([*words, "--instruments", str(instruments.file)]) == 0
        finally:
            instruments.close()
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


class Reader:
    """Types the curl lines of a page at the demo; knows which number of this run each number of the page is."""

    def __init__(self, supervisor):
        self.supervisor = supervisor
        self.ours = {}

    def request(self, line):
        """A curl line as (method, path, headers, body), with what differs from run to run replaced."""
        words, method, headers, body, url = shlex.split(line)[1:], "GET", {}, None, ""
        while words:
            match words.pop(0):
                case "-X":
                    method = words.pop(0)
                case "-H":
                    key, _, value = words.pop(0).partition(": ")
                    headers[key] = value
                case "-d":
                    body = words.pop(0)
                case "-N":
                    pass
                case word:
                    assert word.startswith(HOST), word
                    url = self.replaced(word.removeprefix(HOST))
        if body and "expected_revision" in body:
            loop = self.supervisor.http.get(f"{url.rsplit('/', 1)[0]}/setpoint").json()
            body = re.sub(r'("expected_revision": )\d+', rf"\g<1>{loop['revision']}", body)
        return method, url, headers, body

    def replaced(self, url):
        if found := re.search(r"/commands/(\d+)$", url):
            return url.replace(found.group(1), str(self.ours[int(found.group(1))]))
        if found := BATCH.search(url):
            theirs = found.group()
            return url.replace(theirs, self.ours.get(theirs) or self.supervisor.batch(theirs[:6])["id"])
        return url

    def types(self, line, status=None):
        """The answer to a line; the vessel may need a moment to get where the page has it."""

        def answer():
            method, url, headers, body = self.request(line)
            found = self.supervisor.http.request(method, url, headers=headers, content=body)
            good = found.status_code == status if status else found.is_success
            answers.append(found.text)
            return found if good else None

        answers = []
        try:
            return until(answer, 15, line)
        except AssertionError as error:
            raise AssertionError(f"{line}\n{answers[-1]}") from error

    def compares(self, shown, found):
        """The answer has the shape that the page shows; where the page names a number, it is remembered."""
        agree(shown, found)
        for key in ("journal", "batch"):
            if isinstance(shown.get(key), int | str):
                self.ours[shown[key]] = found[key]


def agree(shown, found, where="answer"):
    """Same keys, same kinds of values; same values in what never differs."""
    if isinstance(shown, dict):
        assert shown.keys() == found.keys(), where
        for key, value in shown.items():
            agree(value, found[key], f"{where}.{key}")
            assert key not in ALWAYS or value == found[key], f"{where}.{key}: {found[key]!r}"
    elif isinstance(shown, list):
        assert isinstance(found, list), where
        assert bool(shown) == bool(found), where
        for value in shown:
            agree(value, found[0], f"{where}[]")
    elif shown is not None and found is not None:
        numbers = {int: float}
        assert numbers.get(type(shown), type(shown)) == numbers.get(type(found), type(found)), where


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, and where it stores its record."""
    data = tmp_path_factory.mktemp("demo")
    supervisor = Supervisor("demo", "--data", data)
    supervisor.ready()
    until(lambda: supervisor.batch("BR-101") and supervisor.batch("BR-102"), 20, "both vessels have a batch")
    yield supervisor, data
    supervisor.close()


@pytest.mark.e2e
@pytest.mark.timeout(90)
@pytest.mark.xdist_group("page-demo")
class TestAgainstTheDemo:
    """In this order: the later pages find the vessels as the earlier ones left them."""

    @pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-batch.md"])
    def test_the_first_curl_lines(self, demo, page):
        reader = Reader(demo[0])
        for line in CURLS[page]:
            answer = reader.types(line).json()
            assert answer["journal"] > 0 if "-X PUT" in line else answer["events"]
            assert "-X PUT" not in line or answer["state"] == "read_back"

    def test_the_fields_of_the_live_answers(self, demo):
        vessel = demo[0].vessel("BR-101")
        for head, found in (("A tag", vessel["tags"]), ("A loop", vessel["loops"]), ("A batch", [vessel["batch"]])):
            described = [key for row in table(HTTP, "Key", head) for key in code(row[0])]
            assert {frozenset(one) for one in found} == {frozenset(described)}, head

    def test_the_examples_of_the_http_api(self, demo):
        reader = Reader(demo[0])
        page = [block for block in ALL if block.page == name(HTTP)]
        for block, after in zip(page, [*page[1:], None], strict=True):
            if block.language != "sh" or "/stream" in block.text:
                continue
            *first, last = block.commands
            for line in first:
                reader.types(line)
            assert getattr(after, "language", "") == "json", block.text
            answer, shown = reader.types(last, int(after.word)), json.loads(after.text)
            reader.compares(shown, answer.json())
            if answer.is_error:
                assert answer.json() == shown
                assert answer.headers["Content-Type"] == "application/problem+json"

    def test_the_events_of_the_stream(self, demo):
        (line,) = (line for line in CURLS[name(HTTP)] if "/stream" in line)
        method, url, _, _ = Reader(demo[0]).request(line)
        events = {}
        with demo[0].http.stream(method, url) as stream:
            kind = ""
            for text in stream.iter_lines():
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    events.setdefault(kind, json.loads(text.removeprefix("data: ")))
                if events.keys() >= {"snapshot", "delta", "hb"}:
                    break
        described = {code(row[0])[0]: row[1] for row in table(HTTP, "Event")}
        assert described.keys() == {"event", "resync", *events}
        assert list(events["snapshot"]) == code(described["snapshot"])
        assert list(events["hb"]) == code(described["hb"])
        delta = code(described["delta"])
        assert set(events["delta"]) <= set(delta)
        assert len(json.loads(re.sub(r"\w+", "0", delta[4]))) == len(events["delta"]["v"][0])

    @pytest.mark.parametrize("command", lines("verify"))
    def test_the_record_of_the_demo_is_whole(self, demo, command, capsys):
        supervisor, data = demo
        assert supervisor.terminate() == 0
        arguments = [str(data / "demo-1") if word == "data/demo-1" else word for word in biovisor(command)]
        assert arguments != biovisor(command)
        assert main(arguments) == 0
        assert "the chain is whole" in capsys.readouterr().out


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


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_the_page_on_tuning(tmp_path, capsys, monkeypatch):
    """Every line, in this order and at twice the speed; where the page waits for the loop to rest, so does this."""
    run, *typed = LOOPS
    words = [{"120": "240"}.get(word, word) for word in biovisor(run)]
    assert words != biovisor(run)
    supervisor = Supervisor(*words, "--data", tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    try:
        supervisor.ready()
        for command in typed:
            if "--method" in command:
                until(lambda: at_rest(supervisor), 90, "the loop rests")
            assert main([*biovisor(command), "--url", supervisor.url]) == 0, (command, capsys.readouterr().err)
        printed = capsys.readouterr().out
        columns = [word for row in table(ROOT / TUNING, "Column") for word in code(row[0])]
        first = next(line for line in printed.splitlines() if "Ti s" in line)
        assert all(column in first for column in columns), first
        assert "nothing changed" in printed
        assert "simc is in force as version 1" in printed
        assert "version 2 is in force: K " in printed
    finally:
        supervisor.close()


@pytest.mark.e2e
@pytest.mark.timeout(90)
def test_the_page_on_faults(tmp_path, capsys, monkeypatch):
    """Every line, in this order, while the site of the first one runs; what they do is on record."""
    run, *typed = FAULT_LINES
    monkeypatch.chdir(ROOT)
    supervisor = Supervisor(*biovisor(run), "--data", tmp_path)
    try:
        supervisor.ready()
        until(lambda: "BR-101" in faults_told(capsys, tmp_path), 20, "the scenario is ordered")
        for command in typed:
            words = biovisor(command)
            assert main([*words, *([] if "list" in words else ["--data", str(tmp_path)])]) == 0, command
        printed = capsys.readouterr().out
        assert "process fault 2 is ordered" in printed
        times = r"\d+:\d\d:\d\d \(\S+ \S+ UTC\)  \d+:\d\d:\d\d \(\S+ \S+ UTC\)  "
        assert re.search(rf"BR-101  (waiting|going on) +gas-loss of o2, for 1800 s +{times}", printed)
        assert "cleared: 2\n" in printed

        def told():
            """What the record says of the second fault."""
            events = supervisor.http.get("/api/v1/events", params={"limit": 200}).json()["events"]
            return [event["text"] for event in events if event["text"].startswith("simulated fault 2 ")]

        until(lambda: any("cleared: Gas supply lost (F8, " in text for text in told()), 10, told)
        assert supervisor.terminate() == 0
        assert not (tmp_path / "simulators.json").exists()
    finally:
        supervisor.close()


def faults_told(capsys, data):
    assert main(["fault", "status", "--data", str(data)]) in {0, 1}
    return capsys.readouterr().out


def at_rest(supervisor):
    """For a second and a half, six minutes of process time, the PV stays near the setpoint."""
    readings = []
    for _ in range(12):
        loop = supervisor.loop("temperature")
        readings.append(abs(loop["pv"] - loop["sp"]))
        time.sleep(0.125)
    return max(readings) < 0.12


WINDOW_S = 1.5
"""For so long a reading stands still, in place of the 3 to 30 s of the page."""
PROBE_STEPS = {
    "buffer-1": ({"ph": 7.0, "temperature_c": 25.0}, "7.00"),
    "buffer-2": ({"ph": 4.01}, "4.01"),
    "zero": ({"do": 0.0}, ""),
    "span": ({"do": 100.0}, ""),
    "empty": ({"volume_l": 1.0}, ""),
    "weight": ({"volume_l": 1.5}, "504"),
}
"""What the reader does at a question, as a state of the simulated vessel, and types."""
TYPED = {"ready": "yes", "accept": "yes", "who": "Ann Lee", "reason": "weekly", "tolerance": "10", "volume": "6"}
TYPED |= dict.fromkeys(("temperature-1", "temperature-2", "speed", "density"), "")


class Technician(Operator):
    """Follows the page on simulated instruments, until ``gone``."""

    def __init__(self, simulators, amount, *, gone):
        answers = {key: [self._does(simulators, *what)] for key, what in PROBE_STEPS.items()} | TYPED
        super().__init__({} if gone else answers | {"amount": amount})

    def _does(self, simulators, state, answer):
        return lambda: simulators.set(**state) or answer


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_the_page_on_calibration(tmp_path, capsys, monkeypatch):
    """Every line, in this order: what pumps runs fast, readings need not be still for as long as the page says."""
    speeds = (1.0, 20.0, 600.0)
    with ThreadPoolExecutor() as pool:
        started = pool.map(lambda speed: Simulators(tmp_path / str(speed), speed, ON_PAGE), speeds)
    running = dict(zip(speeds, started, strict=True))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(job, "STILL", {unit: one._replace(window_s=WINDOW_S) for unit, one in job.STILL.items()})

    def typed(command, *, gone=False):
        speed = 20.0 if "pump-volume" in command else 600.0 if "pump-balance" in command else 1.0
        amount = "60 {rev}" if speed == 20.0 else "2500 {rev}"
        technician = Technician(running[speed], amount, gone=gone)
        addresses = ["--data", str(tmp_path / "data"), "--instruments", str(running[speed].file)]
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdin", technician)
            patch.setattr("sys.stdout", technician)
            words = re.sub(r"(?<=--window )10\b", str(WINDOW_S), shlex.join(biovisor(command)))
            return main([*shlex.split(words), *addresses]), technician

    try:
        for command in CALIBRATIONS:
            if "--resume" in command or "--abandon" in command:
                assert typed(CALIBRATIONS[0], gone=True)[0] == 1
            done, technician = typed(command)
            assert done == 0, (command, technician.text, capsys.readouterr().err)
            if command == CALIBRATIONS[0]:
                asked = [key for row in table(ROOT / CALIBRATE, "It asks") for key in code(row[0])]
                assert sorted(technician.asked) == sorted(asked)
    finally:
        for simulators in running.values():
            simulators.stop()
