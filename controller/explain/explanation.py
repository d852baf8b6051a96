"""The explanation of every loop in one scan."""

from __future__ import annotations

from typing import NamedTuple

from controller.commands import Json
from controller.explain.facts import Facts
from controller.explain.numbers import Numbers
from controller.model.site import Site


class Explanation(NamedTuple):
    """One scan, to be asked about its loops by any thread: facts and numbers are copies that nobody changes."""

    site: Site
    facts: Facts
    numbers: Numbers

    def loop(self, name: str) -> dict[str, Json]:
        """Why the output of a loop (by full name) is what it is: the actual mode with its reason, the causes from the
        output back to the setpoint, the parts of a controller's output, its actuators, its tuning. Raises ``KeyError``.
        """
        # Whoever asks waits for what there is to say to be imported; a scan only makes the copies.
        from controller.explain.scene import Scene
        from controller.explain.telling import told

        return told(Scene(self.site, self.facts, self.numbers, self.site.loops.index[name]))
