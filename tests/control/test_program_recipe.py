"""A recipe lets a program lead the feed of a whole scan: hold, restart, crash and the operator's hand."""

import json
import math

import pytest

from controller.commands import Command, Verb
from controller.recipe.check import load_recipe
from controller.recipe.engine import Engine
from tests.control.feed_bench import CLASS, FeedRig, feed_site, load_files

RECIPE = """\
recipe: fed
version: 1.0.0
title: Fed
author: Biovisor contributors
licence: Apache-2.0
vessel_class: stirred-tank-2l
requires: [feed]
procedure:
  - operation: fed
    title: Feed
    do:
      - feed: {loop: feed, program: exponential, growth_rate: 0.3 1/h, start: 4 mL/h, until: feed.total > 30 mL}
    until: [{when: elapsed > 20 h, then: end}]
"""
SITE = feed_site("    programs: [exponential]\n")


class Fed(FeedRig):
    """A rig whose recipe's wishes come back through the door in the next scan."""

    def __init__(self, classes):
        self.classes = classes
        super().__init__(SITE, engine=self.engine(), period=30.0)
        self.wishes, self.commands = [], []

    def engine(self):
        return Engine({"fed": load_recipe(RECIPE)}, self.classes)

    def step(self, *commands, dt=None, outcomes=()):
        wishes = [self.committed(wish) for wish in self.wishes] if hasattr(self, "wishes") else []
        result = super().step(*commands, *wishes, dt=dt, outcomes=outcomes)
        self.wishes = list(result.proposals)
        return result

    def committed(self, wish):
        self.journal += 1
        self.commands.append(wish)
        return wish.committed(self.journal)

    def batch(self, verb, **value):
        self.journal += 1
        target = "BR-101" if verb is Verb.BATCH_CREATE else "B-1"
        outcome = self.step(Command(verb, target, value, journal=self.journal)).outcomes[0]
        assert outcome.applied, outcome.reason

    @property
    def state(self):
        return self.scan.view().batches[0]["state"]

    @property
    def hours(self):
        return float(self.programs.hours[self.feed])

    def kill(self, outage_s):
        state = json.loads(json.dumps(self.scan.state(), allow_nan=False))
        self.scan = type(self.scan)(SITE, self.engine())
        self.now += outage_s
        self.wishes = []
        self.scan.restore(state, self.now, outage_s)
        self.run(4)


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    return load_files(tmp_path_factory.mktemp("site"), CLASS).classes


@pytest.fixture
def fed(classes):
    rig = Fed(classes)
    rig.run(3)
    rig.batch(Verb.BATCH_CREATE, batch="B-1", recipe="fed", formula={}, begin_at=None)
    rig.batch(Verb.BATCH_START)
    rig.run(3)
    return rig


def test_what_somebody_let_feed_before_ends_when_a_batch_begins_and_is_told(classes):
    """The next batch may be another patient's."""
    rig = Fed(classes)
    rig.run(3)
    rig.batch(Verb.BATCH_CREATE, batch="B-1", recipe="fed", formula={}, begin_at=None)
    assert rig.program("exponential", growth_rate=0.1, start=7.0).applied
    rig.run(2)
    assert rig.device("feed_flow") == pytest.approx(7.0, rel=1e-2)
    rig.batch(Verb.BATCH_START)
    assert rig.device("feed_flow") == 0.0
    (ended,) = rig.told("ended: a batch begins")
    assert (ended.object, ended.vessel) == ("BR-101.feed", "BR-101")
    rig.run(3)
    assert rig.programs.runs[rig.feed].shown()["start"] == 4.0, "what the batch begins itself goes on"
    assert rig.device("feed_flow") == pytest.approx(4.0, rel=1e-2)


def test_one_command_begins_it_and_the_scan_does_the_rest(fed):
    fed.run(120)
    assert fed.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3), rel=0.02)
    assert [one.verb for one in fed.commands] == [Verb.PROGRAM]
    fed.run(400)
    assert fed.device("feed_flow") == 0.0
    assert fed.total == pytest.approx(30.0, abs=0.5)
    assert [one.verb for one in fed.commands] == [Verb.PROGRAM, Verb.PROGRAM, Verb.SETPOINT, Verb.MODE]


def test_a_hold_stops_the_feed_and_a_restart_goes_on_where_it_stopped(fed):
    fed.run(120)
    fed.batch(Verb.BATCH_HOLD)
    fed.run(4)
    assert (fed.state, fed.device("feed_flow")) == ("Held", 0.0)
    hours, total = fed.hours, fed.total
    fed.run(240)
    assert (fed.hours, fed.total) == (hours, pytest.approx(total, abs=0.1))
    fed.batch(Verb.BATCH_RESTART)
    fed.run(4)
    assert fed.state == "Running"
    assert fed.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3 * hours), rel=0.02)


def test_a_crash_holds_the_batch_and_a_restart_goes_on_where_it_stopped(fed):
    fed.run(120)
    hours = fed.hours
    fed.kill(600.0)
    assert (fed.state, fed.device("feed_flow")) == ("Held", 0.0)
    fed.batch(Verb.BATCH_RESTART)
    fed.run(4)
    assert fed.state == "Running"
    assert fed.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3 * hours), rel=0.02)


def test_a_crash_before_the_program_began_begins_it_after_the_restart(classes):
    rig = Fed(classes)
    rig.run(3)
    rig.batch(Verb.BATCH_CREATE, batch="B-1", recipe="fed", formula={}, begin_at=None)
    rig.batch(Verb.BATCH_START)
    assert rig.wishes
    rig.kill(60.0)
    assert rig.waits is None
    rig.batch(Verb.BATCH_RESTART)
    rig.run(3)
    assert rig.device("feed_flow") == pytest.approx(4.0, rel=0.02)


def test_an_operator_takes_over_and_gives_back(fed):
    fed.run(60)
    fed.setpoint("feed", 2.0)
    fed.run(60)
    assert fed.device("feed_flow") == 2.0
    assert fed.mode("feed", "remote").applied
    fed.run(3)
    assert fed.device("feed_flow") == pytest.approx(4.0 * math.exp(0.3 * 0.5), rel=0.03)


@pytest.mark.parametrize("verb", [Verb.BATCH_STOP, Verb.BATCH_ABORT])
def test_the_end_of_a_batch_leaves_nothing_that_feeds(fed, verb):
    fed.run(60)
    fed.batch(verb)
    fed.run(6)
    assert fed.device("feed_flow") == 0.0
    if verb is Verb.BATCH_STOP:
        assert fed.mode("feed", "remote").applied, "by an operator's hand what it has left could go on"
        fed.run(3)
        assert fed.device("feed_flow") > 0.0
    fed.batch(Verb.BATCH_RESET)
    fed.batch(Verb.BATCH_CREATE, batch="B-1", recipe="fed", formula={}, begin_at=None)
    fed.batch(Verb.BATCH_START)
    assert fed.waits is None, "what the batch before has left does not lead this one"
    assert fed.device("feed_flow") == 0.0
    fed.run(3)
    assert fed.hours < 0.05
    assert fed.total < 0.5
