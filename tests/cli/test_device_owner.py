"""A running supervisor's instruments are its own: nothing acts behind its back, whatever data directory is named."""

import os
import signal
import subprocess
import sys

import pytest

from controller.cli.main import main
from controller.composition.claims import Claims, owner_of
from tests.cli.conftest import BENCH, ROOT
from tests.drivers.simulated import Simulated

SINCE = 1_795_000_000.0
"""UTC at which a supervisor claims its wires; it is shown, and decides nothing."""

pytestmark = [pytest.mark.timeout(60), pytest.mark.usefixtures("drivers")]


@pytest.fixture
def supervisor(bench, tmp_path):
    """A supervisor of the bench, with the simulated instruments; gives its process once every link is up."""
    process = subprocess.Popen(
        [
            sys.executable, "-m", "controller.cli.main", "run", str(BENCH), "--instruments", str(bench),
            "--data", str(tmp_path / "its own"), "--port", "0",
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    up = 0
    while up < 9:
        line = process.stderr.readline()
        assert line, "the supervisor has ended"
        up += "→ up" in line
    yield process
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)


def says(capsys, *words):
    code = main(["device", *map(str, words)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@pytest.mark.e2e
def test_nothing_acts_on_a_running_supervisors_instruments(supervisor, bench, tmp_path, capsys):
    use = ("--instruments", bench)
    code, out, error = says(capsys, "write", BENCH, "plc-101", "agitation_speed=99", "--yes", *use)
    assert (code, out) == (1, "")
    assert f"plc-101 belongs to the supervisor of site bench (process {supervisor.pid}, since 20" in error
    assert "or stop it first" in error

    code, out, _ = says(capsys, "read", BENCH, "plc-101", "agitation_speed", *use)
    assert code == 0, "OPC UA has room for a second reader"
    assert "99" not in out

    code, _, error = says(capsys, "read", BENCH, "probes-101", *use)
    assert code == 1
    assert "its wire has one owner" in error
    code, _, error = says(capsys, "read", BENCH, "counter", *use)
    assert code == 1, "its lock would be taken, and let go, beneath the supervisor"
    assert "would disturb" in error

    code, out, _ = says(capsys, "test", BENCH, "BR-101", "--pumps", "--yes", *use)
    assert code == 1
    assert "look at the supervisor's page, or stop it" in out

    words = ("BR-101", "ph", "--method", "ph-1", "--data", tmp_path / "other", "--answer", "buffer-1=7")
    code, _, error = says(capsys, "calibrate", BENCH, *words, *use)
    assert code == 1
    assert f"(process {supervisor.pid}, since" in error


@pytest.mark.e2e
def test_a_supervisor_that_is_killed_leaves_nothing_behind(supervisor, bench, capsys):
    supervisor.kill()
    supervisor.wait(10)
    code, out, error = says(
        capsys, "write", BENCH, "plc-101", "agitation_speed=70", "--yes", "--instruments", bench
    )  # fmt: skip
    assert code == 0, error
    assert "applied" in out


@pytest.mark.e2e
def test_one_that_starts_while_the_question_is_open_is_seen(tmp_path, monkeypatch, capsys):
    with Simulated("generic_modbus", tmp_path, port=0, framing="tcp") as simulated:
        url = f"modbus://127.0.0.1:{simulated.address['port']}"
        started = []

        class Person:
            """Starts a supervisor, then says yes."""

            def isatty(self):
                return True

            def readline(self):
                started.append(Claims("bench", [url], SINCE))
                return "y\n"

        monkeypatch.setattr("sys.stdin", Person())
        code, out, error = says(capsys, "write", "generic_modbus", url, "holding.1=5")
        started[0].release()
        assert (code, out) == (1, "")
        assert "belongs to the supervisor" in error
        assert says(capsys, "scan", url)[0] == 0


def test_a_line_that_a_supervisor_has_is_not_scanned(capsys):
    url = "tcp://127.0.0.1:4001"
    claims = Claims("bench", [url], SINCE)
    code, _, error = says(capsys, "scan", url, "--driver", "alicat")
    claims.release()
    assert code == 1
    assert "its wire has one owner" in error


def test_a_wire_is_known_by_each_of_its_names(tmp_path):
    link = tmp_path / "by-id"
    link.symlink_to("/dev/null")
    claims = Claims("bench", [f"serial://{link}?baudrate=9600", "opc.tcp://LOCALHOST:4840/a"], 1_700_000_000.4)
    owner = owner_of(["serial:///dev/null"])
    assert owner == (os.getpid(), 1_700_000_000.0, "bench")
    assert str(owner).endswith("since 2023-11-14 22:13 UTC)")
    assert owner_of(["opc.tcp://127.0.0.1:4840/b"]) == owner
    assert owner_of(["opc.tcp://127.0.0.1:4841"]) is None
    claims.release()
    assert owner_of(["serial:///dev/null"]) is None


@pytest.mark.e2e
def test_a_second_supervisor_tells_of_the_first(supervisor, bench, tmp_path):
    second = subprocess.Popen(
        [
            sys.executable, "-m", "controller.cli.main", "run", str(BENCH), "--instruments", str(bench),
            "--data", str(tmp_path / "second"), "--port", "0",
        ],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        line = next(line for line in second.stderr if "has this wire too" in line)
        assert f"plc-101: the supervisor of site bench (process {supervisor.pid}" in line
    finally:
        second.send_signal(signal.SIGTERM)
        second.communicate(timeout=20)
