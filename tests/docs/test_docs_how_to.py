"""What the pages on tuning and on faults tell the reader to type is typed in their order, while their site runs."""

import io
import re
import time

import pytest

from controller.cli.main import main
from tests.docs.conftest import ROOT, code, table
from tests.docs.test_docs_pages import biovisor
from tests.docs.test_docs_running import FAULT_LINES, LOOPS, TUNING
from tests.e2e.conftest import Supervisor, until


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


def at_rest(supervisor):
    """For a second and a half, six minutes of process time, the PV stays near the setpoint."""
    readings = []
    for _ in range(12):
        loop = supervisor.loop("temperature")
        readings.append(abs(loop["pv"] - loop["sp"]))
        time.sleep(0.125)
    return max(readings) < 0.12


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
