"""The product as a user has it: processes, real wires, HTTP. Nothing of it is imported here."""

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "configs/sites/bench.yaml"
CAR_T = ROOT / "configs/recipes/car-t-expansion.yaml"


def until(condition, timeout_s, what):
    """The first true value of ``condition()``; fails after ``timeout_s`` with ``what``, a text or what gives one."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if value := condition():
                return value
        time.sleep(0.05)
    raise AssertionError(f"not within {timeout_s} s: {what() if callable(what) else what}")


class Process:
    """One process of the product, with its output, ended when the test ends."""

    def __init__(self, *args, env=None, cwd=ROOT):
        self.started = time.monotonic()
        self.log = ""
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "controller.cli.main", *map(str, args)],
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=None,
            start_new_session=True,
        )

    def line(self, pattern, timeout_s):
        """The first line of standard output that matches, as a match object."""
        end = time.monotonic() + timeout_s
        stdout = self.popen.stdout
        while (left := end - time.monotonic()) > 0:
            if select.select([stdout], [], [], min(left, 0.2))[0]:
                chunk = os.read(stdout.fileno(), 65536).decode()
                if not chunk:
                    break
                self.log += chunk
            for text in self.log.splitlines(keepends=True):
                if text.endswith("\n") and (found := re.search(pattern, text)):
                    return found
        raise AssertionError(f"no line matching {pattern!r} within {timeout_s} s; output so far:\n{self.log}")

    def kill(self):
        self.popen.kill()
        self.popen.wait(10)

    def terminate(self, timeout_s=10):
        self.popen.terminate()
        return self.popen.wait(timeout_s)

    def close(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(10)
        self.popen.stdout.close()


class Supervisor(Process):
    """`biovisor run` or `biovisor demo`, and its HTTP door."""

    def __init__(self, *args, **options):
        super().__init__(*args, "--port", 0, **options)
        self.url = self.line(r"(http://[\d.]+:\d+)", 5).group(1)
        self.http = httpx.Client(base_url=self.url, timeout=15, trust_env=False)

    def up(self, timeout_s=20):
        until(lambda: self.http.get("/livez").status_code == 200, timeout_s, "the page answers")
        return self

    def ready(self, timeout_s=20):
        until(lambda: self.http.get("/readyz").status_code == 200, timeout_s, "the supervisor is ready")
        return self

    def vessel(self, name="BR-101"):
        answer = self.http.get(f"/api/v1/vessels/{name}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def tag(self, name, vessel="BR-101"):
        return next(tag for tag in self.vessel(vessel)["tags"] if tag["name"] == name)

    def loop(self, name, vessel="BR-101"):
        return next(loop for loop in self.vessel(vessel)["loops"] if loop["name"] == name)

    def batch(self, vessel="BR-101"):
        return self.vessel(vessel)["batch"]

    def setpoint(self, loop, value, unit, vessel="BR-101", wait=None, reason="test"):
        headers = {"Prefer": f"wait={wait}"} if wait else {}
        path = f"/api/v1/vessels/{vessel}/loops/{loop}/setpoint"
        return self.http.put(path, json={"value": value, "unit": unit, "reason": reason}, headers=headers)

    def engage(self, vessel="BR-101", **setpoints):
        """Put loops in auto, each at its ``(setpoint, unit)``; all of it has been carried out when this returns.

        First all modes, then the setpoints: a controller keeps the output and the setpoint it finds in the scan in
        which it is engaged, and only a later setpoint moves it at once.
        """
        path = f"/api/v1/vessels/{vessel}/loops"
        body = {"mode": "auto", "reason": "test"}
        self.carried_out([self.http.put(f"{path}/{loop}/mode", json=body) for loop in setpoints])
        self.carried_out([self.setpoint(loop, *asked, vessel) for loop, asked in setpoints.items()])
        for loop, (setpoint, _) in setpoints.items():
            shown = self.loop(loop, vessel)
            assert (shown["mode"], shown["sp"]) == ("auto", pytest.approx(setpoint)), shown

    def carried_out(self, answers):
        """A scan has done what was accepted; that a device read it back is another question."""
        for answer in answers:
            assert answer.status_code == 202, answer.text
            command = answer.json()["command"]
            until(lambda: self.is_applied(command), 5, lambda: self.http.get(command).text)  # noqa: B023

    def is_applied(self, command):
        return self.http.get(command).json()["state"] in {"applied", "read_back"}

    def answer_prompts(self, vessel="BR-101", inputs=None):
        """Answer every open prompt of the vessel's batch as an operator would; returns their names."""
        batch = self.batch(vessel)
        answered = []
        for prompt in (batch or {}).get("prompts", []):
            values = {
                field["name"]: {"value": (inputs or {}).get(field["name"], field["default"]), "unit": field["unit"]}
                for field in prompt["inputs"]
            }
            path = f"/api/v1/batches/{batch['id']}/prompts/{prompt['id']}"
            answer = self.http.post(path, json={"inputs": values, "reason": "done"})
            assert answer.status_code in {200, 202}, answer.text
            answered.append(prompt["id"].rsplit("-", 1)[0])
        return answered

    def close(self):
        self.http.close()
        super().close()


class Instruments(Process):
    """`biovisor simulate`, its addresses, and its control port."""

    def __init__(self, site, directory, speed=1):
        super().__init__("simulate", site, "--speed", speed, "--data", directory)
        self.text = self.line(r"^\{.*\}$", 30).group(0)
        self.addresses = json.loads(self.text)
        self.file = Path(directory) / "addresses.json"
        self.file.write_text(self.text)

    def url(self, name):
        return self.addresses["instruments"][name]["url"]

    def pid(self, name):
        return self.addresses["instruments"][name]["pid"]

    def ask(self, **request):
        host, port = self.addresses["control"].rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            return json.loads(stream.readline())

    def state(self, vessel="BR-101"):
        answer = self.ask(op="state", vessel=vessel)
        return answer.get("state", answer)

    def deeds(self, vessel="BR-101"):
        """How often hands did what to the plant, and the mL that came of it, by action."""
        return self.ask(op="hands_done")["deeds"][vessel]

    def fault(self, instrument, fault, duration_s, **more):
        return self.ask(op="fault", instrument=instrument, fault=fault, duration_s=duration_s, **more)

    @contextlib.contextmanager
    def frozen(self, name):
        os.kill(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid(name), signal.SIGCONT)


@contextlib.contextmanager
def starting():
    """Gives what starts processes of the product; ends them all with the block, supervisors first."""
    started = []

    def begin(kind, *args, **options):
        process = kind(*args, **options)
        started.append(process)
        return process

    yield begin
    for process in reversed(started):
        process.close()


def start_bench(start, folder):
    """Simulated instruments of the bench at real speed, and a supervisor on them that reads every value."""
    instruments = start(Instruments, BENCH, folder / "instruments")
    supervisor = start(Supervisor, "run", BENCH, "--instruments", instruments.file, "--data", folder / "data")
    return instruments, supervisor.ready()


@pytest.fixture
def start():
    """Starts processes of the product and ends them all when the test ends."""
    with starting() as begin:
        yield begin


@pytest.fixture
def bench(start, tmp_path):
    """A bench of the test's own, see :func:`start_bench`."""
    return start_bench(start, tmp_path)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    """A bench for all tests of a module, for those that leave it as sound as they find it."""
    with starting() as begin:
        yield start_bench(begin, tmp_path_factory.mktemp("bench"))


@pytest.fixture
def instruments(start, tmp_path):
    """Only the simulated instruments of the bench, at real speed."""
    return start(Instruments, BENCH, tmp_path / "instruments")


def warm_site(tmp_path):
    """The bench site with both vessels found warm, so that a shortened recipe starts without the long warm-up."""
    site = tmp_path / "configs/sites/bench.yaml"
    site.parent.mkdir(parents=True, exist_ok=True)
    text = BENCH.read_text().replace("temperature: 22 Cel", "temperature: 36.9 Cel")
    site.write_text(text.replace("../classes/", f"{BENCH.parent.parent}/classes/"))
    return site
