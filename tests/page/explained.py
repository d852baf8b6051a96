"""Explains the loops of the small site by a real scan of the bench, on the values of the scene."""

from functools import cached_property

from scene import TAGS

from controller.commands import Verb
from tests.control.conftest import Rig, bench_site

CONTROLLERS = ("temperature", "ph", "do")


class Explained:
    """``pv`` are the values of the scene by vessel and tag; ``instead`` are values by full name that replace them.
    The scan is made when somebody asks, in the thread of the one who asks. ``filling``: the base is given until its
    guard holds it; ``reset`` is the command that lets that go, once.
    """

    def __init__(self, pv):
        self.pv = pv
        self.instead = {}
        self.filling, self.reset = False, None

    @cached_property
    def rig(self):
        rig = Rig(bench_site())
        self.read(rig)
        rig.step()
        for vessel in ("BR-101", "BR-102"):
            for loop in CONTROLLERS:
                rig.mode(f"{vessel}.{loop}", "auto", reason="expansion", source="recipe")
        return rig

    def read(self, rig):
        for (vessel, name), value in self.pv.items():
            row = rig.site.tags.index.get(f"{vessel}.{name}")
            if row in rig.values and name in {tag[0] for tag in TAGS}:
                rig.values[row] = self.instead.get(f"{vessel}.{name}", value)

    def __call__(self, loop):
        self.read(self.rig)
        if self.filling:
            self.fill()
        if self.reset is not None:
            self.rig.step(self.rig.command(Verb.GUARD_RESET, self.reset.target, reason=self.reset.reason))
            self.reset = None
        self.rig.run(5)
        return self.rig.scan.view().why.loop(loop)

    def fill(self):
        """An operator gives base by hand, more than is allowed."""
        rig, self.filling = self.rig, False
        rig.mode("BR-101.ph", "manual")
        rig.step(rig.command(Verb.OUTPUT, "BR-101.ph", value=100.0))
        while not rig.scan.outputs.guards.held.any():
            rig.step(dt=30.0)
