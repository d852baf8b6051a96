"""The operator's hands in a simulation: asked once per answer, and again after a kill under the same number."""

from controller.commands import Command, Event, EventType, Verb
from controller.composition.hands import Hands, actions, answered
from controller.store import Store

ANSWER = Event(
    EventType.OPERATOR,
    "Prompt Response",
    "B-1",
    "Inoculate",
    vessel="BR-101",
    batch="B-1",
    value={"prompt": "inoculate", "inputs": {}, "simulate": {"inoculate": {"volume": 50.0, "density": 10.5}}},
    command=7,
)


def test_an_answer_says_what_the_hands_do():
    (request,) = actions(ANSWER)
    assert request == {
        "op": "hands", "id": "B-1:7:inoculate", "vessel": "BR-101", "action": "inoculate", "volume_ml": 50.0,
        "density": 10.5,
    }  # fmt: skip


def test_with_real_instruments_nothing_is_kept():
    hands = Hands(enabled=False)
    hands.notice([ANSWER] * 3)
    assert not hands._todo


def test_after_a_kill_the_same_deeds_are_asked_for_under_the_same_numbers(tmp_path):
    store = Store(tmp_path / "store.sqlite")
    store.append([ANSWER, Event(EventType.MESSAGE, "Prompt", "B-1", "Inoculate", batch="B-1")])
    store.commit(Command(Verb.PROMPT_ANSWER, "B-1", {"prompt": "inoculate", "inputs": {}})).result(5)
    assert [actions(event) for event in answered(store, "B-1")] == [actions(ANSWER)]
    assert answered(store, "B-2") == []
    store.close()
