"""Rehearsals of the shipped recipes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from controller.composition.rehearsal import Rehearsal, Setting

CONFIGS = Path(__file__).parents[2] / "configs"
BENCH = CONFIGS / "sites/bench.yaml"
CAR_T = CONFIGS / "recipes/car-t-expansion.yaml"
HOUR_S, DAY_S = 3600.0, 86_400.0


def setting(**changes: Any) -> Setting:
    """The CAR-T recipe on the bench, scanned every 20 s."""
    return Setting(BENCH, "BR-101", CAR_T, seed=1, period_s=20.0)._replace(**changes)


class Watched:
    """A rehearsal of one donor: what was so in its vessel, and what its ``tags`` showed, by operation, at the end of
    each.
    """

    def __init__(self, chosen: Setting, donor: int = 0, tags: tuple[str, ...] = ()) -> None:
        self.rehearsal = Rehearsal(chosen, [donor])
        self.name = self.rehearsal.names[0]
        self.seen: dict[str, dict[str, float]] = {}
        self.shown: dict[str, dict[str, float]] = {}
        self._tags = tags
        self.written_once: list[float] = []
        self.worst = {"temperature": 0.0, "ph": 0.0, "do": 0.0}
        self._began_s = 0.0

    def run(self, settled_s: float = 4 * HOUR_S, **wanted: float) -> Any:
        """Run it; ``worst`` are the largest deviations from ``wanted`` while cells expand, once settled."""
        operation = ""

        def look() -> None:
            nonlocal operation
            now_s = self.rehearsal.clock.now_ns() / 1e9
            if (current := self.rehearsal.engine.operation(self.name)) != operation:
                operation, self._began_s = current, now_s
            truth = {name: float(values[0]) for name, values in self.rehearsal.fleet.truth().items()}
            self.seen[operation] = truth
            reader = self.rehearsal.scan.reader
            self.shown[operation] = {tag: reader.read(self.name, tag)[0] for tag in self._tags}
            if operation == "expand" and now_s - self._began_s > settled_s:
                for name, setpoint in wanted.items():
                    self.worst[name] = max(self.worst[name], abs(truth[f"true_{name}"] - setpoint))

        return self.rehearsal.run(watch=look).courses[self.name]


def shortened(folder: Path, least_density: float = 1.0) -> Path:
    """The CAR-T recipe with an expansion of three hours, counted every hour; ``least_density`` of cells in 10*6/mL is
    what the equipment can take.
    """
    text = CAR_T.read_text()
    for old, new in {
        "every, value: 24 h": "every, value: 1 h",
        "hard: 1 .. 100 10*6/mL, proven: 5 .. 50 10*6/mL, normal: 5 ..": f"hard: {least_density:g} .. 100 10*6/mL, "
        f"proven: {max(least_density, 5.0):g} .. 50 10*6/mL, normal: {max(least_density, 5.0):g} ..",
        "proven: 12 h .. 24 h, normal: 24 h .. 24 h": "proven: 1 h .. 24 h, normal: 1 h .. 24 h",
        "after, value: 10 d": "after, value: 3 h",
        "proven: 5 d .. 12 d, normal: 8 d .. 10 d": "proven: 1 h .. 12 d, normal: 3 h .. 10 d",
        "down to, value: 25 Cel": "down to, value: 35 Cel",
        "proven: 20 .. 30 Cel, normal: 22 .. 28 Cel": "proven: 20 .. 36 Cel, normal: 22 .. 36 Cel",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    recipe = folder / "shortened.yaml"
    recipe.write_text(text)
    return recipe
