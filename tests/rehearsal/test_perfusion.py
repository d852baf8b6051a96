"""A culture in perfusion from filling to harvest, by what the site's instruments show and drive."""

import pytest

from controller.composition.rehearsal import Rehearsal
from controller.config.problems import Problems
from simulators.biology.donors import patient
from simulators.biology.tc_m import DONOR, LIMITS
from tests.rehearsal.conftest import CONFIGS, DAY_S, HOUR_S, setting

SITE = CONFIGS / "sites/perfusion.yaml"
RECIPE = CONFIGS / "recipes/perfusion-expansion.yaml"
CASE_C = {120.0: 5.503, 168.0: 9.731}
"""Viable cells in 10*6/mL by hours since inoculation, of the model at its best pH and with ample oxygen."""
USUAL = {name: f"{value} {LIMITS[name].unit}" for name, value in DONOR._asdict().items()}
ML_PER_REV, CULTURE_G, DENSITY = 0.5, 8064.0, 1008.0


class Watch:
    """What is noticed on the way: cells by time, perfusion rates by operation, the largest deviations."""

    def __init__(self, rehearsal):
        self.rehearsal, self.fleet = rehearsal, rehearsal.fleet
        self.begun_s, self.entered, self.cells, self.rates, self.held = None, ("", 0.0), {}, {}, []
        self.worst = dict.fromkeys(("true_temperature", "true_ph", "true_do", "pressure", "weight"), 0.0)

    def now(self):
        every = {**self.fleet.truth(), **self.fleet.readings, **self.fleet.actuators}
        return {name: float(values[0]) for name, values in every.items()}

    def __call__(self):
        now, operation = self.now(), self.rehearsal.engine.operation(self.rehearsal.names[0])
        if operation != self.entered[0]:
            self.entered = operation, now["process_s"]
        if now["vcd"] == 0.0 or operation in {"cool_down", "harvest", ""}:
            return
        self.begun_s = self.begun_s or now["process_s"]
        hours, inside = ((now["process_s"] - begun) / HOUR_S for begun in (self.begun_s, self.entered[1]))
        self.cells.update({at: now["vcd"] for at in CASE_C if hours >= at and at not in self.cells})
        if operation.startswith("perfuse") and inside > 4.0:
            ml_h = 60.0 * ML_PER_REV * now["medium_rpm"]
            self.rates.setdefault(operation, []).append(24.0 * ml_h / (1000.0 * now["volume_l"]))
            self._deviates("weight", DENSITY * now["volume_l"] - CULTURE_G)
        if operation == "hold_density" and inside > 12.0:
            self.held.append(now["capacitance"])
        if hours > 12.0:
            for name, setpoint in (("true_temperature", 37.0), ("true_ph", 7.2), ("true_do", 50.0), ("pressure", 30.0)):
                self._deviates(name, now[name] - setpoint)

    def _deviates(self, name, by):
        self.worst[name] = max(self.worst[name], abs(by))


def perfused(initial, formula):
    """The watch over a batch that was completed, of a donor with cells enough, who grow as the usual ones do."""
    donor = next(number for number in range(100) if patient(1, number).cd3 * patient(1, number).viability > 5.0)
    initial = {"parameters": USUAL, **initial}
    chosen = setting(site=SITE, vessel="BR-301", recipe=RECIPE, period_s=30.0, initial=initial, formula=formula)
    rehearsal = Rehearsal(chosen, [donor])
    watch = Watch(rehearsal)
    course = rehearsal.run(watch=watch).courses[rehearsal.names[0]]
    print(f"{course.ended_s / DAY_S:.2f} d, cells {watch.cells}, {watch.worst}")
    assert course.state == "Complete"
    return watch


def assert_perfused_bled_and_controlled(watch):
    held, now = sum(watch.held) / len(watch.held), watch.now()
    poured = {name: now[f"{name}_ml"] for name in ("medium", "harvest", "bleed", "base", "antifoam")}
    print(f"held {held:.2f}, {poured}")
    for operation, vvd in (("perfuse", 0.5), ("perfuse_faster", 1.0), ("perfuse_fully", 1.5)):
        rates = sorted(watch.rates[operation])
        assert rates[len(rates) // 2] == pytest.approx(vvd, rel=0.02), operation
    assert held == pytest.approx(11.0, rel=0.05), "by the probe, which the bleed believes"
    assert poured["bleed"] > 500.0
    assert poured["medium"] - poured["harvest"] - poured["bleed"] == pytest.approx(0.0, abs=400.0), "up to the level"
    assert 0.5 < poured["antifoam"] < 20.0
    limits = {"true_temperature": 0.2, "true_ph": 0.1, "true_do": 5.0, "pressure": 10.0, "weight": 60.0}
    assert all(watch.worst[name] <= limit for name, limit in limits.items()), watch.worst


@pytest.mark.timeout(120)
def test_dense_cells_are_perfused_ever_faster_and_held_at_their_density():
    """From a dense inoculum and with short steps, so that it is over in three days; foam is fought early."""
    dense, short = {"vcd": 8.0, "temperature_c": 36.5}, {"begin_after": 3.0, "step_after": 6.0, "foam_limit": 15.0}
    assert_perfused_bled_and_controlled(perfused(dense, short))


@pytest.mark.soak
@pytest.mark.timeout(300)
def test_cells_in_perfusion_become_as_dense_as_their_model_says_and_are_held_there():
    watch = perfused({}, {})
    for at, density in CASE_C.items():
        assert watch.cells[at] == pytest.approx(density, rel=0.1), at
    assert_perfused_bled_and_controlled(watch)


def test_what_is_not_fitted_cannot_be_rehearsed():
    chosen = setting(site=SITE, vessel="BR-301", recipe=RECIPE, initial={"fitted": ["capacitance", "off_gas"]})
    with pytest.raises(Problems, match=r"perfusion\.yaml:30:40: the vessel has no medium_rpm"):
        Rehearsal(chosen, [0])
