"""``biovisor device test``: the check before a run, on the bench's simulated instruments as processes."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest

from controller.cli import device_shared
from controller.cli.main import main
from controller.composition.devices_check import check_calibrations, check_reading
from controller.composition.devices_points import Reading, Spot
from controller.composition.paths import calibrations_path
from controller.config.calibrated import Calibrated
from controller.store.calibrations import append
from controller.units import Quantity
from drivers.contract import Point, Quality, Reason, Sample
from tests.cli.conftest import BENCH, ROOT

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(60),
    pytest.mark.usefixtures("drivers"),
]


class Terminal:
    """A person who gives one answer after the other."""

    def __init__(self, *answers):
        self._answers = list(answers)

    def isatty(self):
        return True

    def readline(self):
        return f"{self._answers.pop(0)}\n"


@pytest.fixture
def my_site(bench, tmp_path):
    """Writes a copy of the bench's site file with the simulators' URLs as if they were hardware, and with changes."""

    def make(*changes):
        text = BENCH.read_text().replace("../classes", str(BENCH.parents[1] / "classes"))
        lines = json.loads(bench.read_text())["instruments"]
        for name, entry in lines.items():
            start = text.index(f"  {name}:\n")
            begin = text.index("    url: ", start) + len("    url: ")
            text = text[:begin] + entry["url"] + text[text.index("\n", begin) :]
        text = text.replace("password_env: BIOVISOR_VICELL_PASSWORD", "password: simulated")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "my-site.yaml"
        path.write_text(text)
        return str(path)

    return make


def checked(capsys, *arguments):
    """Exit code, whether all is right, and checks by what and check."""
    code = main(["device", "test", *map(str, arguments), "--json"])
    document = json.loads(capsys.readouterr().out)
    return code, document["ok"], {(one["what"], one["check"]): one for one in document["checks"]}


def value_of(bench, point, connection="feed-pump-101"):
    """A point of one of the bench's instruments."""
    reading = ["device", "read", str(BENCH), connection, point, "--instruments", str(bench), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", *reading],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    return json.loads(done.stdout)["points"][0]["value"]


def test_a_vessel_that_is_ready(bench, my_site, capsys):
    site = my_site(
        (
            "    heartbeat: Host.Heartbeat",
            "    heartbeat: Host.Heartbeat\n    expect: {serial: SIMULATED, vendor: Siemens}",
        )
    )
    code, right, checks = checked(capsys, site, "BR-101", "--calibrated-within", 36500)
    assert (code, right) == (0, True)
    assert checks["plc-101", "identity"]["result"] == "ok"
    answering = {what for what, check in checks if check == "answers"}
    assert answering == {"plc-101", "probes-101", "base-pump-101", "feed-pump-101", "counter"}
    assert checks["BR-101.viability", "value"]["why"] == "no sample counted yet"
    assert {what for what, check in checks if check == "calibration"} == {"BR-101.base_flow", "BR-101.feed_flow"}
    assert not [what for what, check in checks if check == "pump"]
    assert not [what for what, _ in checks if "102" in what]


def test_what_is_wrong_has_a_reason_and_what_to_do(bench, my_site, capsys):
    site = my_site(
        ("    heartbeat: Host.Heartbeat", "    heartbeat: Host.Heartbeat\n    expect: {serial: S-1234}"),
        (json.loads(bench.read_text())["instruments"]["feed-pump-101"]["url"], "serial:///dev/absent"),
        ("2026-11-02", "2019-02-03"),
        ("2026-11-02", "2999-01-01"),
    )
    assert main(["device", "test", site, "BR-101"]) == 1
    head, *rows, total = capsys.readouterr().out.splitlines()
    assert head.split() == ["result", "of", "check", "why", "what", "to", "do"]
    failed = {tuple(row.split()[1:3]): " ".join(row.split()) for row in rows if row.startswith("failed")}
    assert f"{len(rows)} checks, {len(failed)} failed" == total
    assert set(failed) == {
        ("plc-101", "identity"), ("feed-pump-101", "answers"),
        ("BR-101.base_flow", "calibration"), ("BR-101.feed_flow", "calibration"),
    }  # fmt: skip
    assert "serial is SIMULATED, not S-1234 connect the expected instrument" in failed["plc-101", "identity"]
    assert "cannot open /dev/absent: No such file or directory check power" in failed["feed-pump-101", "answers"]
    assert "days old" in failed["BR-101.base_flow", "calibration"]
    assert "its date, 2999-01-01, is in the future" in failed["BR-101.feed_flow", "calibration"]


@pytest.mark.parametrize(
    ("sample", "result", "why"),
    [
        (Sample(37.0, Quality.GOOD, Reason.OK, 0), "ok", "37 Cel"),
        (Sample(101.0, Quality.GOOD, Reason.OK, 0), "failed", "101 Cel is not within 0 to 100"),
        (Sample(37.0, Quality.UNCERTAIN, Reason.DEVICE, 0, None, "warning"), "failed", "37 Cel, uncertain: warning"),
        (Sample(float("nan"), Quality.BAD, Reason.DEVICE, 0, None, "no sensor"), "failed", "no sensor"),
        (Sample(float("nan"), Quality.BAD, Reason.NOT_READ, 0), "failed", "not_read"),
        (Sample(float("nan"), Quality.BAD, Reason.NO_SAMPLE, 0, None, "no sample yet"), "ok", "no sample yet"),
    ],
)
def test_a_value(sample, result, why):
    spot = Spot(Point("BR-101.temperature", "Temp.PV"), "BR-101.temperature", "Cel", 0.0, 100.0)
    check = check_reading(Reading(spot, sample))
    assert (check.result, check.why, bool(check.todo)) == (result, why, result == "failed")


def test_a_calibration_that_is_needed_and_not_there():
    today = datetime.now(UTC).date()
    old = Calibrated("site file", Quantity(1.0, "mL/{rev}"), None, (today - timedelta(days=90)).isoformat())
    wrong, limit = {"feed_flow": "never calibrated"}, Quantity(90.0, "d")
    checks = check_calibrations("BR-101", {"feed_flow": None, "base_flow": old, "weight": None}, wrong, today, limit)
    assert [(check.what, check.result, check.why) for check in checks] == [
        ("BR-101.feed_flow", "failed", "never calibrated"),
        ("BR-101.base_flow", "ok", f"site file of {old.date}, 90 days old"),
        ("BR-101.weight", "ok", "its check has passed"),
    ]
    (tomorrow,) = check_calibrations("BR-101", {"base_flow": old}, {}, today + timedelta(days=1), limit)
    assert (tomorrow.result, tomorrow.why) == ("failed", f"site file of {old.date}, 91 days old")


def test_what_was_calibrated_counts_before_a_run_and_at_the_command_line(bench, tmp_path, capsys):
    path = calibrations_path(tmp_path, "bench", simulated=True)
    twice = {"factor": {"value": 0.2, "unit": "mL/{rev}"}, "offset": None}
    entry = {
        "kind": "calibration", "vessel": "BR-101", "name": "feed_flow", "who": "Ann", "reason": "new tube",
        "method": "pump-volume", "old": None, "new": twice, "passed": None, "expires": "2026-01-31T00:00:00.000Z",
    }  # fmt: skip
    now = datetime.now(UTC).timestamp()
    use = ("--instruments", str(bench), "--data", str(tmp_path))
    totals = []
    for expires in ("2026-01-31T00:00:00.000Z", ""):
        append(path, {**entry, "expires": expires}, now, "SIM")
        _, _, checks = checked(capsys, str(BENCH), "BR-101", *use)
        totals.append(checks["BR-101.feed_flow", "calibration"])
    assert [one["result"] for one in totals] == ["failed", "ok"]
    assert "expired on 2026-01-31" in totals[0]["why"]
    assert totals[1]["why"].startswith("SIM-")
    assert "0 days old" in totals[1]["why"]

    words = (str(BENCH), "feed-pump-101", "feed_flow=120", "--yes", *use)
    assert main(["device", "write", *words]) == 0
    try:
        capsys.readouterr()
        assert main(["device", "read", str(BENCH), "feed-pump-101", "speed", "feed_flow", "--json", *use]) == 0
        flow = json.loads(capsys.readouterr().out)["points"]
        assert [round(one["value"], 3) for one in flow] == [120.0, 120.0]
        plain = (
            "device",
            "read",
            "watson_marlow",
            json.loads(bench.read_text())["instruments"]["feed-pump-101"]["url"],
        )
        assert main([*plain, "speed", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["points"][0]["value"] == pytest.approx(10.0)  # 0.2 mL each
    finally:
        assert main(["device", "write", *words[:2], "feed_flow=0", "--yes", *use]) == 0


def test_pumps_turn_only_when_they_are_confirmed(bench, monkeypatch, capsys):
    before = [value_of(bench, "revolutions", pump) for pump in ("base-pump-101", "feed-pump-101")]
    monkeypatch.setattr(device_shared.sys, "stdin", Terminal("n", "yes"))
    code, right, checks = checked(capsys, BENCH, "BR-101", "--pumps", "--instruments", bench)
    assert (code, right) == (0, True)
    base, feed = checks["BR-101.base_flow", "pump"], checks["BR-101.feed_flow", "pump"]
    assert (base["result"], base["why"]) == ("skipped", "not confirmed, not touched")
    assert feed["result"] == "ok"
    assert feed["why"].startswith("revolutions rose by 0.0")
    assert feed["why"].endswith("at 6 mL/h")
    after = [value_of(bench, "revolutions", pump) for pump in ("base-pump-101", "feed-pump-101")]
    assert after[0] == before[0]
    assert 0 < after[1] - before[1] < 0.05  # mL
    assert value_of(bench, "speed") == 0


def test_a_pump_that_turns_already_is_not_touched(bench, capsys):
    write = ["device", "write", str(BENCH), "base-pump-102", "--instruments", str(bench), "--yes"]
    assert main([*write, "speed=30"]) == 0
    try:
        capsys.readouterr()
        code, _, checks = checked(capsys, BENCH, "BR-102", "--pumps", "--yes", "--instruments", bench)
        assert code == 1
        assert checks["BR-102.base_flow", "pump"]["why"] == "it turns already; not touched"
        assert value_of(bench, "speed", "base-pump-102") == pytest.approx(30, abs=0.2)
    finally:
        assert main([*write, "speed=0"]) == 0


def test_ctrl_c_stops_the_pump(bench, installed):
    command = [sys.executable, "-m", "controller.cli.main", "device", "test", str(BENCH), "BR-102", "--pumps", "--yes"]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{installed}"}
    with subprocess.Popen(
        [*command, "--instruments", str(bench)], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        pump = turning(bench, process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
        assert process.returncode != 0
    assert value_of(bench, "speed", pump) == 0


def test_a_pump_that_is_unplugged_while_it_turns_is_stopped_when_it_is_back(bench, installed):
    command = [sys.executable, "-m", "controller.cli.main", "device", "test", str(BENCH), "BR-102", "--pumps", "--yes"]
    env = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{installed}"}
    with subprocess.Popen(
        [*command, "--instruments", str(bench)], cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        pump = turning(bench, process)
        asked(bench, op="fault", instrument=pump, fault="disconnect", duration_s=2.5)
        process.communicate(timeout=50)
    assert value_of(bench, "speed", pump) == 0


def asked(bench, **request):
    """The answer of the simulators' control port."""
    host, port = json.loads(bench.read_text())["control"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection, connection.makefile("rwb") as stream:
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()
        return json.loads(stream.readline())


def turning(bench, process):
    """The first pump of BR-102 that turns while the process runs."""
    while process.poll() is None:
        signals = asked(bench, op="state", vessel="BR-102")
        for pump in ("base", "feed"):
            if signals[f"{pump}_rpm"]:
                return f"{pump}-pump-102"
        time.sleep(0.02)
    raise AssertionError("no pump turned")


def test_pumps_are_not_turned_without_a_person_or_yes(monkeypatch, capsys):
    monkeypatch.setattr(device_shared.sys, "stdin", io.StringIO())
    assert main(["device", "test", str(BENCH), "--pumps"]) == 2
    assert "confirm all with --yes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([str(BENCH), "BR-103"], 2, "there is no vessel 'BR-103'; the site has BR-101, BR-102"),
        ([str(BENCH), "--calibrated-within", "-1"], 2, "--calibrated-within must be 0 or more"),
        (["absent.yaml"], 1, "absent.yaml"),
    ],
)
def test_what_cannot_be_is_said(arguments, code, said, capsys):
    assert main(["device", "test", *arguments]) == code
    assert said in capsys.readouterr().err
