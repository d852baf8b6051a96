"""kill -9 in the middle of a recipe: held at the same step, nothing answered is lost, no dose is repeated."""

import random
import time

import pytest

from tests.e2e.conftest import CAR_T, Instruments, Supervisor, until, warm_site

SPEED = 60
SCAN_S = 0.1 * SPEED  # process seconds per scan at this speed


class Witness:
    """What an operator saw of the batch just before the supervisor died."""

    def __init__(self, supervisor):
        self.batch = supervisor.batch()
        self.read_at = time.monotonic()

    def assert_resumed(self, batch, killed_at):
        """The batch is Held in the same operation, its elapsed time within one scan of what it was when killed."""
        assert batch["state"] == "Held"
        assert batch["id"] == self.batch["id"]
        if batch["operation"] == self.batch["operation"]:
            unseen = (killed_at - self.read_at) * SPEED
            elapsed, seen = batch["operation_elapsed_s"], self.batch["operation_elapsed_s"]
            assert seen - SCAN_S <= elapsed <= seen + unseen + SCAN_S
        else:
            names = [operation["name"] for operation in batch["operations"]]
            assert names.index(batch["operation"]) - names.index(self.batch["operation"]) == 1
            assert killed_at - self.read_at > 0, "it moved on between the look and the kill"


def live_a_while(supervisor, dice, answered):
    """Answer prompts and change setpoints for a random while, as an operator would; the journal numbers it was told."""
    supervisor.answer_prompts()
    for _ in range(dice.randint(1, 4)):
        told = supervisor.setpoint("air", round(dice.uniform(45, 60), 1), "mL/min")
        assert told.status_code == 202, told.text
        answered.append(told.json()["journal"])
        time.sleep(dice.uniform(0.0, 0.3))


def kill_and_restart(start, tmp_path, kills, seed):
    """Kill the supervisor ``kills`` times at random moments of a shortened recipe; asserts after each."""
    dice = random.Random(seed)
    site = warm_site(tmp_path)
    instruments = start(Instruments, site, tmp_path / "instruments", SPEED)
    arguments = ["run", site, "--instruments", instruments.file, "--data", tmp_path / "data"]
    order = ["--recipe", CAR_T, "--vessel", "BR-101", "--formula", "count_every=10 min"]
    supervisor = start(Supervisor, *arguments, *order).ready()
    until(supervisor.batch, 10, "the batch is created")
    answered = []
    for _ in range(kills):
        live_a_while(supervisor, dice, answered)
        witness = Witness(supervisor)
        supervisor.kill()
        killed_at = time.monotonic()
        supervisor = start(Supervisor, *arguments).up()
        witness.assert_resumed(until(supervisor.batch, 10, "the batch is back"), killed_at)
        supervisor.ready()
        answer = supervisor.http.post(
            f"/api/v1/batches/{witness.batch['id']}/restart", json={"reason": "power is back"}
        )
        assert answer.status_code in {200, 202}, answer.text
    return instruments, supervisor, answered


def assert_record_is_whole(instruments, supervisor, answered):
    on_record = [supervisor.http.get(f"/api/v1/commands/{number}").status_code for number in answered]
    assert on_record == [200] * len(answered)
    hands = instruments.ask(op="hands_done")["ids"]
    assert len(hands) == len(set(hands))
    inoculations = [name for name in hands if name.endswith(":inoculate")]
    assert len(inoculations) <= 1, "cells are added once"
    delivered = instruments.state()["feed_ml"]
    until(
        lambda: (
            supervisor.tag("feed_total")["value"] == pytest.approx(instruments.state()["feed_ml"], rel=0.02, abs=0.2)
        ),
        10,
        f"the feed on record is the feed that left the pump ({delivered:.2f} mL)",
    )


@pytest.mark.e2e
@pytest.mark.timeout(400)
def test_twenty_kills_lose_nothing_and_repeat_nothing(start, tmp_path):
    instruments, supervisor, answered = kill_and_restart(start, tmp_path, kills=20, seed=20)
    assert_record_is_whole(instruments, supervisor, answered)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_five_hundred_kills_lose_nothing_and_repeat_nothing(start, tmp_path):
    instruments, supervisor, answered = kill_and_restart(start, tmp_path, kills=500, seed=500)
    assert_record_is_whole(instruments, supervisor, answered)


@pytest.mark.e2e
@pytest.mark.timeout(90)
def test_the_plc_goes_safe_within_five_seconds_of_the_last_heartbeat(bench):
    instruments, supervisor = bench
    path = "/api/v1/vessels/BR-101/loops/temperature/mode"
    supervisor.http.put(path, json={"mode": "auto", "reason": "test"}, headers={"Prefer": "wait=5"})
    until(lambda: instruments.state()["heater"] > 0, 10, "the heater is on")
    supervisor.kill()
    killed = time.monotonic()
    until(lambda: instruments.state()["heater"] == 0, 6, "the PLC put the heater to safe")
    assert time.monotonic() - killed <= 5.5
    assert instruments.state()["agitation_sp"] == pytest.approx(60)


@pytest.mark.e2e
@pytest.mark.timeout(90)
def test_sigterm_makes_outputs_safe_within_a_second_and_ends_within_five(bench):
    instruments, supervisor = bench
    path = "/api/v1/vessels/BR-101/loops/temperature/mode"
    supervisor.http.put(path, json={"mode": "auto", "reason": "test"}, headers={"Prefer": "wait=5"})
    until(lambda: instruments.state()["heater"] > 0, 10, "the heater is on")
    with supervisor.http.stream("GET", "/api/v1/stream") as stream:
        next(stream.iter_lines())
        supervisor.popen.terminate()
        told = time.monotonic()
        until(lambda: instruments.state()["heater"] == 0, 2, "the heater is off")
        assert time.monotonic() - told < 1.2
        assert supervisor.popen.wait(6) == 0
        assert time.monotonic() - told < 5
