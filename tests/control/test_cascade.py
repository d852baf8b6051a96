"""Split range, sequence and cascade: the DO loop with nitrogen, the stirrer and oxygen; pH with acid and base."""

from itertools import pairwise

import pytest

from controller.commands import Verb

DO_OUTPUTS = ("n2_flow", "agitation_speed", "o2_flow")


@pytest.fixture
def running(rig):
    rig.step()
    rig.mode("do", "auto")
    rig.run(2)
    return rig


def agitation(rig):
    return next(loop for loop in rig.scan.view().vessels[0]["loops"] if loop["name"] == "agitation")


def test_the_do_loop_takes_the_stirrer_with_it(running):
    assert agitation(running)["mode"] == "cascade"
    assert agitation(running)["held_by"] == "cascade"
    assert agitation(running)["modes"] == ["off", "manual", "auto", "cascade", "out_of_service"]


def test_p10_the_sequence_is_monotonic_and_complete(running):
    seen, rows = [], [running.site.outputs.index[f"BR-101.{name}"] for name in DO_OUTPUTS]
    for do in (90.0, 20.0):
        running.set(do=do)
        for _ in range(2500):
            running.step()
            seen.append(running.scan.outputs.actual[rows].tolist())
    up = seen[2500:]
    assert seen[2499] == [200.0, 60.0, 0.0]
    assert up[-1] == [0.0, 180.0, 200.0]
    for before, after in pairwise(up):
        assert after[0] <= before[0]
        assert after[1] >= before[1]
        assert after[2] >= before[2]
    assert all(n2 == 0.0 or o2 == 0.0 for n2, _, o2 in seen), "never nitrogen and oxygen together"


def test_the_stirrers_own_setpoint_is_the_least_it_turns(running):
    running.set(do=90.0)
    running.run(900)
    running.setpoint("agitation", 100.0)
    running.run(5)
    assert running.device("agitation_speed") == 100.0
    assert running.device("n2_flow") > 0.0, "nitrogen is still reached"


def test_the_least_speed_of_the_stirrer_moves_no_gas_when_a_lost_device_comes_back(running):
    running.set(do=70.0)
    running.run(500)
    running.setpoint("agitation", 100.0)
    running.set(do=50.2)
    running.run(60)
    before = {name: running.device(name) for name in DO_OUTPUTS}
    assert before["n2_flow"] > 20.0
    assert before["agitation_speed"] == 100.0
    running.lost = {"plc-101"}
    running.run(5)
    running.lost = set()
    running.step()
    assert {name: running.device(name) for name in DO_OUTPUTS} == pytest.approx(before, abs=0.5)


def test_a_stirrer_taken_over_by_hand_does_not_block_the_sequence(running):
    running.mode("agitation", "auto")
    running.set(do=20.0)
    running.run(900)
    assert running.device("agitation_speed") == 60.0
    assert running.device("o2_flow") > 50.0


def test_the_stirrer_keeps_its_speed_when_it_leaves_the_cascade(running):
    running.set(do=48.0)
    running.run(60)
    before = running.device("agitation_speed")
    assert 65.0 < before < 175.0
    running.mode("agitation", "auto")
    running.run(10)
    assert running.device("agitation_speed") == pytest.approx(before, abs=1e-6)


def test_a_master_switched_off_lets_its_slave_go(running):
    running.mode("do", "off")
    running.run(3)
    assert agitation(running)["mode"] == "auto"
    assert running.device("agitation_speed") == 60.0
    outcome = running.mode("agitation", "cascade")
    assert not outcome.applied
    assert "off" in outcome.reason


def test_a_recipe_may_ask_for_automatic_again(running):
    running.mode("agitation", "auto", source="recipe")
    running.mode("do", "auto", source="recipe")
    assert agitation(running)["mode"] == "cascade"


def test_p10_acid_and_base_are_never_given_together(rig):
    rig.step()
    rig.mode("ph", "auto")
    together = []
    for ph in (6.5, 7.9, 6.8, 7.6, 7.2):
        rig.set(ph=ph)
        for _ in range(900):
            rig.step()
            together.append((rig.device("co2_flow"), rig.device("base_flow")))
    assert all(acid == 0.0 or base == 0.0 for acid, base in together)
    assert max(acid for acid, _ in together) > 35.0
    assert max(base for _, base in together) > 15.0


def test_a_forced_output_reaches_the_controller_as_achieved(rig):
    """Overfilled: base is forced to 0; the pH loop must not wind up against it."""
    rig.step()
    rig.mode("ph", "auto")
    rig.set(ph=6.6)
    rig.run(300)
    assert rig.device("base_flow") > 1.0
    rig.set(weight=2100.0)
    rig.run(3000)
    assert rig.device("base_flow") == 0.0
    assert rig.op("ph") == pytest.approx(0.0, abs=1e-9)
    wanted = rig.scan.loops.levels[0].bank.wanted[rig.scan.loops.levels[0].place[rig.loop("ph")]]
    gain = rig.scan.site.loops.rows[rig.loop("ph")].tuning.gain
    assert wanted <= 2.1 * gain * 0.58, "K e Tt/Ti beyond K e, however long it lasts"


def test_manual_moves_the_actuators_over_their_legs(rig):
    rig.step()
    rig.mode("ph", "manual")
    rig.step(rig.command(Verb.OUTPUT, "ph", value=-50.0))
    assert (rig.device("co2_flow"), rig.device("base_flow")) == (20.0, 0.0)
    rig.step(rig.command(Verb.OUTPUT, "ph", value=50.0))
    assert rig.device("base_flow") == 0.0, "until the shortest pulse of carbon dioxide is over"
    rig.run(6)
    assert (rig.device("co2_flow"), rig.device("base_flow")) == (0.0, 30.0)
