"""Causes in the control law: what the parts of a controller's output add up to, and what limits them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.commands import Json
from controller.explain.actual import ACTUAL, output_title
from controller.explain.cause import Cause, Kind
from controller.explain.numbers import ControllerNumbers
from controller.explain.scene import Scene
from controller.explain.words import number, said
from controller.model.doses import Dose
from controller.model.loops import Leg
from controller.model.tuning import Gap
from controller.stages.dose_loops import WORDS
from controller.stages.dosing import Block

TINY = 1e-6
"""In output units: what a resumed controller holds back below this is not told."""
PARTS = {"p": "P", "i": "I", "d": "D", "ff": "feed-forward"}
"""What people call the parts of a controller's output."""


def control_causes(scene: Scene) -> Iterator[Cause]:
    """What a loop that acts does with its setpoint."""
    controller = scene.numbers.controller(scene.row)
    if controller is not None and controller.acts:
        yield from _limited(scene, controller)
        yield from _slaves(scene)
        yield from _resuming(scene, controller)
        yield _parts(scene, controller)
        yield from _gap(scene, controller)
        yield from _schedule(scene, controller)
    match scene.loop.type:
        case "ratio" if not scene.own.bad:
            yield _ratio(scene)
        case "dose" if not scene.own.state.suspended:
            yield _dose(scene, scene.loop.dose)
        case "station":
            yield from _reached(scene)
        case "remote":
            yield from _instrument(scene)


def _limited(scene: Scene, controller: ControllerNumbers) -> Iterator[Cause]:
    side = scene.numbers.loop(scene.row).limited
    if side:
        high = side > 0
        limit, word = (controller.high, "highest") if high else (controller.low, "lowest")
        where = _ends(scene, high=high)
        text = f"wants {scene.op(controller.wanted)}, its {word} output is {scene.op(limit)}: {where}"
        numbers: dict[str, Json] = {"wanted": number(controller.wanted), "limit": limit, "unit": scene.loop.op_unit}
        yield Cause(Kind.LIMIT, text, {**numbers, "side": "high" if high else "low"})


def _ends(scene: Scene, *, high: bool) -> str:
    """Where the legs are when the output is at an end of its range."""
    legs = scene.loop.legs
    end = max(leg.high for leg in legs) if high else min(leg.low for leg in legs)
    return ", ".join(_end(scene, leg, high=high) for leg in legs if (leg.high if high else leg.low) == end)


def _end(scene: Scene, leg: Leg, *, high: bool) -> str:
    value = leg.end if high else leg.start
    if leg.cascade:
        slave = scene.site.loops.rows[leg.target]
        return f"{slave.title} asked for {said(value, slave.unit, slave.decimals)}"
    return f"{output_title(scene.site, leg.target)} at {said(value, scene.site.outputs.rows[leg.target].unit)}"


def _slaves(scene: Scene) -> Iterator[Cause]:
    """Slaves that cannot follow. At their limit, the integral does not go on in that direction."""
    for slave in scene.own.following:
        actual = scene.facts.loops[slave].actual
        if actual.word in ACTUAL:
            text = f"{scene.site.loops.rows[slave].title} cannot follow: {actual.reason}"
            yield Cause(Kind.SLAVE_HELD, text, {"actual": actual.word})
    for leg in scene.loop.legs:
        tuning = scene.facts.loops[leg.target].tuning if leg.cascade else None
        side = scene.numbers.loop(leg.target).limited if tuning is not None else 0.0
        if tuning is not None and side:
            further = side * math.copysign(1.0, tuning.gain) * math.copysign(1.0, leg.end - leg.start)
            word, way = "highest" if side > 0 else "lowest", "up" if further > 0 else "down"
            title = scene.site.loops.rows[leg.target].title
            text = f"{title} is at its {word} output and cannot follow: the integral does not go further {way}"
            yield Cause(Kind.SLAVE_LIMITED, text, {"side": "high" if side > 0 else "low"})


def _resuming(scene: Scene, controller: ControllerNumbers) -> Iterator[Cause]:
    held = controller.held_back
    if abs(held) > TINY:
        word = "above" if held > 0 else "below"
        why = "it comes back from an interruption or another gain"
        text = f"still {scene.op(abs(held))} {word} what its parts ask for: {why}"
        yield Cause(Kind.RESUMING, text, {"held_back": number(held), "unit": scene.loop.op_unit})


def _parts(scene: Scene, controller: ControllerNumbers) -> Cause:
    parts = {
        "p": controller.proportional,
        "i": controller.integral,
        "d": controller.derivative,
        "ff": controller.feed_forward,
    }
    told = [f"{PARTS[name]} {said(value, '1')}" for name, value in parts.items() if value or name in {"p", "i"}]
    numbers: dict[str, Json] = {name: number(value) for name, value in parts.items()}
    text = f"{' + '.join(told)} = {scene.op(sum(parts.values()))}"
    return Cause(Kind.PARTS, text, {**numbers, "unit": scene.loop.op_unit})


def _gap(scene: Scene, controller: ControllerNumbers) -> Iterator[Cause]:
    gap = scene.own.tuning.gap if scene.own.tuning else Gap()
    value, _ = scene.numbers.signal(scene.loop.pv)
    error = scene.numbers.loop(scene.row).working - value
    if gap.width > 0.0 and abs(error - controller.error) > TINY * gap.width:
        off = said(abs(error), scene.loop.unit, scene.loop.decimals + 1)
        rests = abs(controller.error) <= TINY * gap.width
        part = "nothing" if rests else said(abs(controller.error), scene.loop.unit, scene.loop.decimals + 1)
        text = f"{'rests: ' if rests else ''}of {off} off the setpoint {part} counts, the gap is {gap.width:.4g} wide"
        numbers: dict[str, Json] = {"error": number(error), "counts": number(controller.error), "width": gap.width}
        yield Cause(Kind.GAP, text, {**numbers, "unit": scene.loop.unit})


def _schedule(scene: Scene, controller: ControllerNumbers) -> Iterator[Cause]:
    schedule = scene.loop.schedule
    if schedule is None:
        return
    signal, at = scene.named(schedule.signal), controller.scheduled_at
    if math.isnan(at):
        yield Cause(Kind.SCHEDULE, f"no good value of {signal.title} yet: the tuning is not scheduled", {"at": None})
        return
    times = f"integral time {said(controller.integral_time, 's')}"
    gain = f"gain {controller.gain:.4g} {scene.loop.op_unit} per {scene.loop.unit}"
    text = f"{gain}, {times} by {signal.title} at {said(at, signal.unit, signal.decimals)}"
    yield Cause(Kind.SCHEDULE, text, {"at": at, "unit": signal.unit, "gain": controller.gain})


def _ratio(scene: Scene) -> Cause:
    loop, numbers = scene.loop, scene.numbers.loop(scene.row)
    signal = scene.named(loop.of)
    value, _ = scene.numbers.signal(loop.of)
    wanted = numbers.working * loop.factor * value
    product = f"{scene.sp(numbers.working)} times {signal.title} {said(value, signal.unit, signal.decimals)}"
    limited = min(max(wanted, loop.op_low), loop.op_high)
    text = f"{product} is {scene.op(wanted)}" + ("" if limited == wanted else f", its limit is {scene.op(limited)}")
    return Cause(Kind.RATIO, text, {"of": number(value), "wanted": number(wanted), "unit": loop.op_unit})


def _dose(scene: Scene, dose: Dose | None) -> Cause:
    """What a dose loop waits for, or why it gives nothing."""
    assert dose is not None, "a loop of this type has one"
    now = scene.numbers.dose(scene.row)
    told: dict[str, Json] = {"left": now.left, "locked": now.locked, "beyond": now.beyond}
    if now.active:
        text = f"gives a dose, for another {said(max(now.left, 0.0) / dose.rate, 's')} at {scene.op(dose.rate)}"
    elif now.blocked:
        text = WORDS[Block(int(now.blocked))]
    elif now.locked > 0.0:
        text = f"waits another {said(now.locked, 's')} after the last dose"
    elif now.beyond >= 0.0:
        side = "above" if dose.above else "below"
        text = f"{side} the setpoint for {said(now.beyond, 's')} of the {said(dose.after, 's')} before a dose"
    else:
        text = "no dose is needed"
    return Cause(Kind.DOSE, text, told)


def _reached(scene: Scene) -> Iterator[Cause]:
    numbers = scene.numbers.loop(scene.row)
    if abs(numbers.achieved - numbers.working) > TINY * max(1.0, abs(numbers.working)):
        who = "the gas mix" if scene.loop.gases else "the loops that work with it"
        text = f"{scene.sp(numbers.achieved)} of {scene.sp(numbers.working)} is reached by {who}"
        yield Cause(Kind.REACHED, text, {"reached": number(numbers.achieved), "unit": scene.loop.unit})


def _instrument(scene: Scene) -> Iterator[Cause]:
    """What an instrument tells of its own controller."""
    told = {key: (scene.named(signal), scene.numbers.signal(signal)[0]) for key, signal in scene.loop.shows}
    if told:
        values = [f"{key.replace('_', ' ')} {said(value, named.unit, named.decimals)}"
                  for key, (named, value) in told.items()]  # fmt: skip
        text = f"the instrument's own controller: {', '.join(values)}"
        yield Cause(Kind.INSTRUMENT, text, {key: number(value) for key, (_, value) in told.items()})
