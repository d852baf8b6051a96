"""Causes at the outputs: who forces them, whether they can be reached and obey, how far and how fast they may move."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.commands import Json
from controller.explain.actual import guard_text, hold_text, output_title
from controller.explain.cause import Cause, Kind
from controller.explain.scene import Scene
from controller.explain.words import number, said
from controller.model.loops import Output
from controller.stages.interlocks import Hold
from controller.stages.steps import is_broken
from controller.stages.suspension import WAITING

SHARE = 1e-4
"""Share of its span by which an output must be off to be told: what is written is no finer."""


def output_causes(scene: Scene) -> Iterator[Cause]:
    """What keeps the outputs of a loop from being where it wants them."""
    for output in scene.loop.moves:
        yield from _held(scene, output)
        yield from _guarded(scene, output)
        yield from _reached(scene, output)
        yield from _moving(scene, output)


def _guarded(scene: Scene, output: int) -> Iterator[Cause]:
    why = scene.facts.outputs.guarded.get(output)
    if why is not None:
        text, row = guard_text(scene.site, output, why), scene.site.outputs.rows[output]
        held: dict[str, Json] = {"output": row.name.rpartition(".")[2], "held_at": number(row.safe), "unit": row.unit}
        yield Cause(Kind.DOSE_GUARD, text + _unreached(scene, output), held)


def _held(scene: Scene, output: int) -> Iterator[Cause]:
    hold = scene.facts.outputs.holds.get(output)
    if hold is not None:
        text = hold_text(scene.site, output, hold) + _unreached(scene, output)
        unit = scene.site.outputs.rows[output].unit
        yield Cause(Kind.INTERLOCK, text, {"held_at": hold.value, "unit": unit}, (_ending(scene, hold),))


def _unreached(scene: Scene, output: int) -> str:
    return "" if output in scene.facts.outputs.ready else ", but it cannot be reached"


def _ending(scene: Scene, hold: Hold) -> dict[str, Json]:
    """What must come for the interlock to let go, with the values of this scan."""
    truth = None if hold.release is None else hold.release.evaluate(scene)
    when = hold.when.evaluate(scene)
    if hold.release is None or (truth is True and when is not False):
        truth, live = None if when is None else not when, f"not ({hold.when.explain(scene)})"
    else:
        live = hold.release.explain(scene)
    return {"live": live, "truth": "unknown" if truth is None else str(truth).lower(), "then": "released"}


def _reached(scene: Scene, output: int) -> Iterator[Cause]:
    title, unit = output_title(scene.site, output), scene.site.outputs.rows[output].unit
    numbers = scene.numbers.output(output)
    if output not in scene.facts.outputs.ready:
        last: dict[str, Json] = {"last": number(numbers.actual), "unit": unit}
        text = "was not read yet" if scene.own.state.suspended in WAITING else "cannot be reached"
        yield Cause(Kind.UNREACHABLE, f"{title} {text}: nothing is written to it until it can be read", last)
    elif output in scene.facts.outputs.astray:
        read, asked = numbers.actual, numbers.asked
        text = f"{title} reads back {said(read, unit)} instead of {said(asked, unit)}; control goes on from there"
        yield Cause(Kind.DISOBEYED, text, {"read": number(read), "asked": number(asked), "unit": unit})
    if output in scene.facts.outputs.refused:
        why = scene.facts.outputs.refused[output] or "it gives no reason"
        yield Cause(Kind.REFUSED, f"{title}: its instrument refuses what is written ({why})")


def _shared_out(row: Output, title: str, mean: float) -> Iterator[Cause]:
    """What is written is not the ``mean`` itself: pulses, or whole steps in turn."""
    if row.pulse is not None and row.low < mean < row.pulse.on:
        text = f"{title} is pulsed at {said(row.pulse.on, row.unit)}: its mean is {said(mean, row.unit)}"
        yield Cause(Kind.PULSES, text, {"on": row.pulse.on, "mean": number(mean), "unit": row.unit})
    elif row.step and is_broken(mean / row.step):
        text = f"{title} moves in steps of {said(row.step, row.unit)}: its mean is {said(mean, row.unit)}"
        yield Cause(Kind.STEPS, text, {"step": row.step, "mean": number(mean), "unit": row.unit})


def _moving(scene: Scene, output: int) -> Iterator[Cause]:
    """Whether it still moves, or ends before what is asked."""
    row, numbers = scene.site.outputs.rows[output], scene.numbers.output(output)
    if output not in scene.facts.outputs.ready or output in scene.facts.outputs.astray or math.isnan(numbers.asked):
        return
    title, least = output_title(scene.site, output), SHARE * row.span
    if math.isnan(numbers.forced):
        yield from _shared_out(row, title, numbers.actual)
    goal = min(max(numbers.asked, row.low), row.most)
    if math.isfinite(row.max_rate) and abs(goal - numbers.actual) > least:
        text = f"{title} is at {said(numbers.actual, row.unit)} on its way to {said(goal, row.unit)}"
        said_rate = f"it moves at most {row.max_rate:.4g} {row.unit} per second"
        rate: dict[str, Json] = {"at": number(numbers.actual), "to": number(goal), "per_second": row.max_rate}
        yield Cause(Kind.RATE, f"{text}: {said_rate}", {**rate, "unit": row.unit})
    if abs(goal - numbers.asked) > least:
        text = f"{title} ends at {said(goal, row.unit)}, {said(numbers.asked, row.unit)} is asked"
        yield Cause(Kind.RANGE, text, {"asked": number(numbers.asked), "limit": goal, "unit": row.unit})
