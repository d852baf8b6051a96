"""F01: what the shipped perfusion class makes of values that stand still."""

import numpy as np

from controller.config.load import load_class, load_site
from controller.frame import BAD, UNCERTAIN
from controller.model.build import build
from drivers.contract import Reason
from tests.control.conftest import ROOT, Rig

PERFUSION = ROOT / "configs/sites/perfusion.yaml"


def perfusion():
    """The shipped site, scanned every 10 s with its temperature in control, and its first vessel's name."""
    site = build(load_site(PERFUSION))
    rig, vessel = Rig(site, period=10.0), site.vessels[0].name
    feed(rig, vessel, temperature=36.9, ph=7.2, do=60.0, weight=7000.0, pressure=10.0)
    rig.run(3)
    rig.mode(f"{vessel}.temperature", "auto")
    rig.setpoint(f"{vessel}.temperature", 37.0)
    return rig, vessel


def feed(rig, vessel, **values):
    rig.set(**{f"{vessel}.{name}": value for name, value in values.items()})


def test_the_perfusion_class_takes_ph_for_bad_and_leaves_temperature_and_oxygen_in_control():
    kind = load_class(ROOT / "configs/classes/perfusion-10l.yaml").config
    declared = {name: one.frozen for name, one in kind.measurements.items() if one.frozen}
    told = {name: (one.after.to("min"), one.quality) for name, one in declared.items()}
    assert told == {"temperature": (30.0, "uncertain"), "ph": (10.0, "bad"), "do": (10.0, "uncertain")}


def test_the_perfusion_class_goes_on_heating_by_a_coarse_probe_at_rest():
    """Nobody can tell it from one that hangs: three hours in tenths of a degree, in the middle of one."""
    rig, vessel = perfusion()
    row, heater = rig.row(f"{vessel}.temperature"), rig.row(f"{vessel}.heater")
    random, seen = np.random.default_rng(1), set()
    for scan in range(3 * 360):
        feed(rig, vessel, temperature=36.9, ph=7.2 + random.normal(0, 0.002), do=60.0 + random.normal(0, 0.2))
        rig.step()
        seen.add((int(rig.result.frame.quality[row]), Reason(rig.result.frame.reason[row])))
        assert scan < 60 or rig.devices[heater] > 0.0
    assert seen == {(0, Reason.SIMULATED), (UNCERTAIN, Reason.FROZEN)}


def test_the_perfusion_class_makes_one_alarm_of_a_ph_that_hangs_and_twitches():
    """Its last digit changes every eleven minutes."""
    rig, vessel = perfusion()
    row, random, seen = rig.row(f"{vessel}.ph"), np.random.default_rng(1), []
    for scan in range(3 * 360):
        temperature, oxygen = 36.9 + random.normal(0, 0.02), 60.0 + random.normal(0, 0.2)
        feed(rig, vessel, ph=7.2 + 0.01 * (scan // 66 % 2), temperature=temperature, do=oxygen)
        rig.step()
        seen.append(int(rig.result.frame.quality[row]))
    assert seen == sorted(seen)
    assert seen[-1] == BAD
    told = [event.text for event in rig.events if event.text.startswith(("pH: no valid value:", "pH: does not move"))]
    assert told == ["pH: no valid value: active at 7.2 [pH]"]
