"""From loaded vessel classes to the effects that loops' outputs must have, and the alarms that tell of a lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from controller.model.effects import LoopEffect
from controller.model.guards import Alarm

if TYPE_CHECKING:
    from controller.config.load import LoadedSite
    from controller.model.health import LoopHealth
    from controller.model.loops import LoopTable

LIMITS: Mapping[str, tuple[float, float]] = {"high": (0.0, 1.0), "low": (-1.0, 0.0), "both": (-1.0, 1.0)}


def build_effects(loaded: LoadedSite, loops: LoopTable, health: Mapping[str, LoopHealth]) -> tuple[LoopEffect, ...]:
    """Of every loop whose class says one. ``health`` knows how its PV is compared with its setpoint."""
    effects = []
    for row, loop in enumerate(loops.rows):
        declared = getattr(loaded.classes[loop.vessel].loops[loop.name], "effect", None)
        judged = health[loop.full_name]
        if declared is not None and judged.judged:
            least = declared.least.difference(loop.unit)
            limits = LIMITS[declared.at]
            effects.append(LoopEffect(row, declared.within.to("s"), least, judged.scale, judged.offset, *limits))
    return tuple(effects)


def effect_alarms(effects: Sequence[LoopEffect], loops: LoopTable) -> list[Alarm]:
    """One for each loop that must have an effect."""
    return [_alarm(place, effect, loops) for place, effect in enumerate(effects)]


def _alarm(place: int, effect: LoopEffect, loops: LoopTable) -> Alarm:
    loop = loops.rows[effect.row]
    return Alarm(
        loop.vessel, f"{loop.name}_no_effect", f"{loop.title}: the output has no effect", -1,
        side="idle",
        consequence=f"{loop.title} stays away from its setpoint or goes further, with the output at its limit for "
        f"{effect.within_s / 60.0:g} min.",
        cause="The actuator does not obey, is empty, or works the other way; the probe stands still; or the process "
        "needs more than the actuator can give.",
        action="Take the loop to manual. Look whether the actuator does what the output says, and compare the probe "
        "with another; then decide.",
        respond_within="10 min",
        flag=place,
    )  # fmt: skip
