"""The mode that a loop really is in, its reason, modes that nobody asked for, and what would be refused."""

import json
import math

import pytest

from controller.commands import Verb
from controller.explain.actual import ACTUAL
from drivers.contract import Reason
from tests.control.tables import loop, site, straight
from tests.control.why_bench import (
    HEAT,
    PLAIN,
    actual,
    causes,
    disobeyed,
    dose_guard,
    entry,
    interlock,
    no_value,
    not_followed,
    one,
    warm,
    why,
)  # fmt: skip


def test_an_interlock_that_could_not_be_decided_meanwhile_says_that_it_is_not_released(rig, make_rig):
    interlock(rig, make_rig)
    rig.set(temperature=38.2)
    rig.bad[rig.row("temperature")] = Reason.DEVICE
    rig.run(10)
    assert actual(rig)[1].endswith("(temperature 38.60 > 38.50 Cel)")
    rig.bad.clear()
    rig.run(30)
    assert actual(rig)[1].endswith("(not released: temperature 38.20 < 38.00 Cel)")


@pytest.mark.parametrize("mode", ["off", "manual", "auto", "out_of_service"])
def test_an_interlock_is_above_every_mode(rig, make_rig, mode):
    interlock(rig, make_rig)
    assert rig.mode("temperature", mode, reason="look").applied
    assert actual(rig)[0] == "tracking"
    assert entry(rig, "temperature")["mode"] == mode


def test_actual_modes_and_their_reasons(rig, make_rig):
    assert actual(rig) == ("held", "waiting for the outputs to be read")
    assert actual(warm(rig)) == ("auto", "warm up")
    assert actual(*no_value(make_rig(), make_rig)) == ("held", "no valid value (stale): outputs at their safe values")
    assert actual(*disobeyed(make_rig(), make_rig))[0] == "tracking"
    assert actual(*disobeyed(make_rig(), make_rig))[1].startswith("Heater reads back 40 % instead of ")
    assert actual(*not_followed(rig, make_rig)) == ("tracking", "Jacket is in manual, so nothing follows")
    made, name = not_followed(rig, make_rig)
    made.mode(name, "off")
    assert actual(made, name)[0] == "off"
    assert {"tracking", "held"} == set(ACTUAL)


def test_a_fallback_is_named_and_so_is_a_hold(rig, make_rig):
    for fallback, says in ((30.0, "output at 30 %"), (math.nan, "output held")):
        made = one(make_rig, fallback=fallback)
        made.bad[0] = Reason.DEVICE
        made.run(2)
        assert actual(made, "V.warm") == ("held", f"no valid value (device): {says}")


def test_off_says_what_the_outputs_do(rig):
    rig.step()
    assert "off: not yet switched on; outputs are left as they are" in causes(rig)["mode"]["text"]
    rig.mode("temperature", "auto")
    rig.mode("temperature", "off", reason="probe out")
    assert causes(rig)["mode"]["text"] == "off, by operator: probe out; outputs at their safe values"
    rig.mode("temperature", "out_of_service", reason="calibration")
    assert causes(rig)["mode"]["text"].startswith("out of service, by operator: calibration")


def test_a_mode_that_nobody_asked_for_is_marked_until_somebody_decides(make_rig):
    rows = [loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0), on_bad_pv="manual")]
    rig = make_rig(site=site(["pv"], HEAT, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.warm", "auto")
    assert not entry(rig, "warm")["unasked"]
    rig.bad[0] = Reason.STALE
    rig.run(2)
    told = entry(rig, "warm")
    assert (told["mode"], told["unasked"]) == ("manual", True)
    assert causes(rig, "V.warm")["mode"]["text"].startswith("in manual: no valid value (stale)")
    saved = json.loads(json.dumps(rig.scan.state()))
    again = make_rig(site=rig.site)
    again.scan.restore(saved, 5.0, 1.0)
    again.step()
    assert entry(again, "warm")["unasked"], "a restart does not decide for anybody"
    rig.mode("V.warm", "manual")
    assert not entry(rig, "warm")["unasked"]


def test_a_loop_in_manual_since_a_restart_is_marked(make_rig):
    rows = [loop("warm", sp=25.0, pv=0, tuning=PLAIN, legs=straight(0))._replace(on_restart="hold_output")]
    rig = make_rig(site=site(["pv"], HEAT, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.warm", "auto")
    again = make_rig(site=rig.site)
    again.scan.restore(json.loads(json.dumps(rig.scan.state())), 5.0, 1.0)
    again.values[0] = 20.0
    again.run(2)
    told = entry(again, "warm")
    assert (told["mode"], told["unasked"], told["mode_reason"]) == ("manual", True, "output held since the restart")


def test_what_would_be_refused_is_told_with_the_words_of_the_refusal(rig):
    rig.step()
    barred = entry(rig, "agitation")["barred"]
    assert set(barred) == {"output", "cascade"}
    assert rig.mode("agitation", "cascade").reason == barred["cascade"]
    assert rig.step(rig.command(Verb.OUTPUT, "agitation", value=1.0)).outcomes[0].reason == barred["output"]
    assert rig.mode("agitation", "out_of_service").reason == "Agitation goes out of service only with a reason"
    rig.mode("agitation", "out_of_service", reason="calibration")
    barred = entry(rig, "agitation")["barred"]
    assert set(barred) == {"setpoint", "output", "manual", "auto", "cascade"}
    for what in ("manual", "auto", "cascade"):
        assert rig.mode("agitation", what).reason == barred[what]
    assert rig.setpoint("agitation", 90.0).reason == barred["setpoint"]


def test_a_dose_guard_overrules_a_loop(rig, make_rig):
    made, name = dose_guard(rig, make_rig)
    word, reason = actual(made, name)
    assert word == "tracking"
    assert reason.startswith("dose guard holds Base at 0 mL/h (1")
    assert reason.endswith(" mL were given within 24 h, of 1 allowed)")
    assert entry(made, name)["held_by"] == "dose guard"
    assert why(made, name)["actuators"][1]["forced"] == 0.0
    made.lost = {"base-pump-101"}
    made.run(2)
    assert actual(made, name)[0] == "held"
    assert causes(made, name)["dose_guard"]["text"].endswith("but it cannot be reached")
