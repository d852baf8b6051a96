"""The full-length recipe in process: days of culture in seconds, on the scan that runs hardware."""

from pathlib import Path

import pytest

from controller.commands import Verb
from controller.composition.rehearsal import Rehearsal

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "configs/sites/bench.yaml"
HOUR_S = 3600.0


@pytest.mark.timeout(240)
@pytest.mark.parametrize("period_s", [20.0, pytest.param(10.0, marks=pytest.mark.soak)])
def test_the_full_length_expansion_completes_and_is_controlled_all_the_way(period_s):
    rehearsal = Rehearsal(BENCH, ROOT / "configs/recipes/car-t-expansion.yaml", "BR-101", period_s=period_s, seed=1)
    worst = {"temperature": 0.0, "ph": 0.0, "do": 0.0}

    def watch(batch):
        if batch["operation"] == "expand" and batch["operation_elapsed_s"] > 4 * HOUR_S:
            truth = rehearsal.plant.truth("BR-101")
            for name, setpoint in (("temperature", 37.0), ("ph", 7.2), ("do", 50.0)):
                worst[name] = max(worst[name], abs(truth[f"true_{name}"] - setpoint))

    batch = rehearsal.run(watch=watch)
    print(f"{batch['elapsed_s'] / 86_400:.2f} d of process time, worst deviations after four hours: {worst}")
    assert batch["state"] == "Complete"
    assert 3 < batch["elapsed_s"] / 86_400 < 10.5
    assert worst["temperature"] <= 0.2
    assert worst["ph"] <= 0.1
    assert worst["do"] <= 5.0
    counts = [c for c in rehearsal.record.commands if c.verb is Verb.WRITE_ONCE]
    assert [c.value["value"] for c in counts] == [float(n + 1) for n in range(len(counts))], "one count a day, in order"


@pytest.mark.timeout(60)
def test_a_full_vessel_is_harvested_before_its_cells_starve():
    """Nearly full from the beginning: the feed ends after a day, far from the target."""
    recipe = ROOT / "configs/recipes/car-t-expansion.yaml"
    rehearsal = Rehearsal(BENCH, recipe, "BR-101", period_s=20.0, seed=1, initial={"volume_l": 1.84})
    seen = {}

    def watch(batch):
        seen[batch["operation"]] = rehearsal.plant.truth("BR-101")

    batch = rehearsal.run(longest_s=72 * HOUR_S, watch=watch)
    assert batch["state"] == "Complete"
    assert seen["expand"]["volume_l"] == pytest.approx(1.9, abs=0.01)
    assert seen["expand"]["vcd"] < 2.0
    assert seen["cool_down"]["viability"] > 85.0


@pytest.mark.timeout(60)
def test_the_same_seed_gives_the_same_record():
    def first_hours():
        recipe = ROOT / "configs/recipes/car-t-expansion.yaml"
        rehearsal = Rehearsal(BENCH, recipe, "BR-101", period_s=10.0, seed=7)
        rehearsal.run(longest_s=2 * HOUR_S)
        return [(s, event.text) for s, event in rehearsal.record.events], rehearsal.plant.truth("BR-101")

    assert first_hours() == first_hours()


@pytest.mark.timeout(60)
def test_e_coli_grow_on_the_medium_and_then_on_the_feed():
    """From a large inoculum, so that it is over in hours: the feed begins at the end of the glucose, and not before."""
    recipe = ROOT / "configs/recipes/ecoli-fed-batch.yaml"
    site, warm = ROOT / "configs/sites/microbial.yaml", {"temperature_c": 36.8}
    rehearsal = Rehearsal(site, recipe, "BR-201", period_s=10.0, seed=1, initial=warm)
    glucose: dict[str, float] = {}

    def watch(batch):
        glucose.setdefault(batch["operation"], rehearsal.plant.truth("BR-201")["glucose"])

    many = {"inoculum_density": 80_000.0, "shortest_batch": 1.0, "longest_feed": 0.5, "harvest_temperature": 35.0}
    batch = rehearsal.run(many, longest_s=12 * HOUR_S, watch=watch)
    assert batch["state"] == "Complete"
    assert [*glucose][-3:] == ["first_growth", "batch_phase", "fed_batch"]
    assert glucose["batch_phase"] > 20.0
    assert glucose["fed_batch"] < 1.0, "mmol/L: used up"
