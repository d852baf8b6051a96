"""Heartbeats that an instrument does not take: it will believe that this program has stopped, and make itself safe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from controller.commands import Json
from drivers.contract import WriteState

if TYPE_CHECKING:
    from drivers.contract import WriteOutcome

IN_A_ROW = 2
"""Beats that are missed before it is told: one may be of the moment in which its link came up."""

Tell = Callable[[str, str, bool], None]
"""Takes a link's name, a sentence, and whether something is wrong."""


class Heartbeats:
    """Looks at what became of every beat; told when it begins that they are not taken, and when they are again.
    ``is_up`` says of a link whether it is: one that is lost is told anyway.
    """

    def __init__(self, is_up: Callable[[str], bool], tell: Tell) -> None:
        self._is_up = is_up
        self._tell = tell
        self._missed: dict[str, int] = {}
        self._shown: dict[str, dict[str, Json]] = {}

    def take(self, link: str, outcome: WriteOutcome) -> None:
        """What became of a beat."""
        point = outcome.point
        if outcome.state is WriteState.APPLIED:
            self._missed.pop(link, None)
            if self._shown.pop(link, None) is not None:
                self._tell(link, f"{link}: the heartbeat {point.address} is taken again", False)
        elif not self._is_up(link):
            self._missed.pop(link, None)
        else:
            self._missed[link] = missed = self._missed.get(link, 0) + 1
            if missed == IN_A_ROW and link not in self._shown:
                why = f"the heartbeat is not taken: {outcome.detail or outcome.state.value}"
                self._shown[link] = {"tag": point.key, "point": point.address, "detail": why}
                self._tell(link, f"{link}: {point.address}: {why}; the instrument may make itself safe", True)

    def shown(self, link: str) -> list[Json]:
        """The heartbeat of a link if it is not taken now, in the shape of a point without a value."""
        return [self._shown[link]] if link in self._shown else []
