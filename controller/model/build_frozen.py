"""The alarms of values that stand still although they are noisy, with the operator's part."""

from __future__ import annotations

import math

from controller.frame import BAD
from controller.model.guards import Alarm
from controller.model.tags import Tag, TagTable


def frozen_alarms(tags: TagTable) -> list[Alarm]:
    """One for each tag that says how long it may stand still, in their order."""
    declared = [tag for tag in tags.tags if math.isfinite(tag.frozen_s)]
    return [_alarm(place, tag) for place, tag in enumerate(declared)]


def _alarm(place: int, tag: Tag) -> Alarm:
    then = (
        "What needs it does what it does without a value."
        if tag.frozen_quality == BAD
        else "Its loop goes on with a value that may be of long ago, and may drive its output to a limit."
    )
    return Alarm(
        tag.vessel, f"{tag.name}_frozen", f"{tag.title}: does not move at all", -1,
        side="frozen",
        consequence=f"The value was the same to the last digit for {tag.frozen_s / 60.0:g} min. {then}",
        cause="The probe, its transmitter or what carries the value hangs, and repeats the last one.",
        action="Compare it with another probe or a sample, with its loops in manual until that is done; then restart "
        "the transmitter or change the probe.",
        respond_within="10 min",
        tag_name=tag.name,
        flag=place,
    )  # fmt: skip
