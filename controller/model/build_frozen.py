"""The alarms of values that stand still although they are noisy, with the operator's part."""

from __future__ import annotations

import math

from controller.frame import BAD
from controller.model.guards import Alarm
from controller.model.loops import Loop, LoopTable
from controller.model.tags import LEAST_STILL_SCANS, Tag, TagTable


def frozen_alarms(tags: TagTable, loops: LoopTable, scan_period_s: float) -> list[Alarm]:
    """One for each tag that says how long it may stand still, in their order; none for one that then is Bad and has
    an alarm of its own for that, because a loop cannot do without it.
    """
    declared = [row for row, tag in enumerate(tags.tags) if math.isfinite(tag.frozen_s)]
    watching = loops.watching()
    return [
        _alarm(place, tags.tags[row], watching.get(row), LEAST_STILL_SCANS * scan_period_s)
        for place, row in enumerate(declared)
        if row not in watching or tags.tags[row].frozen_quality != BAD
    ]


def bad_value_cause(tag: Tag) -> str:
    """Why a value may be Bad that a loop cannot do without."""
    if math.isfinite(tag.frozen_s) and tag.frozen_quality == BAD:
        return (
            "The sensor, its cable or its instrument failed, or it hangs and repeats its last value, or it shows "
            "what cannot be."
        )
    return "The sensor, its cable or its instrument failed, or it shows what cannot be."


def _alarm(place: int, tag: Tag, loop: Loop | None, least_s: float) -> Alarm:
    minutes = max(tag.frozen_s, least_s) / 60.0
    by_hand = f" Operate the loop {loop.title} by hand until that is done." if loop else ""
    return Alarm(
        tag.vessel, f"{tag.name}_frozen", f"{tag.title}: does not move at all", -1,
        side="frozen",
        consequence=f"The value was the same to the last digit for {minutes:g} min or longer. {_then(tag, loop)}",
        cause="The probe, its transmitter or what carries the value hangs, and repeats the last one; or nothing moves "
        "and the instrument rounds its noise away.",
        action=f"Compare it with another probe or a sample.{by_hand} Then restart the transmitter or change the probe.",
        respond_within="10 min",
        tag_name=tag.name,
        flag=place,
    )  # fmt: skip


def _then(tag: Tag, loop: Loop | None) -> str:
    """What becomes of those that use the value."""
    if tag.frozen_quality == BAD:
        return "It is not used any more: what is calculated from it and the interlocks that need it have no value."
    if loop is None:
        return "It is still used, and may be of long ago."
    limit = " and may drive its output to a limit" if loop.type == "pid" else ""
    return f"The loop {loop.title} goes on with it{limit}, although it may be of long ago."
