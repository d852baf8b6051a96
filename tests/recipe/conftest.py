"""A scripted vessel: it obeys the recipe's proposals one scan later, warms, counts cells, fills with what is fed."""

import json
import math
from pathlib import Path

import pytest

from controller.commands import Command, Verb
from controller.config.load import load_class
from controller.recipe.check import load_recipe
from controller.recipe.engine import Engine

ROOT = Path(__file__).parents[2]
VESSEL = "BR-101"


class Bench:
    """An engine and a vessel of pure arithmetic under it."""

    def __init__(self, recipe, vessel_class, period_s=60.0):
        self.recipe, self.vessel_class, self.period_s = recipe, vessel_class, period_s
        self.recipes, self.classes = {recipe.config.recipe: recipe}, {VESSEL: vessel_class}
        self.engine = Engine(self.recipes, self.classes)
        self.now_s = 1000.0
        self.journal = 0
        self.values = {"temperature": 22.0, "ph": 7.2, "do": 50.0, "volume": 1.0, "sample_number": 0.0}
        self.values |= {"viable_density": math.nan, "viability": 95.0}
        self.setpoints = {name: 0.0 for name in vessel_class.loops}
        self.modes = {name: "off" for name in vessel_class.loops}
        self.density = 0.5
        self.doubling_h = 24.0
        self.counting = {}
        self.count_s = 120.0
        self.counter_works = True
        self.requests = []
        self.proposals = []
        self.events = []
        self.pending = []
        self.hands = []
        self.stuck = {}
        self.programs = {}

    def read(self, vessel, name):
        assert vessel == VESSEL
        if name.endswith(".op"):
            runs = self.modes[name[:-3]] in {"auto", "remote"}
            value = self.stuck.get(name[:-3], self.setpoints[name[:-3]] if runs else 0.0)
        else:
            value = self.setpoints[name[:-3]] if name.endswith(".sp") else self.values[name]
        return value, 2 if math.isnan(value) else 0

    def mode(self, vessel, loop):
        assert vessel == VESSEL
        return self.modes[loop]

    def scan(self, times=1):
        for _ in range(times):
            self.now_s += self.period_s
            self.move()
            for command in self.pending:
                self.obey(command)
            stepped = self.engine.step(self.now_s, self)
            self.pending = list(stepped.proposals)
            self.proposals += stepped.proposals
            self.take(stepped.events)
        return self

    def take(self, events):
        self.events += events
        for event in events:
            if event.subtype == "Prompt Response":
                self.hands.append(event.value["simulate"])
                if "sample" in event.value["simulate"]:
                    self.values["volume"] -= event.value["simulate"]["sample"]["volume"] / 1000

    def move(self):
        if self.modes["temperature"] == "auto":
            reached = 1 - math.exp(-self.period_s / 600)
            self.values["temperature"] += reached * (self.setpoints["temperature"] - self.values["temperature"])
        if self.modes["feed"] in {"auto", "remote"}:
            self.values["volume"] += self.setpoints["feed"] / 1000 * self.period_s / 3600
        self.density *= math.exp(self.period_s / 3600 * math.log(2) / self.doubling_h)
        for number in [number for number, ready in self.counting.items() if ready <= self.now_s]:
            del self.counting[number]
            if number > self.values["sample_number"]:
                self.values |= {"sample_number": number, "viable_density": self.density}

    def obey(self, command):
        vessel, name = command.target.split(".")
        assert vessel == VESSEL
        if command.verb is Verb.SETPOINT:
            setpoint = self.vessel_class.loops[name].setpoint
            assert setpoint.low.value <= command.value["value"] <= setpoint.high.value
            self.setpoints[name] = command.value["value"]
            self.modes[name] = "auto" if self.modes[name] == "remote" else self.modes[name]
        elif command.verb is Verb.PROGRAM:
            self.lead(name, command.value)
        elif command.verb is Verb.MODE:
            self.modes[name] = command.value["mode"]
        else:
            assert command.verb is Verb.WRITE_ONCE
            number = command.value["value"]
            self.requests.append(number)
            if self.counter_works and number > self.values["sample_number"]:
                self.counting.setdefault(number, self.now_s + self.count_s)

    def lead(self, name, value):
        """A program: it feeds at a constant rate; a start that is asked for again goes on."""
        if "wait" in value:
            self.programs[name] = {**self.programs[name], "wait": value["wait"]}
        elif value["program"] is None:
            self.programs[name] = None
            self.modes[name] = "auto"
        else:
            self.programs[name] = {**value, "wait": False}
            self.modes[name], self.setpoints[name] = "remote", 10.0

    def order(self, verb, target="B1", value=None, reason="test", who="anna"):
        self.journal += 1
        command = Command(verb, target, value or {}, who, "api", reason, journal=self.journal)
        return self.engine.apply(command, self.now_s)

    def create(self, batch="B1", formula=None, begin_at=None, reason="test"):
        value = {"batch": batch, "recipe": self.recipe.config.recipe, "formula": formula or {}, "begin_at": begin_at}
        return self.order(Verb.BATCH_CREATE, VESSEL, value, reason)

    def start(self, **more):
        outcome = self.create(**more)
        assert outcome.applied, outcome.reason
        assert self.order(Verb.BATCH_START).applied
        return self

    def answer(self, inputs=None):
        prompt = self.view["prompts"][0]
        values = {one["name"]: (inputs or {}).get(one["name"], one["default"]) for one in prompt["inputs"]}
        outcome = self.order(Verb.PROMPT_ANSWER, value={"prompt": prompt["id"], "inputs": values})
        assert outcome.applied, outcome.reason
        return prompt["id"]

    def until(self, condition, scans=30000, *, answering=True):
        """Scan until ``condition``, answering prompts."""
        for _ in range(scans):
            if condition():
                return self
            if answering and self.view["prompts"]:
                self.answer()
            self.scan()
        raise AssertionError(f"not within {scans} scans: {self.view}")

    @property
    def view(self):
        return self.engine.view()[-1]

    @property
    def state(self):
        return self.view["state"]

    @property
    def operation(self):
        return self.view["operation"]

    def states(self):
        return [event.value for event in self.events if event.text.count("→") and event.subtype == "State Change"]

    def kill(self, outage_s=7.0):
        """The supervisor dies and comes back from its stored state."""
        stored = json.loads(json.dumps(self.engine.state(), allow_nan=False))
        self.engine = Engine(self.recipes, self.classes)
        self.now_s += outage_s
        self.take(self.engine.restore(stored, self.now_s, outage_s))
        return self


@pytest.fixture(scope="session")
def stirred_tank():
    return load_class(ROOT / "configs/classes/stirred-tank-2l.yaml").config


@pytest.fixture(scope="session")
def car_t(stirred_tank):
    return load_recipe(ROOT / "configs/recipes/car-t-expansion.yaml", stirred_tank)


@pytest.fixture(scope="session")
def microbial():
    return load_class(ROOT / "configs/classes/microbial-2l.yaml").config


@pytest.fixture(scope="session")
def ecoli(microbial):
    return load_recipe(ROOT / "configs/recipes/ecoli-fed-batch.yaml", microbial)


@pytest.fixture
def bench(car_t, stirred_tank):
    return Bench(car_t, stirred_tank)


@pytest.fixture
def make_bench(stirred_tank):
    """A bench for a recipe: a loaded one, or the procedure of a small one as YAML."""

    def make(recipe, **options):
        if isinstance(recipe, str):
            recipe = load_recipe(HEADER + recipe, stirred_tank)
        return Bench(recipe, stirred_tank, **options)

    return make


@pytest.fixture(scope="session")
def header():
    return HEADER


HEADER = """\
recipe: small
version: 1.0.0
title: Small recipe
author: Biovisor contributors
licence: Apache-2.0
vessel_class: stirred-tank-2l
requires: [temperature, feed]
formula:
  warm: {title: Warm, value: 37 Cel, hard: 30 .. 39 Cel, proven: 36 .. 38 Cel, normal: 36.5 .. 37.5 Cel}
  rate:
    title: Rate
    value: 4 mL/h/10*9
    hard: 0 .. 2000 mL/h/10*9
    proven: 0 .. 2000 mL/h/10*9
    normal: 0 .. 2000 mL/h/10*9
procedure:
"""
