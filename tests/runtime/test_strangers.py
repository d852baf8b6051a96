"""Another instrument is accepted by a person, and only the one that was seen."""

from types import SimpleNamespace

import pytest

from controller.commands import Command, Verb
from controller.composition.strangers import accept


@pytest.fixture
def link():
    one = SimpleNamespace(stranger="serial 8, not 7", state="up")
    one.accept = lambda: setattr(one, "stranger", "")
    return one


def command(instrument, target="pump", source="api"):
    return Command(Verb.ACCEPT, target, {"instrument": instrument}, "operator", source, "exchanged", journal=5)


def test_it_is_accepted_once_and_on_record(link):
    outcome, event = accept(command("serial 8, not 7"), {"pump": link}.get)
    assert (outcome.applied, link.stranger) == (True, "")
    assert event.text == "pump: serial 8, not 7: accepted, and written to from now on"
    assert (event.who, event.reason, event.command) == ("operator", "exchanged", 5)
    outcome, event = accept(command("serial 8, not 7"), {"pump": link}.get)
    assert (outcome.applied, outcome.reason) == (False, "pump has the instrument that it had before")


@pytest.mark.parametrize(("order", "reason"), [
    (command("serial 9, not 7"), "another one answers meanwhile: serial 8, not 7"),
    (command("serial 8, not 7", target="balance"), "balance is not connected"),
    (command("serial 8, not 7", source="recipe"), "only a person can accept an instrument"),
])  # fmt: skip
def test_what_is_not_accepted(link, order, reason):
    outcome, event = accept(order, {"pump": link}.get)
    assert (outcome.applied, outcome.reason) == (False, reason)
    assert reason in event.text
    assert link.stranger == "serial 8, not 7"


def test_one_that_is_gone_again_is_not_accepted(link):
    link.state = "down"
    outcome, _ = accept(command("serial 8, not 7"), {"pump": link}.get)
    assert (outcome.applied, outcome.reason) == (False, "pump is not connected")
