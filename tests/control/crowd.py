"""A site of many vessels of one class, and a life of each of them that does not depend on the others."""

import numpy as np

from controller.commands import Command, Verb
from controller.config.load import load_site
from controller.frame import BAD, Frame
from controller.model.build import build
from controller.recipe.check import load_recipe
from controller.recipe.conditions import check_condition
from controller.recipe.engine import Engine
from controller.scan import Scan
from drivers.contract import Reason, WriteOutcome, WriteState

FOUND = {
    "temperature": 36.9, "jacket_temperature": 38.0, "ph": 7.2, "do": 50.0, "agitation_rate": 60.0, "weight": 1000.0,
    "air_flow_measured": 50.0, "pressure": 5.0, "viability": 95.0, "viable_density": 0.5,
}  # fmt: skip
NOISE = {"temperature": 0.05, "jacket_temperature": 0.1, "ph": 0.02, "do": 0.5, "weight": 0.5, "agitation_rate": 5.0}
EDGES = {
    "viable_density": (3.0, np.nextafter(3.0, 0.0), np.nextafter(3.0, 9.0), 0.5),
    "weight": (1915.2, np.nextafter(1915.2, 0.0), np.nextafter(1915.2, 1e4), 1000.0, 1000.0),
    "temperature": (26.0, np.nextafter(26.0, 0.0), 37.0, 37.0),
}
"""Values at and next to the limits that the recipe waits for: the target, the full vessel, and cold."""
HARSH = {"temperature": 2.0, "ph": 0.6, "do": 40.0, "weight": 600.0, "pressure": 250.0, "air_flow_measured": -60.0}
LOOPS = ("temperature", "ph", "do", "agitation", "air", "feed")
ORDERS = (Verb.BATCH_HOLD, Verb.BATCH_RESTART, Verb.BATCH_RESTART, Verb.BATCH_PAUSE, Verb.BATCH_RESUME)
REASONS = (Reason.DEVICE, Reason.LINK, Reason.RANGE)


def many(loaded, like, names):
    """The site with one vessel for each of the ``names``, all of them like one that it has, each on its own wires."""
    config = loaded.config
    one, connections, vessels = config.vessels[like], {}, {}
    for name in names:
        wires = {role: f"{wire}.{name}" for role, wire in one.instruments.items()}
        connections |= {wires[role]: config.connections[wire] for role, wire in one.instruments.items()}
        vessels[name] = one.model_copy(update={"instruments": wires})
    config = config.model_copy(update={"connections": connections, "vessels": vessels})
    return loaded._replace(config=config, classes=dict.fromkeys(names, loaded.classes[like]))


class Life:
    """What happens on one vessel, by its own dice: sensors, instruments that fail, and an operator."""

    def __init__(self, name, tags, recipe, formula, storm, *, edges):
        self.edges = EDGES if edges else {}
        self.name, self.recipe, self.formula, self.storm = name, recipe, formula, storm
        self.rng = np.random.default_rng(int(name[1:]))
        self.tags = tags
        self.base = np.array([FOUND.get(tag.name, 0.0) for tag in tags])
        self.noise = np.array([NOISE.get(tag.name, 0.0) for tag in tags])
        self.kept = self.base.copy()
        self.rows = {tag.name: row for row, tag in enumerate(tags)}
        self.bad, self.asked, self.started = {}, [], False

    def frame(self):
        """What is read now: values, qualities, reasons, ages."""
        rng, n = self.rng, len(self.tags)
        value = self.kept + self.noise * rng.standard_normal(n)
        quality, reason, age = np.zeros(n, np.uint8), np.zeros(n, np.uint8), rng.uniform(0.0, 0.2, n)
        if rng.random() < self.storm:
            self._happen()
        for row, (why, until) in list(self.bad.items()):
            quality[row], reason[row], value[row] = BAD, why, np.nan
            if rng.random() < until:
                del self.bad[row]
        return value, quality, reason, age

    def _happen(self):
        rng = self.rng
        if self.edges and rng.random() < 0.3:
            name = str(rng.choice(list(self.edges)))
            self.kept[self.rows[name]], self.noise[self.rows[name]] = rng.choice(self.edges[name]), 0.0
            return
        kind = rng.choice(["harsh", "calm", "bad", "lost", "stuck", "nan"])
        names = [name for name in HARSH if name in self.rows]
        row = self.rows[str(rng.choice(names))]
        if kind == "harsh":
            self.kept[row] = self.base[row] + HARSH[self.tags[row].name] * rng.uniform(0.1, 1.5) * rng.choice([-1, 1])
        elif kind == "calm":
            measured = [row for row, tag in enumerate(self.tags) if tag.kind == "measurement" and not tag.sampled]
            self.kept[measured] = self.base[measured]
        elif kind == "bad":
            self.bad[row] = (REASONS[rng.integers(len(REASONS))], 0.2)
        elif kind == "lost":
            wire = self.tags[row].connection
            self.bad |= {row: (Reason.LINK, 0.3) for row, tag in enumerate(self.tags) if tag.connection == wire}
        elif kind == "stuck":
            outputs = [row for row, tag in enumerate(self.tags) if tag.kind == "output"]
            row = outputs[int(rng.integers(len(outputs)))]
            self.kept[row] += rng.uniform(-20.0, 20.0)
        else:
            self.kept[row] = rng.choice([np.nan, self.base[row]])

    def hear(self, events):
        """The prompts that are to be answered."""
        for event in events:
            if event.subtype == "Prompt":
                self.asked.append(event.value["prompt"])

    def commands(self, scan):
        """What the operator wants in this scan."""
        rng, batch = self.rng, f"B-{self.name}"
        if not self.started:
            if scan < 4 + int(self.name[-1]):
                return []
            self.started = True
            create = {"batch": batch, "recipe": self.recipe, "formula": self.formula}
            return [(Verb.BATCH_CREATE, self.name, create), (Verb.BATCH_START, batch, {})]
        wanted = []
        if self.asked and rng.random() < 0.3:
            prompt = self.asked.pop(0)
            inputs = {"inoculum_volume": float(rng.uniform(10.0, 60.0))} if prompt.startswith("inoculate") else {}
            wanted.append((Verb.PROMPT_ANSWER, batch, {"prompt": prompt, "inputs": inputs}))
        if rng.random() < 0.3 * self.storm:
            loop = f"{self.name}.{rng.choice(LOOPS)}"
            kind = int(rng.integers(4))
            modes = ("off", "manual", "auto", "cascade")
            wanted.append([
                (Verb.MODE, loop, {"mode": str(rng.choice(modes))}),
                (Verb.SETPOINT, loop, {"value": float(rng.uniform(0.0, 60.0))}),
                (Verb.OUTPUT, loop, {"value": float(rng.uniform(0.0, 60.0))}),
                (ORDERS[int(rng.integers(len(ORDERS)))], batch, {}),
            ][kind])  # fmt: skip
        return wanted

    def written(self, name, value):
        """An instrument takes a write; a counter counts and its sample is there at once. Gives what became of it."""
        if name == "count_request":
            self.kept[self.rows["sample_number"]] = value
            self.kept[self.rows["viable_density"]] = self.base[self.rows["viable_density"]] * 1.1**value
            return WriteState.APPLIED
        self.kept[self.rows[name]] = value
        chance = self.rng.random() if self.storm else 1.0
        return WriteState.REFUSED if chance < 0.005 else WriteState.UNKNOWN if chance < 0.01 else WriteState.APPLIED


class Crowd:
    """The lives of ``names`` on one site, scan by scan. ``seeds`` are by name."""

    def __init__(self, path, like, names, recipe, formula, storm=0.1, *, edges=False):
        loaded = load_site(path, conditions=check_condition)
        site = build(many(loaded, like, names))
        found = load_recipe(recipe)
        engine = Engine({found.config.recipe: found}, dict.fromkeys(names, loaded.classes[like]))
        self.scan, self.site = Scan(site, engine), site
        tags = site.tags.tags
        self.rows = {name: [row for row, tag in enumerate(tags) if tag.vessel == name] for name in names}
        self.lives = {
            name: Life(name, [tags[row] for row in self.rows[name]], found.config.recipe, formula, storm, edges=edges)
            for name in names
        }
        self.journal, self.now, self.count = 0, 0.0, 0
        self.wishes, self.outcomes = [], []
        self.result = None

    def step(self, dt):
        """One scan; gives for each vessel what came of it."""
        tags = self.site.tags.tags
        frame = Frame.never_read(len(tags))
        commands = list(self.wishes)
        for name, life in self.lives.items():
            rows = self.rows[name]
            frame.value[rows], frame.quality[rows], frame.reason[rows], frame.age[rows] = life.frame()
            wanted = [
                Command(verb, target, value, who="operator", reason="life")
                for verb, target, value in life.commands(self.count)
            ]
            commands += wanted
        self.now, self.count = self.now + dt, self.count + 1
        result = self.result = self.scan.step(
            frame, [self._commit(one) for one in commands], self.outcomes, self.now, dt
        )
        self.wishes, self.outcomes = result.proposals, []
        for name, life in self.lives.items():
            life.hear([event for event in result.events if event.vessel == name])
        for row, value in result.writes.items():
            state = self.lives[tags[row].vessel].written(tags[row].name, value)
            self.outcomes.append(
                WriteOutcome(tags[row].point, value, state, "no" if state is WriteState.REFUSED else "")
            )
        return result

    def _commit(self, command):
        self.journal += 1
        return command.committed(self.journal)

    def seen(self, name):
        """What the last scan made for one vessel, exactly."""
        result, tags = self.result, self.site.tags.tags
        rows, frame = self.rows[name], self.result.frame
        writes = [(tags[row].name, value) for row, value in result.writes.items() if tags[row].vessel == name]
        events = [event._replace(command=0) for event in result.events if event.vessel == name]
        wishes = [wish for wish in result.proposals if wish.target.partition(".")[0] == name]
        arrays = [frame.value[rows], frame.quality[rows], frame.reason[rows], frame.age[rows]]
        refused = [
            (one.command.verb, one.command.target, one.applied, one.reason)
            for one in result.outcomes
            if name in one.command.target
        ]
        return repr((sorted(writes), events, wishes, refused)), [array.tobytes() for array in arrays]

    def state(self, name):
        """What a restart would need for one vessel, exactly."""
        state, health = self.scan.state(), self.scan.health
        kept = {key: part_of(value, name) for key, value in state.items() if key not in {"applied", "health"}}
        mine = [str(one).partition(".")[0] == name for one in state["doses"]["pulses"]["names"]]
        kept["doses"]["demands"] = [one for one, is_mine in zip(kept["doses"]["demands"], mine, strict=True) if is_mine]
        rows, picture = health.picture.rows[name], health.picture
        sums = [array[:, rows].tobytes() for array in (picture.segment, picture.before)]
        closed = {key: sums.tobytes() for key, sums in picture.books[name].closed.items()}
        return repr((kept, closed)), [*sums, health.meter.since[rows].tobytes()]


def part_of(state, name):
    """What of a state is about one vessel: entries by name, columns beside a list of names, and what has its name."""
    if isinstance(state, list):
        return [
            one for one in state if isinstance(one, int | float) or f"'{name}." in repr(one) or f"'{name}'" in repr(one)
        ]
    if not isinstance(state, dict):
        return state
    names = state.get("names")
    if isinstance(names, list):
        mine = [place for place, one in enumerate(names) if vessel_of(one) == name]
        return {key: [column[place] for place in mine] for key, column in state.items()}
    return {
        key: part_of(value, name)
        for key, value in state.items()
        if vessel_of(key) == name or vessel_of(key) not in NAMES
    }


def vessel_of(key):
    """The vessel that a name is of."""
    return str(key).partition(".")[0]


NAMES = frozenset(f"V{number}" for number in range(1, 10))
