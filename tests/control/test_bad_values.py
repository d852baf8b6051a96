"""A bad value: each loop does what it declared, tells it once, and comes back without a bump."""

import numpy as np
import pytest

from controller.commands import Command, Verb
from drivers.contract import Reason
from tests.control.tables import Tuning, loop, site, straight


@pytest.fixture
def warm(rig):
    rig.set(temperature=36.5, ph=7.4, do=40.0)
    rig.step()
    for name in ("temperature", "ph", "do"):
        rig.mode(name, "auto")
    rig.run(400)
    return rig


def test_a_loop_that_goes_safe_goes_safe_and_recovers(warm):
    before, co2 = warm.op("temperature"), warm.device("co2_flow")
    warm.bad[warm.row("temperature")] = Reason.DEVICE
    warm.step()
    assert warm.device("heater") == 0.0
    assert warm.device("co2_flow") == pytest.approx(co2, abs=0.1), "its neighbour does not notice"
    warm.run(60)
    warm.bad.clear()
    warm.step()
    assert warm.device("heater") == pytest.approx(0.0, abs=1e-9), "no bump"
    warm.run(300)
    reset = warm.tuning("temperature").gain / warm.tuning("temperature").integral_time
    assert warm.op("temperature") == pytest.approx(min(before + 300 * reset * 0.5, 100.0), abs=0.3), (
        "as if nothing had been"
    )


def test_ph_goes_safe_with_acid_and_base_off(warm):
    assert warm.device("co2_flow") > 1.0
    warm.bad[warm.row("ph")] = Reason.LINK
    warm.step()
    assert (warm.device("co2_flow"), warm.device("base_flow")) == (0.0, 0.0)


def test_a_loop_that_holds_holds(warm):
    before = {name: warm.device(name) for name in ("n2_flow", "agitation_speed", "o2_flow")}
    warm.bad[warm.row("do")] = Reason.STALE
    warm.run(100)
    assert {name: warm.device(name) for name in before} == pytest.approx(before, abs=0.5)
    warm.bad.clear()
    op = warm.op("do")
    warm.step()
    assert warm.op("do") == pytest.approx(op, abs=1e-9)


def test_a_value_out_of_its_range_is_bad_and_stays_what_it_is(warm):
    warm.set(ph=13.0)
    frame = warm.step().frame
    row = warm.row("ph")
    assert frame.value[row] == 13.0
    assert (frame.quality[row], frame.reason[row]) == (2, Reason.RANGE)


def test_it_is_told_once_and_the_loop_says_why(warm):
    warm.events.clear()
    warm.bad[warm.row("ph")] = Reason.LINK
    warm.run(5)
    loop = next(loop for loop in warm.scan.view().vessels[0]["loops"] if loop["name"] == "ph")
    assert loop["mode_reason"] == "no valid value (link): outputs at their safe values"
    warm.bad.clear()
    warm.run(5)
    told = [event.text for event in warm.events if event.object == "BR-101.ph"]
    assert told == ["pH: no valid value (link): outputs at their safe values", "pH: works again"]


def test_feed_stops_while_its_total_is_unknown(rig):
    rig.step()
    rig.mode("feed", "auto")
    rig.setpoint("feed", 30.0)
    assert rig.device("feed_flow") == 30.0
    rig.bad[rig.row("feed_total")] = Reason.DEVICE
    rig.step()
    assert rig.device("feed_flow") == 0.0
    rig.bad.clear()
    rig.run(2)
    assert rig.device("feed_flow") == 30.0


def test_in_manual_a_bad_value_matters_to_the_interlock_only(warm):
    warm.mode("temperature", "manual")
    warm.step(warm.command(Verb.OUTPUT, "temperature", value=12.0))
    warm.bad[warm.row("temperature")] = Reason.LINK
    warm.run(3)
    assert warm.device("heater") == 12.0
    warm.run(2)
    assert warm.device("heater") == 0.0
    warm.bad.clear()
    warm.run(2)
    assert warm.device("heater") == 12.0


def test_bad_then_unreachable_then_reachable_is_still_safe(warm):
    """The probes fail, then the PLC, then the PLC comes back: CO2 must not come back with it."""
    warm.lost = {"probes-101"}
    warm.run(2)
    warm.lost = {"probes-101", "plc-101"}
    warm.run(5)
    warm.devices[warm.row("co2_flow")] = 17.0
    warm.lost = {"probes-101"}
    warm.run(2)
    assert warm.device("co2_flow") == 0.0


def test_unreachable_then_bad_then_reachable_is_safe_too(warm):
    warm.lost = {"plc-101"}
    warm.run(3)
    warm.lost = {"plc-101", "probes-101"}
    warm.run(3)
    warm.devices[warm.row("co2_flow")] = 17.0
    warm.lost = {"probes-101"}
    warm.run(2)
    assert warm.device("co2_flow") == 0.0


def test_p19_no_nan_reaches_an_output_whatever_the_devices_say(make_rig):
    rng = np.random.default_rng(3)
    rig = make_rig()
    rig.step()
    for name in ("temperature", "ph", "do"):
        rig.mode(name, "auto")
    garbage = [np.nan, np.inf, -np.inf, 1e308, -1e308, 0.0, 1e-320, 37.0]
    rows = list(rig.values)
    for _ in range(2000):
        for row in rng.choice(rows, 4):
            rig.values[int(row)] = float(rng.choice(garbage))
        for row, value in rig.step(dt=float(rng.uniform(0.1, 10.0))).writes.items():
            tag = rig.site.tags.tags[row]
            assert tag.low <= value <= tag.high


def lone(make_rig, **more):
    rows = [loop("level", pv=0, sp=5.0, tuning=Tuning(2.0, 50.0), legs=straight(0), **more)]
    rig = make_rig(site=site(["pv"], {"valve": (0.0, 100.0, 0.0)}, rows))
    rig.values[0], rig.devices[1] = 4.0, 30.0
    rig.step()
    rig.mode("V.level", "auto")
    rig.run(20)
    return rig


def test_p14_a_loop_with_a_fallback_goes_there_and_comes_back_without_a_bump(make_rig):
    rig = lone(make_rig, fallback=12.0)
    before = rig.op("V.level")
    rig.bad[0] = Reason.DEVICE
    rig.run(5)
    assert rig.devices[1] == 12.0
    assert "output at 12" in rig.texts()[-1]
    rig.bad.clear()
    rig.step()
    assert rig.devices[1] == pytest.approx(12.0, abs=1e-9)
    rig.run(500)
    assert rig.op("V.level") > before, "it goes on as if nothing had been"


@pytest.mark.parametrize(("fallback", "output"), [(12.0, 12.0), (float("nan"), None)])
def test_p14_a_loop_that_goes_to_manual_stays_there_until_somebody_decides(make_rig, fallback, output):
    rig = lone(make_rig, on_bad_pv="manual", fallback=fallback)
    before = rig.op("V.level")
    rig.bad[0] = Reason.RANGE
    rig.run(3)
    state = rig.scan.loops.states[0]
    assert (state.mode.word, state.held_by) == ("manual", "operator")
    assert state.reason == "no valid value (range): went to manual"
    assert rig.devices[1] == pytest.approx(before if output is None else output, abs=2e-4 * 100)
    rig.bad.clear()
    rig.run(3)
    assert state.mode.word == "manual"
    held = rig.op("V.level")
    rig.mode("V.level", "auto")
    assert rig.op("V.level") == pytest.approx(held, abs=1e-9)
    events = [event for event in rig.events if event.subtype == "Mode Change" and event.reason.startswith("no valid")]
    assert [event.value for event in events] == ["manual"], "told once"


def test_out_of_service_is_safe_and_takes_nothing_but_off(make_rig):
    rig = lone(make_rig)
    assert "only with a reason" in rig.mode("V.level", "out_of_service").reason
    work = Command(Verb.MODE, "V.level", {"mode": "out_of_service"}, journal=90, reason="valve is being replaced")
    assert rig.step(work).outcomes[0].applied
    rig.journal = 90
    rig.step()
    assert rig.devices[1] == 0.0
    for refused in (rig.mode("V.level", "auto"), rig.setpoint("V.level", 4.0)):
        assert not refused.applied
        assert "out of service" in refused.reason
        assert "valve is being replaced" in refused.reason
        assert refused.allowed == ("off",)
    assert rig.mode("V.level", "off").applied
    assert rig.mode("V.level", "auto").applied


def test_a_ratio_holds_its_output_while_what_it_follows_reads_out_of_range(make_rig):
    rows = [
        loop("flow", "direct", output=0, low=0.0, high=100.0),
        loop("share", "ratio", sp=0.5, low=0.0, high=1.0, of=0, slave=0, op_low=0.0, op_high=100.0),
    ]
    rig = make_rig(site=site(["wild"], {"pump": (0.0, 100.0, 0.0)}, rows))
    rig.values[0] = 20.0
    rig.step()
    rig.mode("V.share", "auto")
    rig.mode("V.flow", "cascade")
    rig.run(2)
    assert rig.devices[1] == 10.0
    rig.values[0] = 2e6
    rig.run(5)
    assert rig.devices[1] == 10.0
    rig.values[0] = 40.0
    rig.run(2)
    assert rig.devices[1] == 20.0
