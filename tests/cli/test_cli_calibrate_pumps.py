"""``biovisor device calibrate`` on pumps, which run twenty times faster than the wall."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from controller.composition.calibration.live import Instrument, Unreachable
from controller.composition.calibration.pumping import Amount, Pump
from controller.composition.claims import Claims
from tests.cli.calibration_bench import DONE, ROOT, VESSEL, Bench, Simulators, write_site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


def pump_answers(amount="60 {rev}", **more):
    return {"speed": "", "amount": amount, "density": "1.0", "ready": "yes", **DONE, **more}


@pytest.fixture(scope="module")
def fast(tmp_path_factory):
    running = Simulators(tmp_path_factory.mktemp("fast"), speed=20.0)
    yield running
    running.stop()


@pytest.fixture
def pump(fast, tmp_path, monkeypatch, capsys):
    return Bench(write_site(tmp_path, feed="0.08"), tmp_path / "data", monkeypatch, capsys, fast)


def test_a_pump_by_a_balance(pump, fast):
    words = (VESSEL, "feed_flow", "--method", "pump-balance", "--balance", "scale", "--window", "1")
    code, text, errors = pump.types(*words, answers=pump_answers())
    assert code == 0, errors
    change = float(re.search(r"factor .* ([+-][0-9.]+) %", text).group(1))
    assert change == pytest.approx(25.0, abs=0.5), "0.08 in the site file, 0.10 in truth"
    (entry,) = pump.entries()
    assert entry["new"] == {"factor": {"value": pytest.approx(0.1, rel=0.003), "unit": "mL/{rev}"}, "offset": None}
    assert entry["readings"][0]["turns"] >= 60
    assert entry["readings"][0]["counted"]
    assert asyncio.run(fast.read("feed-pump-101", "speed", "running")) == [0.0, 0.0]


def test_a_pump_by_a_volume_and_a_factor_that_cannot_be(pump):
    code, _, errors = pump.types(VESSEL, "feed_flow", "--method", "pump-volume", answers=pump_answers(volume="60"))
    assert code == 1
    assert "12" in errors
    assert "another tube" in errors
    answers = pump_answers(volume=lambda: "6.9")
    code, _, errors = pump.types(VESSEL, "feed_flow", "--method", "pump-volume", answers=answers)
    assert code == 0, errors
    entry = pump.entries()[0]
    assert entry["new"]["factor"]["value"] == pytest.approx(6.9 / entry["readings"][0]["turns"])


def test_too_little_on_the_balance_is_refused(pump):
    words = (VESSEL, "feed_flow", "--method", "pump-balance", "--balance", "scale", "--window", "1")
    code, _, errors = pump.types(*words, answers=pump_answers("6 {rev}"))
    assert code == 1
    assert "pump more" in errors


def test_a_pump_stops_when_its_calibration_is_ended(pump, fast):
    """Told to end in the middle: the pump stands, what was found is kept, and nothing changed."""
    answers = [f"--answer={key}={value}" for key, value in pump_answers("4000 {rev}", speed="50").items()]
    words = ["device", "calibrate", pump.site, VESSEL, "feed_flow", "--method", "pump-volume", "--data", pump.data]
    command = [sys.executable, "-m", "controller.cli.main", *map(str, words), "--instruments", fast.file, *answers]
    started = fast.ask(op="state", vessel=VESSEL)["feed_ml"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while fast.ask(op="state", vessel=VESSEL)["feed_ml"] < started + 1.0:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        errors = process.communicate(timeout=15)[1]
    assert process.returncode == 1
    assert "--resume goes on" in errors
    assert asyncio.run(fast.read("feed-pump-101", "speed", "running")) == [0.0, 0.0]
    assert pump.types(VESSEL, "feed_flow", "--abandon")[0] == 0


def test_a_pump_of_a_supervisor_that_was_started_meanwhile_is_not_turned(pump, fast):
    """While the question stands there, with a data directory of its own."""
    started, before = [], fast.ask(op="state", vessel=VESSEL)["feed_ml"]

    def ready():
        started.append(Claims("bench", [fast.document["instruments"]["feed-pump-101"]["url"]], 0.0))
        return "yes"

    try:
        answers = pump_answers(ready=ready)
        code, _, errors = pump.types(VESSEL, "feed_flow", "--method", "pump-volume", answers=answers)
    finally:
        for claims in started:
            claims.release()
    assert code == 1
    assert "feed-pump-101 belongs to the supervisor of site bench" in errors
    assert fast.ask(op="state", vessel=VESSEL)["feed_ml"] == before
    assert pump.types(VESSEL, "feed_flow", "--abandon")[0] == 0


def test_a_pump_that_does_not_answer_any_more_is_not_said_to_stand(pump, fast):
    """The wire falls silent in the middle."""

    def silence():
        fast.ask(op="fault", instrument="feed-pump-101", fault="silence", duration_s=60)

    def ready():
        threading.Timer(1.5, silence).start()
        return "yes"

    try:
        answers = pump_answers("4000 {rev}", ready=ready)
        code, _, errors = pump.types(VESSEL, "feed_flow", "--method", "pump-volume", answers=answers)
    finally:
        fast.ask(op="fault", instrument="feed-pump-101", fault="silence", duration_s=0.001)
    assert code == 1
    assert "THE PUMP IS NOT KNOWN TO STAND, stop it by hand" in errors
    answers = pump_answers(ready="no")
    assert pump.types(VESSEL, "feed_flow", "--method", "pump-volume", answers=answers)[0] == 1
    code, _, errors = pump.types(
        VESSEL, "feed_flow", "--method", "pump-volume", answers=pump_answers("6 {rev}", volume="0.6", open="new")
    )
    assert code == 0, errors
    assert asyncio.run(fast.read("feed-pump-101", "speed", "running")) == [0.0, 0.0], "the next start stops it first"


async def test_a_pump_that_does_not_count_is_reckoned_by_speed_and_time(fast):
    instrument = Instrument("pump", "watson_marlow", fast.url("feed-pump-101"), {}, {})
    with pytest.raises(ValueError, match="not one of"):
        instrument.point("flow")
    try:
        by_time = await Pump(instrument, "speed", "").run(30.0, Amount(None, 1.0))
        counted = await Pump(instrument, "speed", "revolutions").run(30.0, Amount(None, 1.0))
    finally:
        await instrument.close()
    assert not by_time.counted
    assert by_time.turns == pytest.approx(0.5, rel=0.2)
    assert by_time.seconds == pytest.approx(1.0, rel=0.2)
    assert counted.turns == pytest.approx(20 * 0.5, rel=0.3), "it runs twenty times faster than the wall"


async def test_another_instrument_than_the_expected_one_is_not_used(fast):
    instrument = Instrument("pump", "watson_marlow", fast.url("feed-pump-101"), {}, {"vendor": "Masterflex"})
    with pytest.raises(Unreachable, match="vendor is Watson-Marlow, not Masterflex"):
        await instrument.read([instrument.point("speed")], attempts=1)


def test_a_balance_that_the_site_does_not_have(pump):
    words = (VESSEL, "feed_flow", "--method", "pump-balance", "--balance")
    assert "there is no connection 'scales'" in pump.types(*words, "scales")[2]
    assert "net" in pump.types(*words, "scale.net")[2]
    assert "that would take" in pump.types(*words, "scale", answers=pump_answers("100000 {rev}"))[2]
