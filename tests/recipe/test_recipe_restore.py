"""After a restart: Held where it was, nothing repeated, what was ending goes on ending."""

import json

import pytest

from controller.commands import Command, EventType, Verb
from controller.recipe.engine import Engine
from controller.recipe.states import State

VESSEL = "BR-101"


def test_the_state_is_json_and_comes_back_the_same(bench):
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.scan(5)
    stored = bench.engine.state()
    assert json.loads(json.dumps(stored, allow_nan=False)) == stored
    bench.kill()
    again = bench.engine.state()
    for entry, other in zip(stored["batches"], again["batches"], strict=True):
        assert other["progress"] == entry["progress"]
        changed = {key for key in entry["batch"] if entry["batch"][key] != other["batch"][key]}
        assert changed <= {"state", "state_s", "issued", "held_reason"}


def test_an_outage_is_on_record(bench):
    bench.start().scan(3).kill(outage_s=12.5)
    told = next(one for one in bench.events if one.subtype == "System")
    assert told.value == 12.5
    assert "12.5 s" in told.text
    assert bench.view["held_reason"] == "supervisor restarted after 12.5 s"


@pytest.mark.parametrize(
    ("verb", "scans", "after", "end"),
    [
        (Verb.BATCH_PAUSE, 1, "Held", "Held"),
        (Verb.BATCH_HOLD, 0, "Held", "Held"),
        (Verb.BATCH_HOLD, 3, "Held", "Held"),
        (Verb.BATCH_STOP, 0, "Stopping", "Stopped"),
        (Verb.BATCH_STOP, 1, "Stopping", "Stopped"),
        (Verb.BATCH_ABORT, 1, "Aborting", "Aborted"),
        (Verb.BATCH_ABORT, 3, "Aborted", "Aborted"),
    ],
)
def test_every_state_survives(bench, verb, scans, after, end):
    bench.start(begin_at="expand").scan(2)
    bench.order(verb)
    bench.scan(scans)
    bench.pending = []  # what was on its way died with the supervisor
    bench.kill()
    assert bench.state == after
    bench.scan(4)
    assert bench.state == end
    if end in {"Stopped", "Aborted"}:
        assert bench.modes["temperature"] == "off"


def test_an_idle_batch_stays_idle_and_a_started_one_begins_after_restart(bench):
    assert bench.create().applied
    bench.kill()
    assert bench.state == State.IDLE
    bench.order(Verb.BATCH_START)
    bench.kill()
    assert bench.state == State.HELD
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.operation == "fill"


def test_a_feed_that_was_on_its_way_is_stopped(bench):
    bench.density = 2.0
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.until(lambda: any(one.target == "BR-101.feed" for one in bench.pending), 10)
    bench.kill()
    bench.scan(3)
    assert bench.setpoints["feed"] == 0.0
    assert bench.state == "Held"


@pytest.mark.parametrize("lost", [False, True])
def test_a_count_is_asked_for_under_the_same_number(bench, lost):
    """Killed between the answer and the counter: the request is in the journal, or it never got there."""
    bench.start(begin_at="expand").scan()
    bench.answer()
    bench.scan()
    assert bench.pending[-1].verb is Verb.WRITE_ONCE
    if lost:
        bench.pending = []
    bench.kill()
    bench.scan()
    bench.order(Verb.BATCH_RESTART)
    bench.scan(9)
    assert set(bench.requests) == {1}
    assert bench.values["sample_number"] == 1
    assert bench.view["prompts"] == []


def test_an_answer_that_is_replayed_asks_for_the_same_sample(bench):
    """The stored state is older than the answer: the answer and the request come again from the journal."""
    bench.start(begin_at="expand").scan()
    stored = json.loads(json.dumps(bench.engine.state()))
    prompt = bench.view["prompts"][0]["id"]
    bench.answer()
    bench.scan(5)
    assert bench.values["sample_number"] == 1
    bench.engine = Engine(bench.recipes, bench.classes)
    bench.engine.restore(stored, bench.now_s, 5.0)
    answer = Command(Verb.PROMPT_ANSWER, "B1", {"prompt": prompt, "inputs": {}}, "anna", "api", "done", journal=3)
    assert bench.engine.apply(answer, bench.now_s).applied
    bench.scan()
    bench.order(Verb.BATCH_RESTART)
    bench.scan(5)
    assert bench.requests == [1]
    assert bench.view["prompts"] == []


def test_nothing_stored_is_nothing_restored(bench):
    assert bench.engine.restore({}, 0.0, 0.0) == []
    assert bench.engine.view() == []


def aside(engine, stored):
    """Restore what cannot come back; gives the one event that says so."""
    (told,) = engine.restore(stored, 0.0, 0.0)
    assert told.type is EventType.ALARM
    assert engine.view() == []
    assert engine.state() == stored, "it is kept for a later attempt"
    assert engine.step(1.0, None).proposals == []
    return told.text


def test_a_batch_that_cannot_come_back_is_set_aside_loudly_and_kept(bench, ecoli):
    stored = bench.start().scan().engine.state()
    assert "without recipe car-t-expansion" in aside(Engine({"other": ecoli}, bench.classes), stored)
    assert "without vessel BR-101" in aside(Engine(bench.recipes, {}), stored)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.update(batch=None),
        lambda entry: entry["batch"].pop("vessel"),
        lambda entry: entry["batch"].update(state="Dreaming"),
        lambda entry: entry["batch"].update(formula=None),
        lambda entry: entry["progress"]["phases"].append({}),
        lambda entry: entry["progress"].pop("transitions"),
    ],
)
def test_a_batch_that_is_stored_wrongly_is_set_aside(bench, damage):
    stored = json.loads(json.dumps(bench.start().scan().engine.state()))
    damage(stored["batches"][0])
    assert "set aside" in aside(Engine(bench.recipes, bench.classes), stored)
    assert "not readable" in aside(Engine(bench.recipes, bench.classes), {"batches": [3]})


def test_one_batch_that_is_set_aside_does_not_stop_another_nor_its_own_return(bench):
    stored = bench.start().scan().engine.state()
    lost = json.loads(json.dumps(stored["batches"][0]))
    lost["batch"] |= {"id": "B0", "sha256": "0" * 64}
    engine = Engine(bench.recipes, bench.classes)
    events = engine.restore({"batches": [lost, *stored["batches"]]}, 0.0, 0.0)
    assert [one["id"] for one in engine.view()] == ["B1"]
    assert events[0].object == "B0"
    kept = engine.state()
    assert lost in kept["batches"]
    later = Engine(bench.recipes, bench.classes, {"0" * 64: bench.recipe})
    later.restore({"batches": [lost]}, 0.0, 0.0)
    assert [(one["id"], one["state"]) for one in later.view()] == [("B0", "Held")]


def test_two_batches_never_share_a_vessel(bench):
    stored = bench.start().scan().engine.state()
    other = json.loads(json.dumps(stored["batches"][0]))
    other["batch"]["id"] = "B2"
    engine = Engine(bench.recipes, bench.classes)
    told = engine.restore({"batches": [*stored["batches"], other]}, 0.0, 0.0)
    assert [one["id"] for one in engine.view()] == ["B1"]
    assert "BR-101 holds batch B1" in told[-1].text


def test_the_recipe_of_a_batch_comes_by_its_hash_whatever_has_its_name_now(bench, ecoli):
    stored = bench.start().scan().engine.state()
    name = bench.recipe.config.recipe
    engine = Engine({name: ecoli}, bench.classes, {bench.recipe.sha256: bench.recipe})
    engine.restore(stored, 0.0, 0.0)
    assert engine.view()[0]["title"] == bench.recipe.config.title


def test_new_batches_are_made_from_the_recipes_in_use(bench, ecoli):
    bench.engine.use_recipes({ecoli.config.recipe: ecoli})
    refused = bench.create()
    assert not refused.applied
    assert refused.allowed == (ecoli.config.recipe,)


def test_what_a_restart_kept_from_acting_is_put_in_force_when_the_batch_is_restarted(bench):
    bench.start(begin_at="expand").scan()
    lost = [one for one in bench.pending if one.target in {"BR-101.temperature", "BR-101.agitation"}]
    assert {one.verb for one in lost} == {Verb.SETPOINT, Verb.MODE}
    bench.pending = []
    bench.kill()
    bench.engine.missed(lost)
    bench.kill()
    bench.scan(2)
    assert bench.modes["temperature"] == "off"
    bench.order(Verb.BATCH_RESTART)
    bench.scan(3)
    assert bench.setpoints["temperature"] == 37.0
    assert bench.modes["temperature"] == "auto"
    assert bench.modes["agitation"] == "cascade", "through the loop that drives it"
    assert bench.modes["air"] == "off", "what was not missed is left to whoever changed it"


def test_a_recipe_is_found_by_its_content(bench):
    bench.start().scan()
    stored = bench.engine.state()
    engine = Engine({bench.recipe.sha256: bench.recipe}, bench.classes)
    engine.restore(stored, 0.0, 0.0)
    assert engine.view()[0]["operation"] == "fill"


def test_the_view_before_the_first_scan_knows_nothing(bench):
    bench.start(begin_at="equilibrate").scan().kill()
    assert bench.view["waiting_for"][0]["truth"] == "unknown"
