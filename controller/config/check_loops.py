"""Cross-checks of a vessel class: loops, their setpoints, and the actuators and loops they move."""

from __future__ import annotations

from controller.config.check_dosing import check_dose_loop
from controller.config.check_legs import OUTPUT_RANGE, check_cascades, check_legs, check_target, moved
from controller.config.check_tuning import check_feed_forward, check_gap, check_schedule, check_tuning
from controller.config.checker import MEASURED, Checker
from controller.config.loop_class import DirectLoop, DoseLoop, Loop, PidLoop, RatioLoop, RemoteLoop
from controller.config.loop_units import output_unit, setpoint_unit, signal_unit
from controller.config.problems import Path
from controller.config.tag_class import Output
from controller.units import parse_unit, per

TAG = "measurement or calculated tag"


def check_loops(check: Checker) -> None:
    """Every loop reads signals and moves actuators that exist and that no other loop moves, in units that fit, in the
    direction that its gain says; no loop drives itself.
    """
    movers: dict[tuple[str, str], str] = {}
    for name, loop in check.config.loops.items():
        path: Path = ("loops", name)
        _setpoint(check, name, loop)
        for key, target in moved(loop):
            _moves(check, (*path, *key), target, movers)
        if isinstance(loop, PidLoop):
            _pid(check, path, loop)
        elif loop.pv is not None and check.known((*path, "pv"), loop.pv, check.names(*MEASURED), TAG):
            _on_one_scale(check, (*path, "pv"), loop.pv, setpoint_unit(check.config, loop))
        if isinstance(loop, RatioLoop):
            _ratio(check, path, loop)
        elif isinstance(loop, (DirectLoop, RemoteLoop)):
            _actuator(check, path, loop)
        elif isinstance(loop, DoseLoop):
            check_dose_loop(check, path, loop)
    check_cascades(check)
    _effects(check)


def known_signal(check: Checker, path: Path, signal: str) -> str | None:
    """The unit of a signal; ``None``, with a problem, when there is no such signal."""
    name, dot, _ = signal.partition(".")
    if dot:
        check.known(path, name, check.names("loops"), "loop")
    elif name not in check.config.outputs:
        check.known(path, name, check.names(*MEASURED), TAG)
    return signal_unit(check.config, signal)


def _on_one_scale(check: Checker, path: Path, pv: str, setpoint: str | None) -> None:
    """Value and setpoint are looked at side by side, in one unit."""
    unit = check.config.unit(pv)
    if unit is None or setpoint is None:
        return
    one, other = parse_unit(unit), parse_unit(setpoint)
    if (one.dimension, one.factor, one.offset) != (other.dimension, other.factor, other.offset):
        what = f"{pv} is in {unit}, the setpoint in {setpoint}: people compare the two"
        check.bound.problem(path, what, "give both one unit, or leave pv: out")


def _effects(check: Checker) -> None:
    """What outputs and loops raise and lower are signals that exist: a word that is misspelt protects nothing."""
    entries: list[tuple[Path, Output | Loop]] = [
        (("outputs", name), output) for name, output in check.config.outputs.items()
    ]
    entries += [(("loops", name), loop) for name, loop in check.config.loops.items()]
    for path, entry in entries:
        for key, signals in (("raises", entry.raises), ("lowers", entry.lowers)):
            for index, signal in enumerate(signals):
                known_signal(check, (*path, key, index), signal)


def _setpoint(check: Checker, name: str, loop: Loop) -> None:
    path: Path = ("loops", name, "setpoint")
    setpoint, unit = loop.setpoint, setpoint_unit(check.config, loop)
    measurement = check.config.measurements.get(loop.pv or "")
    credible = (measurement.credible.low, measurement.credible.high) if measurement else None
    if isinstance(loop, RatioLoop):
        credible = None
    low = check.inside((*path, "low"), setpoint.low, unit, credible, "what the sensor can say")
    high = check.inside((*path, "high"), setpoint.high, unit, credible, "what the sensor can say")
    if low is not None and high is not None and low >= high:
        check.bound.problem((*path, "low"), f"low ({setpoint.low}) is not below high ({setpoint.high})")
    else:
        check.inside((*path, "default"), setpoint.default, unit, (setpoint.low, setpoint.high), "the setpoint limits")
    check.size((*path, "confirm_step"), setpoint.confirm_step, unit)
    if unit is not None:
        check.size((*path, "max_rate"), setpoint.max_rate, per(unit))


def _pid(check: Checker, path: Path, loop: PidLoop) -> None:
    unit, span = known_signal(check, (*path, "pv"), loop.pv), loop.legs[0].from_.unit
    check_legs(check, path, loop)
    check_tuning(check, path, loop, unit, span)
    check_gap(check, path, loop, unit)
    if loop.schedule is not None:
        signal = known_signal(check, (*path, "schedule", "signal"), loop.schedule.signal)
        check_schedule(check, path, loop, signal, unit)
    for index, forward in enumerate(loop.feed_forward):
        signal = known_signal(check, (*path, "feed_forward", index, "signal"), forward.signal)
        check_feed_forward(check, (*path, "feed_forward", index), forward, signal, span)
    if loop.fallback is not None:
        low, high = loop.legs[0].from_, loop.legs[-1].to
        check.inside((*path, "fallback"), loop.fallback, span, (low, high), "the span of the legs")
        if loop.on_bad_pv == "safe":
            hint = "write on_bad_pv: hold or manual, or leave fallback: out"
            check.bound.problem((*path, "fallback"), "a loop that goes safe has no fallback", hint)


def _ratio(check: Checker, path: Path, loop: RatioLoop) -> None:
    wild, moved_unit = known_signal(check, (*path, "of"), loop.of), output_unit(check.config, loop)
    check_target(check, path, loop.output, loop.loop)
    if wild is None or moved_unit is None:
        return
    ratio, expected = parse_unit(loop.setpoint.default.unit), parse_unit(per(moved_unit, wild))
    if not ratio.compatible(expected):
        what = f"a ratio in {ratio.text} times {loop.of} in {wild} gives no {moved_unit}"
        check.bound.problem((*path, "setpoint", "default"), what, f"a ratio in {expected.text} does")


def _actuator(check: Checker, path: Path, loop: DirectLoop | RemoteLoop) -> None:
    unit, band = check_target(check, path, loop.output, None)
    check.inside((*path, "setpoint", "low"), loop.setpoint.low, unit, band, OUTPUT_RANGE)
    check.inside((*path, "setpoint", "high"), loop.setpoint.high, unit, band, OUTPUT_RANGE)
    if isinstance(loop, RemoteLoop):
        for key, name in loop.shows.model_dump(exclude_none=True).items():
            check.known((*path, "shows", key), name, check.names(*MEASURED), TAG)
    elif loop.total is not None:
        check.known((*path, "total"), loop.total, check.names(*MEASURED), TAG)
        _total(check, path, loop)


def _total(check: Checker, path: Path, loop: DirectLoop) -> None:
    output = check.config.outputs.get(loop.output)
    if output is not None and output.safe != "none" and output.safe.value != 0.0:
        message = f"{loop.output} goes on giving at its safe value, {output.safe}"
        check.bound.problem((*path, "output"), message, "a loop with total: needs an output with safe: 0")
    total, unit = check.config.unit(str(loop.total)), check.config.unit(loop.output)
    if total is not None and unit is not None:
        counted, flow = parse_unit(per(total)), parse_unit(unit)
        if not counted.compatible(flow):
            check.bound.problem((*path, "total"), f"{loop.total} counts {total}, which {unit} over time does not give")


def _moves(check: Checker, path: Path, target: tuple[str, str], movers: dict[tuple[str, str], str]) -> None:
    if target in movers:
        by = "another leg of this loop" if movers[target] == path[1] else f"loop {movers[target]!r}"
        check.bound.problem(path, f"{target[0]} {target[1]!r} is moved by {by} already")
    movers.setdefault(target, str(path[1]))
