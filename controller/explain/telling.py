"""What an explanation says of a loop: worked out from the facts and numbers of one scan when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator

from controller.commands import Json
from controller.explain.actual import left_alone, mode_words, output_title, unfollowed
from controller.explain.at_control import control_causes
from controller.explain.at_outputs import output_causes
from controller.explain.at_setpoint import setpoint_causes
from controller.explain.cause import Cause, Kind
from controller.explain.numbers import ControllerNumbers
from controller.explain.scene import Scene
from controller.explain.words import number
from controller.stages.loop_state import Mode
from controller.stages.suspension import no_value
from drivers.contract import Reason

ORDER = {kind: place for place, kind in enumerate(Kind)}


def told(scene: Scene) -> dict[str, Json]:
    """Why the output of a loop is what it is, as :meth:`controller.explain.Explanation.loop` gives it."""
    controller = scene.numbers.controller(scene.row)
    numbers = scene.numbers.loop(scene.row)
    reasons: list[Json] = [cause.shown() for cause in causes(scene)]
    actuators: list[Json] = [_actuator(scene, output) for output in scene.loop.moves]
    return {
        "actual": scene.own.actual.word,
        "mode_reason": scene.own.actual.reason,
        "reasons": reasons,
        "parts": _parts(controller),
        "setpoint": {"asked": number(numbers.asked), "working": number(numbers.working), "unit": scene.loop.unit},
        "output": {"achieved": number(numbers.achieved), "unit": scene.loop.op_unit},
        "actuators": actuators,
        "tuning": _tuning(scene, controller),
    }


def causes(scene: Scene) -> list[Cause]:
    """All causes of a loop's output, from the actuator back to the setpoint."""
    return sorted(_causes(scene), key=lambda cause: ORDER[cause.kind])


def _causes(scene: Scene) -> Iterator[Cause]:
    yield from output_causes(scene)
    yield from _not_followed(scene)
    yield _mode(scene)
    if scene.mode < Mode.AUTO:
        return
    if scene.own.bad:
        yield _no_value(scene)
    yield from control_causes(scene)
    yield from setpoint_causes(scene)


def _no_value(scene: Scene) -> Cause:
    signal = scene.loop.watched
    tag = signal < len(scene.site.tags)
    reason = Reason(int(scene.numbers.frame.reason[signal])) if tag else Reason.NOT_READ
    name = scene.named(signal).title
    return Cause(Kind.NO_VALUE, f"{name}: {no_value(scene.loop, reason)}", {"reason": reason.name.lower()})


def _not_followed(scene: Scene) -> Iterator[Cause]:
    """Slaves that do not follow: all of them, or some."""
    if scene.mode <= Mode.OFF:
        return
    states = [facts.state for facts in scene.facts.loops]
    if left_alone(scene.loop, states):
        yield Cause(Kind.NOT_FOLLOWED, unfollowed(scene.site, scene.loop, states))
        return
    for slave in scene.loop.slaves:
        if slave not in scene.own.following:
            title = scene.site.loops.rows[slave].title
            yield Cause(Kind.NOT_FOLLOWED, f"{title} is {mode_words(states[slave].mode)} and does not follow")


def _mode(scene: Scene) -> Cause:
    """The commanded mode, who brought it, and what it means."""
    state, numbers = scene.own.state, scene.numbers.loop(scene.row)
    nobody = state.unasked or state.revision == 0
    words = f"{mode_words(state.mode)}{'' if nobody else f', by {state.held_by}'}: {state.reason}"
    match state.mode:
        case Mode.MANUAL:
            told: dict[str, Json] = {"output": number(numbers.manual), "unit": scene.loop.op_unit}
            return Cause(Kind.MODE, f"{words}; output by hand {scene.op(numbers.manual)}", told)
        case Mode.OFF | Mode.OUT_OF_SERVICE if scene.loop.moves:
            left = "outputs at their safe values" if state.claimed else "outputs are left as they are"
            return Cause(Kind.MODE, f"{words}; {left}")
    return Cause(Kind.MODE, words)


def _parts(controller: ControllerNumbers | None) -> Json:
    """The parts of the output before its limits; ``None`` for a loop that does not act."""
    if controller is None or not controller.acts:
        return None
    return {
        "p": number(controller.proportional),
        "i": number(controller.integral),
        "d": number(controller.derivative),
        "ff": number(controller.feed_forward),
        "held_back": number(controller.held_back),
        "wanted": number(controller.wanted),
        "low": number(controller.low),
        "high": number(controller.high),
    }


def _actuator(scene: Scene, output: int) -> Json:
    row, numbers = scene.site.outputs.rows[output], scene.numbers.output(output)
    return {
        "name": row.name.partition(".")[2],
        "title": output_title(scene.site, output),
        "asked": number(numbers.target),
        "forced": number(numbers.forced),
        "actual": number(numbers.actual),
        "low": row.low,
        "high": row.high,
        "unit": row.unit,
    }


def _tuning(scene: Scene, controller: ControllerNumbers | None) -> Json:
    """The tuning in force; ``None`` for a loop without a controller here."""
    tuning, schedule = scene.own.tuning, scene.loop.schedule
    if controller is None or tuning is None:
        return None
    signal = None if schedule is None else scene.named(schedule.signal)
    return {
        "gain": controller.gain,
        "gain_unit": f"{scene.loop.op_unit} per {scene.loop.unit}",
        "integral_time": number(controller.integral_time),
        "derivative_time": controller.derivative_time,
        "derivative_filter": tuning.derivative_filter,
        "setpoint_weight": tuning.setpoint_weight,
        "derivative_weight": tuning.derivative_weight,
        "tracking_time": number(tuning.tracking_time or controller.integral_time),
        "gap": tuning.gap.width,
        "schedule": None if signal is None else {
            "signal": signal.title, "at": number(controller.scheduled_at), "unit": signal.unit,
        },
    }  # fmt: skip
