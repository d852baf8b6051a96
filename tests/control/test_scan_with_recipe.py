"""The scan and the recipe engine together: wishes come back as commands, totals begin with the batch."""

import pytest

from controller.commands import Command, Verb
from controller.config.load import load_site
from controller.recipe.check import load_recipe
from controller.recipe.engine import Engine
from tests.control.conftest import ROOT, Rig


@pytest.fixture
def batch(site):
    configs = ROOT / "configs"
    recipe = load_recipe(configs / "recipes/car-t-expansion.yaml")
    engine = Engine({"car-t-expansion": recipe}, load_site(configs / "sites/bench.yaml").classes)
    rig = Rig(site, engine)
    rig.set(feed_total=40.0, temperature=36.9)
    rig.step()
    rig.set(feed_total=45.0)
    order(rig, Verb.BATCH_CREATE, "BR-101", batch="B-1", recipe="car-t-expansion", formula={}, begin_at=None)
    return rig


def order(rig, verb, target, **value):
    rig.journal += 1
    outcome = rig.step(Command(verb, target, value, journal=rig.journal)).outcomes[0]
    assert outcome.applied, outcome.reason


def follow(rig, scans):
    """Let what the recipe proposes come back through the door."""
    for _ in range(scans):
        rig.step(*[committed(rig, wish) for wish in (rig.result.proposals if rig.result else ())])


def committed(rig, wish):
    rig.journal += 1
    return wish.committed(rig.journal)


def answer(rig):
    prompt = rig.scan.view().batches[0]["prompts"][0]["id"]
    order(rig, Verb.PROMPT_ANSWER, "B-1", prompt=prompt, inputs={})


def test_totals_begin_with_the_batch(batch):
    assert batch.result.frame.value[batch.row("feed_total")] == 5.0
    order(batch, Verb.BATCH_START, "B-1")
    batch.step()
    assert batch.result.frame.value[batch.row("feed_total")] == 0.0
    batch.set(feed_total=47.5)
    batch.step()
    assert batch.result.frame.value[batch.row("feed_total")] == 2.5


def test_the_recipe_sets_its_loops_through_the_door(batch):
    order(batch, Verb.BATCH_START, "B-1")
    follow(batch, 2)
    answer(batch)
    follow(batch, 4)
    loops = {loop["name"]: loop for loop in batch.scan.view().vessels[0]["loops"]}
    assert {name: loop["mode"] for name, loop in loops.items()} == {
        "temperature": "auto", "ph": "auto", "do": "auto", "agitation": "cascade", "air": "auto", "feed": "off",
    }  # fmt: skip
    assert loops["temperature"]["held_by"] == "recipe"


def test_events_of_a_vessel_belong_to_its_batch(batch):
    order(batch, Verb.BATCH_START, "B-1")
    batch.setpoint("air", 80.0)
    assert batch.events[-1].batch == "B-1"


def test_batches_are_listed_anew_when_they_change(batch):
    first = batch.scan.view().revision["batches"]
    assert batch.scan.view().revision["batches"] == first
    order(batch, Verb.BATCH_START, "B-1")
    view = batch.scan.view()
    assert view.revision["batches"] > first
    assert view.batches[0]["state"] == "Running"
