"""``biovisor simulate INSTRUMENT``: one instrument without a site, for whoever writes a driver or a client."""

import asyncio
import json
import select
import signal
import socket
import subprocess
import sys

import pytest
import serial
from alicat import FlowController

from tests.e2e.conftest import ROOT, Process

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
SILENT_S = 0.5


def announced(process):
    """The one line, as JSON."""
    text = process.line(r"^\{.*\}$", 30).group(0)
    assert process.log == f"{text}\n"
    return json.loads(text)


def stays_silent(process):
    """Whether nothing more is printed, now and until the end."""
    assert not select.select([process.popen.stdout], [], [], SILENT_S)[0]
    assert process.terminate() == 0
    assert process.popen.stdout.read() == b""


async def drive(port, unit):
    """Another author's client sets and reads a flow."""
    theirs = FlowController(f"127.0.0.1:{port}", unit)
    try:
        await theirs.set_flow_rate(50.0)
        await theirs.set_gas("O2")
        return await theirs.get()
    finally:
        await theirs.hw.close()


def test_an_instrument_on_a_free_port_is_driven_by_somebody_elses_client(start, tmp_path):
    process = start(Process, "simulate", "alicat", "--port", 0, "--data", tmp_path)
    document = announced(process)
    address = document["instruments"]["alicat"]
    assert address["url"] == f"tcp://127.0.0.1:{address['port']}"
    assert {"pid", "control", "speed"} <= document.keys()
    state = asyncio.run(drive(address["port"], "A"))
    assert (state["setpoint"], state["gas"]) == (50.0, "O2")
    stays_silent(process)


@pytest.mark.parametrize("wire", [[], ["--pty"]])
def test_a_pseudo_terminal_with_a_setting(start, tmp_path, wire):
    process = start(Process, "simulate", "alicat", *wire, "--set", "unit=B", "--set", "gas=He", "--data", tmp_path)
    address = announced(process)["instruments"]["alicat"]
    assert address["pty"] == str(tmp_path / "instruments/alicat")
    with serial.Serial(address["pty"], 19200, timeout=2) as port:
        port.write(b"A\rB\r")
        assert port.read_until(b"\r").split()[::6] == [b"B", b"He"]
    stays_silent(process)


def test_it_ends_with_ctrl_c_as_well(start, tmp_path):
    process = start(Process, "simulate", "alicat", "--data", tmp_path)
    announced(process)
    process.popen.send_signal(signal.SIGINT)
    assert process.popen.wait(10) == 0
    assert not (tmp_path / "instruments/alicat").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["alikat"], 2, "kind must be one of alicat, "),
        (["alicat", "--port", "0", "--pty"], 2, "not allowed with argument"),
        (["alicat", "--set", "unit"], 2, "'unit' is not NAME=VALUE"),
        ([str(ROOT / "configs/sites/bench.yaml"), "--port", "0"], 2, "are for one instrument"),
        (["nowhere.yaml"], 1, "nowhere.yaml"),
    ],
)
def test_what_cannot_be_simulated_is_said(arguments, code, why, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "simulate", *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert why in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["alicat", "--port", "99999"], 2, "--port must be 0 to 65535, not 99999"),
        (["alicat", "--port", "0", "--set", "unitt=B"], 1, "alicat cannot start: there is no setting unitt; known: "),
        (["alicat", "--port", "0", "--set", "full_scale=much"], 1, "could not convert string to float: 'much'"),
        (["generic_plc", "--pty"], 1, "there is no setting pty"),
        (["hamilton_arc", "--set", "units=ph"], 1, "units must say which of ph, do"),
        (["watson_marlow", "--set", "pump=acid"], 1, "there is no 'acid_rpm' among its settings or signals"),
    ],
)
def test_what_it_cannot_be_is_said_in_a_line(arguments, code, said, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "simulate", *arguments, "--data", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, timeout=40, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["hamilton_arc", "vicell_blu", "generic_plc", "alicat"])
def test_each_is_at_the_port_that_was_asked_for_and_alone_there(name, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "controller.cli.main", "simulate", name, "--port", str(port)]
        command += ["--data", str(tmp_path)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False)
        assert done.returncode == 1
        assert f"{name} cannot start: Address already in use" in done.stderr
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        address = json.loads(process.stdout.readline())["instruments"][name]
        process.terminate()
    assert address["port"] == port
