"""A culture in perfusion from filling to harvest, by what the site's instruments show and drive."""

from pathlib import Path

import pytest

from controller.composition.rehearsal import Rehearsal

ROOT = Path(__file__).parents[2]
SITE = ROOT / "configs/sites/perfusion.yaml"
RECIPE = ROOT / "configs/recipes/perfusion-expansion.yaml"
VESSEL = "BR-301"
HOUR_S = 3600.0
CASE_C = {120.0: 5.503, 168.0: 9.731}
"""Viable cells in 10*6/mL by hours since inoculation, of the model at its best pH and with ample oxygen."""
ML_PER_REV, CULTURE_G, DENSITY = 0.5, 8064.0, 1008.0


class Watch:
    """What is noticed on the way: cells by time, perfusion rates by operation, the largest deviations."""

    def __init__(self, plant):
        self.plant = plant
        self.begun_s, self.cells, self.rates, self.held = None, {}, {}, []
        self.worst = dict.fromkeys(("true_temperature", "true_ph", "true_do", "pressure", "weight"), 0.0)

    def __call__(self, batch):
        truth, operation = self.plant.truth(VESSEL), batch["operation"]
        if truth["vcd"] == 0.0 or operation in {"cool_down", "harvest"}:
            return
        self.begun_s = self.begun_s or truth["process_s"]
        hours, inside = (truth["process_s"] - self.begun_s) / HOUR_S, batch["operation_elapsed_s"] / HOUR_S
        self.cells.update({at: truth["vcd"] for at in CASE_C if hours >= at and at not in self.cells})
        if operation.startswith("perfuse") and inside > 4.0:
            ml_h = 60.0 * ML_PER_REV * self.plant.actuators[VESSEL]["medium_rpm"]
            self.rates.setdefault(operation, []).append(24.0 * ml_h / (1000.0 * truth["volume_l"]))
            self._deviates("weight", DENSITY * truth["volume_l"] - CULTURE_G)
        if operation == "hold_density" and inside > 12.0:
            self.held.append(self.plant.sensors[VESSEL]["capacitance"])
        if hours > 12.0:
            for name, setpoint in (("true_temperature", 37.0), ("true_ph", 7.2), ("true_do", 50.0)):
                self._deviates(name, truth[name] - setpoint)
            self._deviates("pressure", self.plant.sensors[VESSEL]["pressure"] - 30.0)

    def _deviates(self, name, by):
        self.worst[name] = max(self.worst[name], abs(by))


@pytest.mark.timeout(300)
def test_cells_in_perfusion_become_as_dense_as_their_model_says_and_are_held_there():
    rehearsal = Rehearsal(SITE, RECIPE, VESSEL, period_s=30.0, seed=1)
    watch = Watch(rehearsal.plant)
    batch = rehearsal.run(watch=watch)
    truth, held = rehearsal.plant.truth(VESSEL), sum(watch.held) / len(watch.held)
    poured = {name: truth[f"{name}_ml"] for name in ("medium", "harvest", "bleed", "base", "antifoam")}
    print(f"{batch['elapsed_s'] / 86_400:.2f} d, cells {watch.cells}, held {held:.2f}, {watch.worst}, {poured}")
    assert batch["state"] == "Complete"
    for at, density in CASE_C.items():
        assert watch.cells[at] == pytest.approx(density, rel=0.1), at
    for operation, vvd in (("perfuse", 0.5), ("perfuse_faster", 1.0), ("perfuse_fully", 1.5)):
        rates = sorted(watch.rates[operation])
        assert rates[len(rates) // 2] == pytest.approx(vvd, rel=0.02), operation
    assert held == pytest.approx(11.0, rel=0.05), "by the probe, which the bleed believes"
    assert poured["bleed"] > 500.0
    assert poured["medium"] - poured["harvest"] - poured["bleed"] == pytest.approx(0.0, abs=400.0), "up to the level"
    assert 0.5 < poured["antifoam"] < 20.0
    limits = {"true_temperature": 0.2, "true_ph": 0.1, "true_do": 5.0, "pressure": 10.0, "weight": 60.0}
    assert all(watch.worst[name] <= limit for name, limit in limits.items()), watch.worst
