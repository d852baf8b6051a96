"""Causes at the setpoint: how far it has come, and who asks for it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.commands import Json
from controller.explain.cause import Cause, Kind
from controller.explain.numbers import LoopNumbers
from controller.explain.scene import Scene
from controller.explain.words import number
from controller.frame import BAD
from controller.stages.loop_state import Mode

SHARE = 1e-6
"""Share of its range by which a setpoint must be off to be told."""


def setpoint_causes(scene: Scene) -> Iterator[Cause]:
    """Where the setpoint of a loop that works to one comes from."""
    numbers = scene.numbers.loop(scene.row)
    goal, source = _goal(scene, numbers)
    yield from _ramp(scene, numbers, goal)
    if math.isfinite(source) and abs(source - goal) > SHARE * (scene.loop.sp_high - scene.loop.sp_low):
        yield from _limits(scene, source, goal)
    yield _asked_by(scene, numbers, goal)


def _goal(scene: Scene, numbers: LoopNumbers) -> tuple[float, float]:
    """Where the setpoint is to go, and what was asked before its limits."""
    match scene.mode:
        case Mode.CASCADE:
            floor = numbers.asked if scene.loop.type == "direct" else -math.inf
            source = numbers.working if math.isnan(numbers.request) else max(numbers.request, floor)
        case Mode.REMOTE:
            source = numbers.working if math.isnan(numbers.remote) else numbers.remote
        case _:
            return numbers.asked, numbers.asked
    return min(max(source, scene.loop.sp_low), scene.loop.sp_high), source


def _ramp(scene: Scene, numbers: LoopNumbers, goal: float) -> Iterator[Cause]:
    loop = scene.loop
    if abs(goal - numbers.working) > SHARE * (loop.sp_high - loop.sp_low):
        rate = f" at {loop.sp_rate:.4g} {loop.unit} per second" if math.isfinite(loop.sp_rate) else ""
        smooth = f" through a filter of {loop.sp_filter:.4g} s" if loop.sp_filter else ""
        text = f"asked for {scene.sp(goal)}, works to {scene.sp(numbers.working)} now: it moves{rate}{smooth}"
        told: dict[str, Json] = {"asked": number(goal), "working": number(numbers.working), "unit": loop.unit}
        yield Cause(Kind.RAMP, text, {**told, "per_second": number(loop.sp_rate)})


def _limits(scene: Scene, source: float, goal: float) -> Iterator[Cause]:
    who = _master(scene) if scene.mode is Mode.CASCADE else "the program"
    word = "highest" if source > goal else "lowest"
    text = f"{who} asks for {scene.sp(source)}, the {word} setpoint is {scene.sp(goal)}"
    yield Cause(Kind.SETPOINT_LIMIT, text, {"asked": number(source), "limit": goal, "unit": scene.loop.unit})


def _asked_by(scene: Scene, numbers: LoopNumbers, goal: float) -> Cause:
    match scene.mode:
        case Mode.CASCADE:
            return _by_master(scene, numbers)
        case Mode.REMOTE:
            return _by_program(scene, numbers, goal)
    told: dict[str, Json] = {"asked": number(goal), "unit": scene.loop.unit}
    if scene.loop.pv < 0:
        return Cause(Kind.SETPOINT, f"setpoint {scene.sp(goal)}", told)
    value, quality = scene.numbers.signal(scene.loop.pv)
    known = f"value {scene.sp(value)}" if quality < BAD else "no valid value"
    return Cause(Kind.SETPOINT, f"setpoint {scene.sp(goal)}, {known}", {**told, "value": number(value)})


def _by_program(scene: Scene, numbers: LoopNumbers, goal: float) -> Cause:
    told: dict[str, Json] = {"asked": number(numbers.remote), "unit": scene.loop.unit}
    led = scene.own.led
    waits = f", but waits: {led.waits}" if led is not None and led.waits else ""
    if math.isnan(numbers.remote):
        who = "no program asks for anything" if led is None else f"the program {led.title} asks for nothing"
        return Cause(Kind.PROGRAM, f"{who}{waits}; stays at {scene.sp(goal)}", told)
    who = "a program" if led is None else f"the program {led.title}"
    return Cause(Kind.PROGRAM, f"{who} asks for {scene.sp(numbers.remote)}{waits}", told)


def _by_master(scene: Scene, numbers: LoopNumbers) -> Cause:
    told: dict[str, Json] = {"asked": number(numbers.request), "unit": scene.loop.unit}
    text = f"follows {_master(scene)}, which asks for {scene.sp(numbers.request)}"
    if math.isnan(numbers.request):
        text = f"follows {_master(scene)}, which asks for nothing yet: stays at {scene.sp(numbers.working)}"
    elif scene.facts.loops[scene.site.loops.master[scene.row]].state.mode <= Mode.OFF:
        text = f"follows {_master(scene)}, which is off: stays at {scene.sp(numbers.working)}"
    elif scene.loop.type == "direct" and numbers.asked > numbers.request:
        text += f"; its own setpoint of {scene.sp(numbers.asked)} is the least"
        told["least"] = number(numbers.asked)
    return Cause(Kind.MASTER, text, told)


def _master(scene: Scene) -> str:
    return scene.site.loops.rows[scene.site.loops.master[scene.row]].title
