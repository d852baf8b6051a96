"""The alarms that come with dose guards and dose loops, with the operator's part."""

from __future__ import annotations

import math

from controller.model.doses import Guard
from controller.model.guards import Alarm
from controller.model.loops import Loop, LoopTable, Output, OutputTable
from controller.model.tags import TagTable


def dose_alarms(outputs: OutputTable, loops: LoopTable, tags: TagTable) -> list[Alarm]:
    """One alarm for each dose guard, about an output that is held; one for each dose loop, about doses in vain."""
    movers = _movers(loops)
    held = [
        _held(row, output, output.guard, tags.tags[output.tag].title, movers.get(row, "what asks for it"))
        for row, output in enumerate(outputs.rows)
        if output.guard
    ]
    return held + [_blocked(row, loop) for row, loop in enumerate(loops.rows) if loop.dose]


def _movers(loops: LoopTable) -> dict[int, str]:
    """The titles of the loops that move an output, by its row."""
    titles: dict[int, list[str]] = {}
    for loop in loops.rows:
        for row in dict.fromkeys(loop.moves):
            titles.setdefault(row, []).append(loop.title)
    return {row: " and ".join(found) for row, found in titles.items()}


def _held(row: int, output: Output, guard: Guard, title: str, movers: str) -> Alarm:
    vessel, _, name = output.name.partition(".")
    limits = [f"{guard.most / guard.factor:.4g} {guard.unit} within {guard.within / 3600.0:.4g} h"] * math.isfinite(
        guard.most
    )
    limits += [f"{guard.most_per_batch / guard.factor:.4g} {guard.unit} in one batch"] * math.isfinite(
        guard.most_per_batch
    )
    return Alarm(
        vessel, f"{name}_dose_guard", f"{title}: held by its dose guard", -1,
        side="held",
        consequence=f"{title} is held at {output.safe:.6g} {output.unit}: {movers} cannot act on it.",
        cause=f"More than {' or '.join(limits)} was asked for: a probe shows what is not so, the pump gives more than "
        "it is told, or the culture needs more than was planned.",
        action="Compare the probe with a sample before anything else; then look at pump, line and bottle. If what was "
        "given is right, reset the guard with your reason.",
        respond_within="30 min",
        output=row,
    )  # fmt: skip


def _blocked(row: int, loop: Loop) -> Alarm:
    return Alarm(
        loop.vessel, f"{loop.name}_no_dose", f"{loop.title}: no more doses are given", -1,
        side="blocked",
        consequence="What the doses are to prevent goes on, and nothing more is given against it.",
        cause="The probe shows it although it is not so, the doses do not reach the vessel, or the most of an hour or "
        "of the batch is given.",
        action="Look into the vessel. Clean the probe if there is nothing; look at pump, line and bottle if there is. "
        "Switch the loop off and on to let it try again.",
        respond_within="10 min",
        loop=row,
    )  # fmt: skip
