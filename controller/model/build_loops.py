"""From loaded vessel classes to the tables of outputs and loops."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import combinations
from typing import TYPE_CHECKING

from controller.config.loop_units import output_unit, setpoint_unit, signal_unit
from controller.model.build_doses import build_dose, build_guard, build_pulse, build_step
from controller.model.build_tuning import point_tuning, tuning
from controller.model.loops import Leg, Loop, Output, OutputTable
from controller.model.signals import SignalIndex
from controller.model.tags import TagTable
from controller.model.tuning import FeedForward, Schedule
from controller.units import convert_difference, per

if TYPE_CHECKING:
    from controller.config import loop_class, tuning_class
    from controller.config.vessel_class import VesselClassConfig
    from controller.units import Quantity


def build_outputs(vessel: str, kind: VesselClassConfig, tags: TagTable) -> list[Output]:
    """The outputs of one vessel."""
    rows = []
    for name, entry in kind.outputs.items():
        tag = tags.index[f"{vessel}.{name}"]
        low, high = entry.range.to(entry.unit)
        safe = math.nan if isinstance(entry.safe, str) else entry.safe.to(entry.unit)
        rows.append(
            Output(
                tag, f"{vessel}.{name}", low, high, safe, rate(entry.max_rate, entry.unit), entry.once, entry.unit,
                pulse=build_pulse(entry),
                guard=build_guard(entry),
                step=build_step(entry, tags.tags[tag].point),
            )
        )  # fmt: skip
    return rows


def build_loops(classes: Mapping[str, VesselClassConfig], tags: TagTable, outputs: OutputTable) -> tuple[Loop, ...]:
    """The loops of all vessels."""
    names = [f"{vessel}.{name}" for vessel, kind in classes.items() for name in kind.loops]
    signals = SignalIndex(tags.index, names)
    rows = {name: row for row, name in enumerate(names)}
    return tuple(
        _Builder(vessel, kind, tags, outputs, rows, signals).loop(name, entry)
        for vessel, kind in classes.items()
        for name, entry in kind.loops.items()
    )


class _Builder:
    """Loops of one vessel; ``rows`` are the places of all loops in the table."""

    def __init__(
        self,
        vessel: str,
        kind: VesselClassConfig,
        tags: TagTable,
        outputs: OutputTable,
        rows: Mapping[str, int],
        signals: SignalIndex,
    ) -> None:
        self._vessel, self._kind, self._tags, self._outputs = vessel, kind, tags, outputs
        self._rows, self._signals = rows, signals

    def loop(self, name: str, entry: loop_class.Loop) -> Loop:
        """One loop; its setpoint is in the unit of its PV, that of an actuator in the unit of its output."""
        unit, setpoint = str(setpoint_unit(self._kind, entry)), entry.setpoint
        base = Loop(
            self._vessel, name, entry.title, entry.type, unit,
            decimals=self._decimals(entry),
            sp_default=setpoint.default.to(unit),
            sp_low=setpoint.low.to(unit),
            sp_high=setpoint.high.to(unit),
            sp_rate=rate(setpoint.max_rate, unit),
            ramp_from_pv=setpoint.ramp_from == "pv",
            sp_filter=setpoint.filter.to("s") if setpoint.filter else 0.0,
            confirm_step=setpoint.confirm_step.difference(unit) if setpoint.confirm_step else math.nan,
            pv=-1 if entry.pv is None else self._signal(entry.pv),
            op_unit=str(output_unit(self._kind, entry)),
            on_bad_pv=entry.on_bad_pv,
            on_restart=entry.on_restart,
        )  # fmt: skip
        return self._by_type(base, entry)

    def _by_type(self, base: Loop, entry: loop_class.Loop) -> Loop:
        match entry.type:
            case "pid":
                return self._pid(base, entry)
            case "ratio":
                return self._ratio(base, entry)
            case "station":
                return base._replace(op_low=base.sp_low, op_high=base.sp_high)
            case "dose":
                output = self._output(entry.output)
                loop = base._replace(output=self._outputs.index[output.name], op_low=output.low, op_high=output.high)
                return loop._replace(dose=build_dose(entry, output.unit))
            case _:
                return self._actuator(base, entry)

    def _signal(self, name: str) -> int:
        return self._signals.of(self._vessel, name)

    def _decimals(self, entry: loop_class.Loop) -> int:
        match entry.type:
            case "ratio" | "station":
                return entry.decimals
        tag = self._tags.index.get(f"{self._vessel}.{entry.pv}")
        return 1 if tag is None else self._tags.tags[tag].decimals

    def _output(self, name: str) -> Output:
        return self._outputs.rows[self._outputs.index[f"{self._vessel}.{name}"]]

    def _actuator(self, base: Loop, entry: loop_class.DirectLoop | loop_class.RemoteLoop) -> Loop:
        output = self._output(entry.output)
        loop = base._replace(output=self._outputs.index[output.name], op_low=output.low, op_high=output.high)
        if entry.type == "remote":
            shows = entry.shows.model_dump(exclude_none=True)
            return loop._replace(shows=tuple((key, self._signal(name)) for key, name in shows.items()))
        return loop if entry.total is None else loop._replace(total=self._signal(entry.total))

    def _ratio(self, base: Loop, entry: loop_class.RatioLoop) -> Loop:
        wild = str(signal_unit(self._kind, entry.of))
        factor = convert_difference(1.0, base.unit, per(base.op_unit, wild))
        loop = base._replace(of=self._signal(entry.of), factor=factor)
        if entry.output is not None:
            output = self._output(entry.output)
            return loop._replace(output=self._outputs.index[output.name], op_low=output.low, op_high=output.high)
        inner = self._kind.loops[str(entry.loop)].setpoint
        low, high = inner.low.to(base.op_unit), inner.high.to(base.op_unit)
        return loop._replace(slave=self._rows[f"{self._vessel}.{entry.loop}"], op_low=low, op_high=high)

    def _pid(self, base: Loop, entry: loop_class.PidLoop) -> Loop:
        unit = base.op_unit
        legs = tuple(sorted((self._leg(leg, unit) for leg in entry.legs), key=lambda leg: leg.low))
        low, high = legs[0].low, max(leg.high for leg in legs)
        return base._replace(
            tuning=tuning(entry, base.unit, unit, (low, high)),
            schedule=self._schedule(entry, base.unit, unit),
            feed_forward=tuple(self._feed_forward(forward, unit) for forward in entry.feed_forward),
            legs=legs,
            together=entry.legs_act == "together",
            op_low=low,
            op_high=high,
            fallback=entry.fallback.to(unit) if entry.fallback else math.nan,
        )

    def _schedule(self, entry: loop_class.PidLoop, unit: str, op_unit: str) -> Schedule | None:
        if entry.schedule is None:
            return None
        signal_in = str(signal_unit(self._kind, entry.schedule.signal))
        points = [point_tuning(point, entry, unit, op_unit) for point in entry.schedule.points]
        return Schedule(
            self._signal(entry.schedule.signal),
            tuple(point.at.to(signal_in) for point in entry.schedule.points),
            tuple(point.gain for point in points),
            tuple(point.integral_time for point in points),
            tuple(point.derivative_time for point in points),
        )

    def _feed_forward(self, entry: tuning_class.FeedForward, op_unit: str) -> FeedForward:
        signal_in = str(signal_unit(self._kind, entry.signal))
        return FeedForward(
            self._signal(entry.signal),
            convert_difference(entry.gain.value, entry.gain.unit, per(op_unit, signal_in)),
            around=entry.around.to(signal_in) if entry.around else 0.0,
            lag=entry.lag.to("s") if entry.lag else 0.0,
            washout=entry.washout.to("s") if entry.washout else 0.0,
        )

    def _leg(self, leg: loop_class.Leg, unit: str) -> Leg:
        if leg.loop is not None:
            target = self._rows[f"{self._vessel}.{leg.loop}"]
            actuator_unit = str(setpoint_unit(self._kind, self._kind.loops[leg.loop]))
        else:
            output = self._output(str(leg.output))
            target, actuator_unit = self._outputs.index[output.name], output.unit
        return Leg(
            target,
            leg.from_.to(unit),
            leg.to.to(unit),
            leg.start.to(actuator_unit),
            leg.end.to(actuator_unit),
            cascade=leg.loop is not None,
        )


def rivals(loops: Iterable[Loop], outputs: OutputTable) -> tuple[tuple[int, int], ...]:
    """Pairs of outputs that are moved by legs of one loop which meet with both at rest, and of which one may be on for
    longer than it is asked for.
    """
    return tuple(
        (one.target, other.target)
        for loop in loops
        for one, other in combinations([leg for leg in loop.legs if not leg.cascade and not loop.together], 2)
        if one.end == outputs.low[one.target]
        and other.start == outputs.low[other.target]
        and (_outlasts(outputs.rows[one.target]) or _outlasts(outputs.rows[other.target]))
    )


def _outlasts(output: Output) -> bool:
    return output.pulse is not None or math.isfinite(output.max_rate)


def rate(quantity: Quantity | None, unit: str) -> float:
    """A rate in ``unit`` per second; inf for none."""
    return math.inf if quantity is None else convert_difference(quantity.value, quantity.unit, per(unit, "s"))
