"""Cross-checks of what loops move: legs that join, that push the way the loop's gain says, and cascades that end."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.checker import Checker, same
from controller.config.loop_class import Leg, Loop, PidLoop, RatioLoop, StationLoop
from controller.config.loop_units import setpoint_unit, signal_unit
from controller.config.problems import Path
from controller.units import Quantity

Target = tuple[str | None, tuple[Quantity, Quantity] | None]
"""The unit and the limits of what a leg moves; ``None`` where they are not known."""

OUTPUT_RANGE = "the output's range"
LOOP_LIMITS = "the loop's setpoint limits"


def moved(loop: Loop) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Where in a loop's entry it says what it moves, and what: an output or a loop."""
    if isinstance(loop, PidLoop):
        for index, leg in enumerate(loop.legs):
            kind = "output" if leg.output is not None else "loop"
            yield ("legs", index, kind), (kind, str(leg.output or leg.loop))
    elif isinstance(loop, RatioLoop) and loop.loop is not None:
        yield ("loop",), ("loop", loop.loop)
    elif not isinstance(loop, StationLoop) and loop.output is not None:
        yield ("output",), ("output", loop.output)


def check_target(check: Checker, path: Path, output: str | None, loop: str | None) -> Target:
    """The output or loop that is moved exists; gives its unit and limits."""
    if loop is None:
        check.known((*path, "output"), str(output), check.names("outputs"), "output")
        config = check.config.outputs.get(str(output))
        return (config.unit, (config.range.low, config.range.high)) if config else (None, None)
    check.known((*path, "loop"), loop, check.names("loops"), "loop")
    inner = check.config.loops.get(loop)
    if inner is None:
        return None, None
    return setpoint_unit(check.config, inner), (inner.setpoint.low, inner.setpoint.high)


def check_legs(check: Checker, path: Path, loop: PidLoop) -> None:
    """Legs stay inside what they move, follow each other, and do not fight."""
    span = loop.legs[0].from_.unit
    for index, leg in enumerate(loop.legs):
        _leg(check, (*path, "legs", index), leg, span)
        _pushes(check, (*path, "legs", index), leg, loop)
    if check.bound.whole((*path, "legs")):
        _joined(check, (*path, "legs"), loop, span)
        _fighting(check, (*path, "legs"), loop, span)


def _leg(check: Checker, path: Path, leg: Leg, span: str) -> None:
    check.value((*path, "from"), leg.from_, span)
    unit, band = check_target(check, path, leg.output, leg.loop)
    what = OUTPUT_RANGE if leg.loop is None else LOOP_LIMITS
    start = check.inside((*path, "start"), leg.start, unit, band, what)
    end = check.inside((*path, "end"), leg.end, unit, band, what)
    if start is not None and end is not None and same(start, end):
        check.bound.problem((*path, "end"), f"this leg moves nothing: it starts and ends at {leg.end}")


def _pushes(check: Checker, path: Path, leg: Leg, loop: PidLoop) -> None:
    """A leg pushes the PV the way the gain says. The class must tell what an actuator does to the PV."""
    name = str(leg.output or leg.loop)
    effect = _effect(check, leg, loop.pv) if signal_unit(check.config, loop.pv) is not None else None
    if effect is None:
        return
    kind = "output" if leg.output is not None else "loop"
    if effect == 0.0:
        hint = f"write raises: [{loop.pv}] or lowers: [{loop.pv}] there, so that a wrong sign is found before it acts"
        check.bound.problem((*path, kind), f"{kind} {name!r} does not say what it does to {loop.pv}", hint)
        return
    way = leg.end.value - leg.start.to(leg.end.unit) if check.value(path, leg.start, leg.end.unit) is not None else 0.0
    if effect * way * loop.tuning.gain.value < 0.0:
        what = f"inverse action: with the gain {loop.tuning.gain} this leg drives {loop.pv} away from its setpoint"
        check.bound.problem((*path, "start"), what, "swap start: and end:, or turn the sign of the gain")


def _effect(check: Checker, leg: Leg, pv: str) -> float | None:
    """+1 where more of what a leg moves raises the PV, -1 where it lowers it, 0 where the class does not say; ``None``
    where there is no such actuator.
    """
    config = check.config
    inner = config.loops.get(leg.loop or "")
    if inner is not None and (inner.raises or inner.lowers):
        return _sign(pv, inner.raises, inner.lowers)
    moved_output = leg.output or getattr(inner, "output", None)
    if moved_output is None:
        return None if inner is None else 0.0
    output = config.outputs.get(moved_output)
    return None if output is None else _sign(pv, output.raises, output.lowers)


def _sign(pv: str, raises: list[str], lowers: list[str]) -> float:
    return float((pv in raises) - (pv in lowers))


def _joined(check: Checker, path: Path, loop: PidLoop, span: str) -> None:
    """Legs follow each other without a gap or, unless they act together, an overlap, in the order of the file. Of legs
    that fight where they overlap, only that is told.
    """
    ends = [check.value((*path, index, "to"), leg.to, span) for index, leg in enumerate(loop.legs)]
    for index, leg in enumerate(loop.legs[1:], start=1):
        start, before = check.value((*path, index, "from"), leg.from_, span), ends[index - 1]
        if start is None or before is None or same(start, before):
            continue
        end = loop.legs[index - 1].to
        if start > before:
            check.bound.problem((*path, index, "from"), f"this leg leaves a gap to the one before, which ends at {end}")
        elif loop.legs_act == "in_sequence" and not _opposed(check, leg, loop.legs[index - 1], loop.pv):
            hint = f"begin it at {end}, or write legs_act: together"
            check.bound.problem((*path, index, "from"), f"this leg overlaps the one before, which ends at {end}", hint)


def _fighting(check: Checker, path: Path, loop: PidLoop, span: str) -> None:
    """Legs that share a part of the span push the same way: never acid and base together."""
    for index, leg in enumerate(loop.legs):
        for other in loop.legs[:index]:
            overlap = min(leg.to.to(span), other.to.to(span)) - max(leg.from_.to(span), other.from_.to(span))
            if overlap > 0.0 and not same(overlap, 0.0) and _opposed(check, leg, other, loop.pv):
                names = f"{leg.output or leg.loop} and {other.output or other.loop}"
                what = f"this leg fights another: of {names} one raises {loop.pv} and the other lowers it"
                check.bound.problem((*path, index, "from"), what, f"begin it at {other.to} or later")


def _opposed(check: Checker, leg: Leg, other: Leg, pv: str) -> bool:
    """Whether one leg raises the PV and the other lowers it."""
    return (_effect(check, leg, pv) or 0.0) * (_effect(check, other, pv) or 0.0) < 0.0


def check_cascades(check: Checker) -> None:
    """No loop drives itself, neither through the loops it moves nor through those that take over what it asks for or
    puts out, and none looks at itself.
    """
    loops = check.config.loops
    drives: dict[str, list[str]] = {f"{name}.sp": [f"{name}.op"] for name in loops}
    links: list[tuple[Path, str, str]] = []
    for name, loop in loops.items():
        links += [
            (("loops", name, *key), f"{name}.op", f"{to}.sp") for key, (kind, to) in moved(loop) if kind == "loop"
        ]
        links += [(("loops", name, *key), signal, f"{name}.op") for key, signal in _passed_on(loop)]
    for _, source, target in links:
        drives.setdefault(source, []).append(target)
    for path, source, target in links:
        _circle(check, path, "a circle of cascades", [source, *_way(drives, target, source)])
    looks = {name: [seen] for name, loop in loops.items() if (seen := _seen(loop))}
    for name, (seen,) in looks.items():
        _circle(check, ("loops", name, "pv"), "a circle of values", [name, *_way(looks, seen, name)])


def _passed_on(loop: Loop) -> Iterator[tuple[Path, str]]:
    """Where a loop takes over what a loop asks for or puts out, to multiply it or to feed it forward; and which."""
    if isinstance(loop, RatioLoop):
        yield ("of",), loop.of
    elif isinstance(loop, PidLoop):
        for index, one in enumerate(loop.feed_forward):
            yield ("feed_forward", index, "signal"), one.signal


def _seen(loop: Loop) -> str:
    """The loop whose setpoint or output a loop holds as its PV; empty where that is a tag."""
    name, dot, _ = (loop.pv or "").partition(".")
    return name if dot else ""


def _circle(check: Checker, path: Path, what: str, chain: list[str]) -> None:
    """A problem where a ``chain`` of signals or loops comes back to where it begins."""
    if len(chain) > 1:
        names = [signal.partition(".")[0] for signal in chain]
        way = [name for name, before in zip(names, ["", *names], strict=False) if name != before]
        text = " → ".join(way if len(way) > 1 else way * 2)
        check.bound.problem(path, f"{what}: {text}", "a loop cannot drive itself")


def _way(drives: dict[str, list[str]], start: str, goal: str) -> list[str]:
    """The way on which ``start`` drives ``goal``, both included; none if it does not."""
    waiting, seen = [[start]], {start}
    while waiting:
        chain = waiting.pop()
        if chain[-1] == goal:
            return chain
        for following in drives.get(chain[-1], []):
            if following == goal or following not in seen:
                seen.add(following)
                waiting.append([*chain, following])
    return []
