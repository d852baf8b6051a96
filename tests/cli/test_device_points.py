"""``biovisor device read`` and ``write``, on simulated instruments as processes."""

import importlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from controller.cli import device_shared
from controller.cli.main import main
from tests.cli.conftest import BENCH, ROOT, install
from tests.drivers.simulated import Simulated

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(60),
    pytest.mark.usefixtures("drivers"),
]


@pytest.fixture(scope="module")
def mfc(tmp_path_factory):
    with Simulated("alicat", tmp_path_factory.mktemp("mfc")) as simulated:
        yield simulated


@pytest.fixture
def silent(tmp_path, monkeypatch):
    """The file in which another firm's instrument, which never answers, counts what was written to it."""
    install(tmp_path / "others", "otherfirm", {"silent": "otherfirm:Silent"})
    shutil.copy(Path(__file__).parent / "otherfirm.py", tmp_path / "others/otherfirm.py")
    monkeypatch.syspath_prepend(str(tmp_path / "others"))
    monkeypatch.delitem(sys.modules, "otherfirm", raising=False)
    importlib.invalidate_caches()
    marks = tmp_path / "marks"
    marks.touch()
    return marks


class Terminal:
    """A person who answers a question, after doing something else."""

    def __init__(self, answer, meanwhile=lambda: None):
        self._answer, self._meanwhile = answer, meanwhile

    def isatty(self):
        return True

    def readline(self):
        self._meanwhile()
        return f"{self._answer}\n"


def read(capsys, *arguments):
    code = main(["device", "read", *map(str, arguments), "--json"])
    return code, {one["point"]: one for one in json.loads(capsys.readouterr().out)["points"]}


def test_all_tags_of_a_connection_in_their_units(bench, capsys):
    code, found = read(capsys, BENCH, "plc-101", "--instruments", bench)
    assert code == 0
    assert 15 < found["BR-101.temperature"]["value"] < 45
    assert found["BR-101.temperature"] == {
        "point": "BR-101.temperature", "address": "Temp.PV", "value": found["BR-101.temperature"]["value"],
        "unit": "Cel", "quality": "good", "reason": "ok", "detail": "",
    }  # fmt: skip
    assert found["BR-101.heater"]["unit"] == "%"


def test_points_by_tag_and_by_the_instruments_word(bench, capsys):
    code, found = read(capsys, BENCH, "plc-101", "temperature", "Jacket.PV", "Plc.Safe", "--instruments", bench)
    assert code == 0
    assert [(name, one["unit"]) for name, one in found.items()] == [
        ("BR-101.temperature", "Cel"), ("BR-101.jacket_temperature", "Cel"), ("Plc.Safe", ""),
    ]  # fmt: skip


def test_a_point_that_the_instrument_does_not_have_is_bad(bench, capsys):
    code, found = read(capsys, BENCH, "plc-101", "Temp.PV", "Temp.Nowhere", "--instruments", bench)
    assert code == 1
    assert found["BR-101.temperature"]["quality"] == "good"
    assert (found["Temp.Nowhere"]["value"], found["Temp.Nowhere"]["quality"]) == (None, "bad")
    assert found["Temp.Nowhere"]["detail"] == "there is no such node (BadNodeIdUnknown)"


def test_an_instrument_that_no_site_names(mfc, capsys):
    assert main(["device", "read", "alicat", mfc.url, "temperature", "setpoint"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["point", "value", "quality", "reason", "detail"]
    assert [row.split()[0] for row in rows] == ["temperature", "setpoint"]
    assert "good" in rows[0]


def test_without_points_everything_that_the_driver_can_name(mfc, capsys):
    _, found = read(capsys, "alicat", mfc.url, "--set", "unit=A")
    assert list(found) == ["pressure", "temperature", "volumetric_flow", "mass_flow", "setpoint"]


def test_points_that_are_told_one_at_a_time_are_waited_for(tmp_path, capsys):
    with Simulated("atlas_ezo", tmp_path) as circuit:
        code, found = read(capsys, "atlas_ezo", circuit.url, "ph", "supply", "calibration")
    assert code == 0
    assert {one["quality"] for one in found.values()} == {"good"}


def test_a_lost_instrument_is_bad_until_it_is_back(tmp_path, installed):
    with Simulated("alicat", tmp_path) as mfc:
        reading = ["device", "read", "alicat", mfc.url, "setpoint", "--every", "0.3", "--count", "12", "--json"]
        command = [sys.executable, "-m", "controller.cli.main", *reading]
        with subprocess.Popen(
            command, cwd=ROOT, env=path_with(installed), stdout=subprocess.PIPE, text=True
        ) as process:
            lines = [process.stdout.readline()]
            mfc.fault("silence", 1.5)
            lines += process.stdout.readlines()
        assert process.returncode == 0
    points = [json.loads(line)["points"][0] for line in lines]
    assert len(points) == 12
    qualities = [point["quality"] for point in points]
    assert (qualities[0], qualities[-1]) == ("good", "good")
    lost = next(point for point in points if point["quality"] == "bad")
    assert (lost["value"], lost["reason"]) == (None, "link")
    assert "no answer within" in lost["detail"]


def path_with(installed):
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{installed}"}


def test_ctrl_c_ends_a_series(mfc, installed):
    reading = ["device", "read", "alicat", mfc.url, "setpoint", "--every", "0.2"]
    process = subprocess.Popen(
        [sys.executable, "-m", "controller.cli.main", *reading],
        cwd=ROOT, env=path_with(installed), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline().split()[1] == "setpoint"
    begun = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=10)
    assert (process.returncode, error) == (0, "")
    assert time.monotonic() - begun < 5


def test_a_write_in_the_tags_unit_or_another(bench, capsys):
    write = ["device", "write", str(BENCH), "feed-pump-102", "--instruments", str(bench), "--yes"]
    assert main([*write, "feed_flow=2 mL/min"]) == 0
    assert capsys.readouterr().out == "BR-102.feed_flow = 120 mL/h: applied; it reads 120 mL/h\n"
    assert main([*write, "BR-102.feed_flow=0", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["state"], document["value"], document["reads"]["value"]) == ("applied", 0.0, 0.0)


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("feed_flow=2000", "BR-102.feed_flow must be 0 to 300 mL/h, not 2000"),
        ("feed_flow=nan", "'nan' is no number to write"),
        ("feed_flow=2 Cel", "'2 Cel': "),
        ("feed_flow=fast", "'fast': "),
        ("feed_flow", "is not POINT=VALUE"),
        ("feeds=1", "'feeds' is not one of speed, revolutions, running"),
    ],
)
def test_values_that_cannot_be(assignment, said, bench, capsys):
    write = ["device", "write", str(BENCH), "feed-pump-102", assignment, "--instruments", str(bench), "--yes"]
    assert main(write) == 2
    assert said in capsys.readouterr().err


def test_a_refusal_has_the_instruments_reason(mfc, capsys):
    assert main(["device", "write", "alicat", mfc.url, "setpoint=1e6", "--yes"]) == 1
    assert capsys.readouterr().out.startswith("setpoint = 1e+06: refused: A makes 500 of it, and has its setpoint ")
    assert main(["device", "write", "alicat", mfc.url, "mass_flow=1", "--yes"]) == 1
    assert "refused: mass_flow cannot be written; it reads " in capsys.readouterr().out


def test_a_question_shows_what_is_replaced_and_no_is_no(mfc, monkeypatch, capsys):
    _, before = read(capsys, "alicat", mfc.url, "setpoint")
    monkeypatch.setattr(device_shared.sys, "stdin", Terminal("n"))
    assert main(["device", "write", "alicat", mfc.url, "setpoint=7"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Write 7 to setpoint of Alicat MC-500SCCM-D at serial:///")
    assert f", which reads {before['setpoint']['value']:g} now? [y/N] " in printed.err
    assert printed.err.endswith("nothing was written\n")
    _, found = read(capsys, "alicat", mfc.url, "setpoint")
    assert found == before


def test_without_a_terminal_nothing_is_written_unless_confirmed(mfc, monkeypatch, capsys):
    monkeypatch.setattr(device_shared.sys, "stdin", io.StringIO())
    assert main(["device", "write", "alicat", mfc.url, "setpoint=7"]) == 2
    assert "confirm with --yes" in capsys.readouterr().err


def test_an_unanswered_write_is_unknown_and_what_is_read_back_is_told(tmp_path, monkeypatch, capsys):
    with Simulated("huber", tmp_path) as bath:
        monkeypatch.setattr(device_shared.sys, "stdin", Terminal("y", lambda: bath.fault("silence", 0.7)))
        assert main(["device", "write", "huber", bath.url, "setpoint=7", "--json"]) == 1
        written = json.loads(capsys.readouterr().out)
        _, found = read(capsys, "huber", bath.url, "setpoint")
    assert (written["state"], written["detail"]) == ("unknown", "no answer within 0.5 s")
    assert written["reads"]["value"] == found["setpoint"]["value"]


def test_a_write_is_never_repeated(silent, capsys):
    assert main(["device", "write", "silent", f"serial://{silent}", "dose=5", "--yes"]) == 1
    assert capsys.readouterr().out == "dose = 5: unknown: no answer; it reads 1\n"
    assert silent.read_text() == "x"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["alicet", "serial:///dev/absent", "x"], 2, "there is no driver 'alicet'"),
        (["alicat", "here", "x"], 2, "is no kind of connection"),
        (["alicat", "opc.tcp://host:4840", "mass_flow"], 2, "is no line"),
        (["alicat", "serial:///dev/absent", "flow"], 2, "'flow' is not one of pressure, temperature"),
        (["alicat", "serial:///dev/absent", "mass_flow", "--set", "unit=7"], 2, "option 'unit' must be one of"),
        (["alicat", "serial:///dev/absent", "mass_flow"], 1, "cannot open /dev/absent"),
        (["generic_plc", "opc.tcp://127.0.0.1:1"], 2, "cannot name its points"),
        ([str(BENCH), "plc-103"], 2, "there is no connection 'plc-103'; the site has plc-101"),
        ([str(BENCH), "counter", "viability"], 2, "'viability' is several tags of this connection: BR-101.viability"),
        ([str(BENCH), "base-pump-101"], 1, "cannot open /dev/serial/by-id/"),
        (["absent.yaml", "plc-101"], 1, "absent.yaml"),
        (["alicat", "serial:///dev/absent", "--every", "0"], 2, "--every must be above 0"),
        (["alicat", "serial:///dev/absent", "--count", "0"], 2, "--count must be 1 or more"),
        (["alicat", "serial:///dev/absent", "--instruments", str(BENCH)], 2, "--instruments is for a site"),
        ([str(BENCH), "plc-101", "--instruments", str(BENCH)], 1, "not the line that"),
        ([str(BENCH), "plc-101", "--instruments", "absent"], 2, "absent: No such file"),
    ],
)
def test_what_cannot_be_is_said(arguments, code, said, capsys):
    assert main(["device", "read", *arguments]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


def test_ctrl_c_at_the_question_is_heard_at_once(mfc):
    terminal, its_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "controller.cli.main", "device", "write", "alicat", mfc.url, "setpoint=7"],
        cwd=ROOT, stdin=its_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    asked = ""
    while not asked.endswith("[y/N] "):
        asked += process.stderr.read(1) or pytest.fail(asked)
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=10)
    os.close(terminal)
    os.close(its_end)
    assert (process.returncode, out) == (1, "")
    assert error == "\nbiovisor device write: interrupted at the question: it was not done\n"


def test_ctrl_c_ends_a_scan_in_a_line():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "controller.cli.main", "device", "scan",
                f"tcp://127.0.0.1:{silent.getsockname()[1]}", "--driver", "alicat", "--address", "A-Z",
            ],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr.readline() == "alicat A: no answer within 0.5 s\n"
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=10)
    assert process.returncode == 1
    assert error.endswith("\nbiovisor device: interrupted\n")
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["read", "BR-102"], 2, "there is no connection 'BR-102'; the vessel has plc-102, probes-102, "),
        (["read", "plc-101", "tempratur"], 1, "'tempratur' is no tag here; did you mean"),
        (["write", "plc-101", "temperature=37", "--yes"], 2, "BR-101.temperature is measured, not written; outputs of"),
    ],
)
def test_a_word_that_is_not_quite_right(bench, words, code, said, capsys):
    assert main(["device", words[0], str(BENCH), *words[1:], "--instruments", str(bench)]) == code
    assert said in capsys.readouterr().err


def test_a_mere_number_has_no_unit(bench, capsys):
    assert main(["device", "read", str(BENCH), "counter", "BR-101.sample_number", "--instruments", str(bench)]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == ["BR-101.sample_number", "0", "good", "ok"]
