"""Cross-checks of a vessel class: loops, their setpoints, and the legs over which an output is split."""

from __future__ import annotations

from controller.config.checker import MEASURED, Checker, same
from controller.config.loop_class import DirectLoop, Leg, PidLoop
from controller.config.problems import Path
from controller.units import Quantity, parse_unit, per

Target = tuple[str | None, tuple[Quantity, Quantity] | None]
"""The unit and the limits of what a leg moves; ``None`` where they are not known."""

OUTPUT_RANGE = "the output's range"


def check_loops(check: Checker) -> None:
    """Every loop reads a tag and moves actuators that exist and that no other loop moves, in units that fit."""
    movers: dict[tuple[str, str], str] = {}
    for name, loop in check.config.loops.items():
        path: Path = ("loops", name)
        if loop.pv is not None:
            check.known((*path, "pv"), loop.pv, check.names(*MEASURED), "measurement or calculated tag")
        _setpoint(check, name, loop)
        if isinstance(loop, PidLoop):
            _pid(check, path, loop, movers)
        else:
            _direct(check, path, loop, movers)


def loop_unit(check: Checker, loop: PidLoop | DirectLoop) -> str | None:
    """The unit of a loop's setpoint: its PV's, or its output's when it has no PV."""
    return check.config.unit(loop.pv if loop.pv is not None else loop.output if isinstance(loop, DirectLoop) else "")


def _setpoint(check: Checker, name: str, loop: PidLoop | DirectLoop) -> None:
    path: Path = ("loops", name, "setpoint")
    setpoint, unit = loop.setpoint, loop_unit(check, loop)
    measurement = check.config.measurements.get(loop.pv or "")
    credible = (measurement.credible.low, measurement.credible.high) if measurement else None
    low = check.inside((*path, "low"), setpoint.low, unit, credible, "what the sensor can say")
    high = check.inside((*path, "high"), setpoint.high, unit, credible, "what the sensor can say")
    if low is not None and high is not None and low >= high:
        check.bound.problem((*path, "low"), f"low ({setpoint.low}) is not below high ({setpoint.high})")
    else:
        check.inside((*path, "default"), setpoint.default, unit, (setpoint.low, setpoint.high), "the setpoint limits")
    check.value((*path, "confirm_step"), setpoint.confirm_step, unit, difference=True)
    if unit is not None:
        check.value((*path, "max_rate"), setpoint.max_rate, per(unit), difference=True)


def _pid(check: Checker, path: Path, loop: PidLoop, movers: dict[tuple[str, str], str]) -> None:
    unit, span = check.config.unit(loop.pv), loop.legs[0].from_.unit
    check.value((*path, "tuning", "gap"), loop.tuning.gap, unit, difference=True)
    if unit is not None:
        check.value((*path, "tuning", "gain"), loop.tuning.gain, per(span, unit), difference=True)
    for index, leg in enumerate(loop.legs):
        _leg(check, (*path, "legs", index), leg, span)
        target = ("output", leg.output) if leg.output is not None else ("loop", str(leg.loop))
        _moves(check, (*path, "legs", index, target[0]), target, movers)
    _joined(check, (*path, "legs"), loop.legs, span)


def _joined(check: Checker, path: Path, legs: list[Leg], span: str) -> None:
    """Legs follow each other without a gap or an overlap, in the order of the file."""
    if not check.bound.whole(path):
        return
    ends = [check.value((*path, index, "to"), leg.to, span) for index, leg in enumerate(legs)]
    for index, leg in enumerate(legs[1:], start=1):
        start, before = check.value((*path, index, "from"), leg.from_, span), ends[index - 1]
        if start is None or before is None or same(start, before):
            continue
        what = "overlaps the one before" if start < before else "leaves a gap to the one before"
        check.bound.problem((*path, index, "from"), f"this leg {what}, which ends at {legs[index - 1].to}")


def _leg(check: Checker, path: Path, leg: Leg, span: str) -> None:
    check.value((*path, "from"), leg.from_, span)
    if leg.output is not None:
        unit, band = _output(check, (*path, "output"), leg.output)
        what = OUTPUT_RANGE
    else:
        unit, band = _inner_loop(check, (*path, "loop"), str(leg.loop))
        what = "the loop's setpoint limits"
    check.inside((*path, "start"), leg.start, unit, band, what)
    check.inside((*path, "end"), leg.end, unit, band, what)


def _output(check: Checker, path: Path, name: str) -> Target:
    check.known(path, name, check.names("outputs"), "output")
    output = check.config.outputs.get(name)
    return (output.unit, (output.range.low, output.range.high)) if output else (None, None)


def _inner_loop(check: Checker, path: Path, name: str) -> Target:
    check.known(path, name, check.names("loops"), "loop")
    inner = check.config.loops.get(name)
    if inner is None:
        return None, None
    if isinstance(inner, PidLoop):
        check.bound.problem(path, f"{name!r} is not a direct loop", "a leg moves outputs and direct loops")
    return loop_unit(check, inner), (inner.setpoint.low, inner.setpoint.high)


def _direct(check: Checker, path: Path, loop: DirectLoop, movers: dict[tuple[str, str], str]) -> None:
    _moves(check, (*path, "output"), ("output", loop.output), movers)
    unit, band = _output(check, (*path, "output"), loop.output)
    check.inside((*path, "setpoint", "low"), loop.setpoint.low, unit, band, OUTPUT_RANGE)
    check.inside((*path, "setpoint", "high"), loop.setpoint.high, unit, band, OUTPUT_RANGE)
    if loop.total is not None:
        check.known((*path, "total"), loop.total, check.names(*MEASURED), "measurement or calculated tag")
        _total(check, path, loop)


def _total(check: Checker, path: Path, loop: DirectLoop) -> None:
    total, unit = check.config.unit(str(loop.total)), check.config.unit(loop.output)
    if total is not None and unit is not None:
        counted, moved = parse_unit(per(total)), parse_unit(unit)
        if not counted.compatible(moved):
            check.bound.problem((*path, "total"), f"{loop.total} counts {total}, which {unit} over time does not give")


def _moves(check: Checker, path: Path, target: tuple[str, str], movers: dict[tuple[str, str], str]) -> None:
    other = movers.setdefault(target, str(path[1]))
    if other != path[1]:
        check.bound.problem(path, f"{target[0]} {target[1]!r} is moved by loop {other!r} already")
