"""A restart: what is remembered is JSON, every loop comes back by its policy, and nothing bumps."""

import json
from dataclasses import replace

import pytest

from controller.commands import Verb
from controller.model.loops import LoopTable


@pytest.fixture
def before(rig):
    rig.set(temperature=36.8, ph=7.35, do=45.0)
    rig.step()
    for loop in ("temperature", "ph", "do"):
        rig.mode(loop, "auto")
    rig.setpoint("temperature", 36.9)
    rig.setpoint("feed", 12.0)
    rig.mode("feed", "auto")
    rig.setpoint("air", 70.0)
    rig.run(600)
    return rig


def restart(old, make_rig, outage=30.0, safe=False, **options):
    """A new scan on the devices as they are (or as their watchdogs left them)."""
    state = json.loads(json.dumps(old.scan.state(), allow_nan=False))
    new = make_rig(**options)
    new.values, new.devices, new.now = old.values, old.devices, 5.0
    if safe:
        new.devices.update(old.scan.safe_writes())
    new.events += new.scan.restore(state, 5.0, outage)
    return new


def test_loops_go_on_without_a_step_when_the_devices_kept_their_values(before, make_rig):
    found = dict(before.devices)
    rig = restart(before, make_rig)
    rig.step()
    for output in rig.site.outputs.rows:
        if output.name.endswith(("feed_flow", "count_request")):
            continue
        assert abs(rig.devices[output.tag] - found[output.tag]) <= 0.005 * output.span, output.name
    rig.run(30)
    assert rig.op("temperature") == pytest.approx(before.op("temperature"), abs=1.0)
    assert rig.scan.loops.sp_target[rig.loop("temperature")] == 36.9
    assert rig.device("air_flow") == 70.0


def test_p18_what_was_remembered_gives_the_same_outputs(before, make_rig):
    """Set back and went on for ten minutes, beside the one that never stopped. The pH loop begins at where a pump was
    found that knows steps, and is back within minutes.
    """
    before.set(temperature=36.9, ph=7.2, do=50.0)
    before.run(300)
    rig = restart(before, make_rig, outage=1.0)
    rig.values, rig.devices = dict(before.values), dict(before.devices)
    for scan in range(600):
        for one in (before, rig):
            one.set(temperature=36.9 - 0.0002 * scan, ph=7.2 - 0.00005 * scan, do=50.0 - 0.005 * scan)
            one.step()
        for loop, off in (("temperature", 1e-9), ("do", 1e-9), ("ph", 0.05 if scan < 300 else 1e-3)):
            assert rig.op(loop) == pytest.approx(before.op(loop), abs=off), (loop, scan)


def test_after_a_watchdog_the_loop_comes_back_to_its_integral_without_a_step(before, make_rig):
    was = before.op("temperature")
    rig = restart(before, make_rig, safe=True)
    rig.step()
    assert rig.device("heater") == pytest.approx(0.0, abs=0.5)
    rig.run(300)
    reset = rig.tuning("temperature").gain / rig.tuning("temperature").integral_time
    assert rig.op("temperature") == pytest.approx(was + 300 * reset * 0.1, abs=0.5)


def test_what_goes_safe_is_safe_and_says_so(before, make_rig):
    rig = restart(before, make_rig)
    assert any("Feed auto → off: safe since the restart" in text for text in rig.texts())
    rig.run(3)
    assert rig.device("feed_flow") == 0.0
    assert rig.scan.loops.sp_target[rig.loop("feed")] == 12.0


def test_nothing_is_written_before_the_outputs_are_read_again(before, make_rig):
    rig = restart(before, make_rig)
    rig.lost = {"plc-101", "base-pump-101", "feed-pump-101", "plc-102", "base-pump-102", "feed-pump-102"}
    rig.run(5)
    assert rig.writes == [{}] * 5


def test_the_cascade_comes_back(before, make_rig):
    speed = before.device("agitation_speed")
    rig = restart(before, make_rig)
    rig.run(2)
    loops = {loop["name"]: loop for loop in rig.scan.view().vessels[0]["loops"]}
    assert (loops["do"]["mode"], loops["agitation"]["mode"]) == ("auto", "cascade")
    assert rig.device("agitation_speed") == pytest.approx(speed, abs=1.5)


def test_hold_output_keeps_the_output_in_manual(before, make_rig, site):
    rows = [loop._replace(on_restart="hold_output") if loop.name == "temperature" else loop for loop in site.loops.rows]
    was = before.device("heater")
    rig = restart(before, make_rig, site=replace(site, loops=LoopTable(tuple(rows))))
    rig.run(50)
    loop = next(loop for loop in rig.scan.view().vessels[0]["loops"] if loop["name"] == "temperature")
    assert (loop["mode"], loop["mode_reason"]) == ("manual", "output held since the restart")
    assert rig.device("heater") == pytest.approx(was)


def test_commands_are_not_carried_out_again(before, make_rig):
    rig = restart(before, make_rig)
    assert rig.scan.applied == before.journal
    rig.journal = before.journal - 1
    assert not rig.setpoint("air", 99.0).applied
    assert rig.setpoint("air", 98.0).applied


def test_revisions_totals_interlocks_and_alarms_survive(before, make_rig):
    before.set(pressure=300.0, feed_total=0.0)
    before.run(2)
    before.set(feed_total=4.0, temperature=38.0)
    before.run(80)
    rig = restart(before, make_rig, outage=60.0)
    assert rig.scan.interlocks.state() == ["BR-101.over_pressure"]
    assert rig.scan.loops.states[rig.loop("air")].revision == before.scan.loops.states[rig.loop("air")].revision
    alarm = rig.scan.view().alarms[0]
    old = before.scan.view().alarms[0]
    assert alarm["id"] == "BR-101.temperature_high"
    assert rig.now - 60.0 - alarm["since"] == pytest.approx(before.now - old["since"])
    rig.step()
    assert rig.result.frame.value[rig.row("feed_total")] == 4.0


def test_an_empty_or_foreign_state_is_a_cold_start(make_rig):
    rig = make_rig()
    assert rig.scan.restore({}, 5.0, 0.0) == []
    nonsense = {
        "loops": {"BR-101.temperature": {"mode": "warp", "sp": "x", "integral": "y", "revision": None}},
        "applied": 3,
    }
    rig.scan.restore(nonsense, 5.0, 0.0)
    rig.run(3)
    assert rig.scan.loops.sp_target[rig.loop("temperature")] == 37.0


def test_p18_the_same_inputs_give_the_same_outputs(make_rig):
    def life():
        rig = make_rig()
        rig.set(temperature=36.0)
        rig.step()
        rig.mode("temperature", "auto")
        rig.step(rig.command(Verb.MODE, "do", mode="auto"))
        for n in range(300):
            rig.set(temperature=36.0 + 0.002 * n, do=60.0 - 0.1 * n)
            rig.step()
        return rig.writes

    assert life() == life()


def test_manual_comes_back_as_it_was(before, make_rig):
    before.mode("temperature", "manual")
    before.step(before.command(Verb.OUTPUT, "temperature", value=33.0))
    rig = restart(before, make_rig)
    rig.run(3)
    assert rig.device("heater") == 33.0
