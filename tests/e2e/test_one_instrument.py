"""``biovisor simulate INSTRUMENT``: one instrument without a site, for whoever writes a driver or a client."""

import asyncio
import json
import select
import signal
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
