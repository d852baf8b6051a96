"""A bench with the feed as a test wants it: the repository's class with other lines for the feed, and more tags."""

import re
import tempfile
from functools import cache
from pathlib import Path

from controller.commands import Verb
from controller.config.load import load_site
from controller.model.build import build
from controller.recipe.conditions import check_condition
from tests.control.conftest import ROOT, Rig

STEP = re.compile(r', step: "[^"]*"')
CLASS = STEP.sub("", (ROOT / "configs/classes/stirred-tank-2l.yaml").read_text())
"""With pumps of any speed: what is written is what is asked. Steps have tests of their own."""
SITE = (ROOT / "configs/sites/bench.yaml").read_text()
FEED_LINES = re.compile(r"    # What may lead it.*?    bottle: .*?\n", re.DOTALL)


def measured(name, unit, high, low="0", more=""):
    """The line of one more measurement of the class."""
    source = f"{{instrument: plc, point: {name.title()}.PV}}"
    credible = f"{{low: {low} {unit}, high: {high} {unit}}}"
    return f"  {name}: {{title: {name}, source: {source}, unit: {unit}, decimals: 2, credible: {credible}{more}}}\n"


def pumped(name, high):
    """The line of one more pump of the class, in mL/h."""
    source, band = f"{{instrument: plc, point: {name.title()}.SP}}", f"{{low: 0 mL/h, high: {high} mL/h}}"
    return f"  {name}: {{title: {name}, source: {source}, unit: mL/h, range: {band}, safe: 0 mL/h}}\n"


def led(name, output, high, programs):
    """The lines of one more loop of the class, which these programs may lead."""
    return f"""\
  {name}:
    title: {name.title()}
    type: direct
    setpoint: {{default: 0 mL/h, low: 0 mL/h, high: {high} mL/h}}
    output: {output}
    programs: [{programs}]
    on_bad_pv: safe
    on_restart: safe
"""


BALANCE = measured("bottle_weight", "g", 5000, "-50")
BIOMASS = measured("biomass", "g/L", 200)
GLUCOSE = measured("glucose", "mmol/L", 500, more=", sampled: true")
MEDIUM = pumped("medium_flow", 500) + pumped("bleed_flow", 200)
PERFUSION = led("perfusion", "medium_flow", 500, "perfusion") + led("bleed", "bleed_flow", 200, "bleed")
ALL = "    programs: [constant, table, exponential, by_count, do_stat, ph_stat]\n"


def class_text(feed=ALL, measurements="", outputs="", loops="", change=()):
    text, count = FEED_LINES.subn(lambda _: feed, CLASS)
    assert count == 1
    for before, more in (("  pressure: {", measurements), ("  count_request: {", outputs), ("  feed:\n", loops)):
        assert text.count(before) == 1
        text = text.replace(before, more + before)
    for old, new in change:
        assert old in text, old
        text = text.replace(old, new)
    return text


@cache
def feed_site(feed=ALL, measurements="", outputs="", loops="", change=(), site=()):
    """The tables of a bench whose feed has these lines."""
    with tempfile.TemporaryDirectory() as folder:
        return build(load_files(Path(folder), class_text(feed, measurements, outputs, loops, change), site))


def load_files(folder, text, site=()):
    (folder / "classes").mkdir()
    (folder / "sites").mkdir()
    (folder / "classes/stirred-tank-2l.yaml").write_text(text)
    wanted = SITE
    for old, new in site:
        assert old in wanted
        wanted = wanted.replace(old, new)
    (folder / "sites/bench.yaml").write_text(wanted)
    return load_site(folder / "sites/bench.yaml", conditions=check_condition)


class FeedRig(Rig):
    """A rig whose pumps do what they are told; ``total`` counts what the feed gives, with a factor of its own."""

    def __init__(self, site, **options):
        super().__init__(site, **options)
        self.gives, self.fed = 1.0, 0.0

    @property
    def programs(self):
        return self.scan.programs

    def step(self, *commands, dt=None, outcomes=()):
        flow = self.device("feed_flow")
        seconds = self.period if dt is None else dt
        self.fed += self.gives * flow * seconds / 3600.0
        self.values[self.row("feed_total")] += flow * seconds / 3600.0
        return super().step(*commands, dt=dt, outcomes=outcomes)

    def program(self, name, loop="feed", run="", **parameters):
        value = {"program": name, "parameters": parameters} | ({"run": run} if run else {})
        return self.step(self.command(Verb.PROGRAM, loop, **value)).outcomes[0]

    def order(self, verb, loop="feed", **value):
        return self.step(self.command(verb, loop, **value)).outcomes[0]

    @property
    def feed(self):
        return self.programs.table.index["BR-101.feed"]

    @property
    def total(self):
        return float(self.programs.deliveries.account.total[self.feed])

    @property
    def waits(self):
        run = self.programs.runs[self.feed]
        return None if run is None else run.waits

    def told(self, text):
        return [event for event in self.events if text in event.text]


def started(site=None, **options):
    """A rig that has run for a moment, so that its outputs are known."""
    rig = FeedRig(site or feed_site(), **options)
    rig.run(3)
    return rig
