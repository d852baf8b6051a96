"""The whole supervisor in a rehearsal: scan, loops, alarms, recipe and books, closed over the plant."""

from pathlib import Path

from controller.composition.rehearsal import Rehearsal, Setting

CONFIGS = Path(__file__).parents[2] / "configs"
EXPANDS = "expand"


def growing(donors, period_s):
    """A step of the CAR-T recipe for some donors, all of whose cells expand already."""
    recipe = CONFIGS / "recipes/car-t-expansion.yaml"
    setting = Setting(CONFIGS / "sites/bench.yaml", "BR-101", recipe, seed=1, period_s=period_s)
    rehearsal = Rehearsal(setting, range(donors))
    rehearsal.begin()
    while not all(EXPANDS in course.entered or course.over for course in rehearsal.books.courses.values()):
        rehearsal.step()
    return rehearsal.step, None
