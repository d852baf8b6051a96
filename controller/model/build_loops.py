"""From loaded vessel classes to the tables of outputs and loops."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from controller.model.loops import Leg, Loop, Output, OutputTable
from controller.model.tags import TagTable
from controller.model.tuning import Gap, Tuning
from controller.units import convert_difference, per

if TYPE_CHECKING:
    from controller.config import loop_class
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
            Output(tag, f"{vessel}.{name}", low, high, safe, rate(entry.max_rate, entry.unit), entry.once, entry.unit)
        )
    return rows


def build_loops(classes: Mapping[str, VesselClassConfig], tags: TagTable, outputs: OutputTable) -> tuple[Loop, ...]:
    """The loops of all vessels."""
    names = [f"{vessel}.{name}" for vessel, kind in classes.items() for name in kind.loops]
    rows = {name: row for row, name in enumerate(names)}
    return tuple(
        _Builder(vessel, kind, tags, outputs, rows).loop(name, entry)
        for vessel, kind in classes.items()
        for name, entry in kind.loops.items()
    )


class _Builder:
    """Loops of one vessel; ``rows`` are the places of all loops in the table."""

    def __init__(
        self, vessel: str, kind: VesselClassConfig, tags: TagTable, outputs: OutputTable, rows: Mapping[str, int]
    ) -> None:
        self._vessel, self._kind, self._tags, self._outputs, self._rows = vessel, kind, tags, outputs, rows

    def loop(self, name: str, entry: loop_class.PidLoop | loop_class.DirectLoop) -> Loop:
        """One loop; its setpoint is in the unit of its PV, that of a direct loop in the unit of its output."""
        pv = -1 if entry.pv is None else self._tags.index[f"{self._vessel}.{entry.pv}"]
        unit, setpoint = self._unit(name), entry.setpoint
        base = Loop(
            self._vessel, name, entry.title, entry.type, unit,
            decimals=self._tags.tags[pv].decimals if pv >= 0 else 1,
            sp_default=setpoint.default.to(unit),
            sp_low=setpoint.low.to(unit),
            sp_high=setpoint.high.to(unit),
            sp_rate=rate(setpoint.max_rate, unit),
            confirm_step=setpoint.confirm_step.difference(unit) if setpoint.confirm_step else math.nan,
            pv=pv,
            on_bad_pv=entry.on_bad_pv,
            on_restart=entry.on_restart,
        )  # fmt: skip
        return self._pid(base, entry) if entry.type == "pid" else self._direct(base, entry)

    def _unit(self, name: str) -> str:
        entry = self._kind.loops[name]
        if entry.type == "pid":
            return self._tags.tags[self._tags.index[f"{self._vessel}.{entry.pv}"]].unit
        return self._output(entry.output).unit

    def _output(self, name: str) -> Output:
        return self._outputs.rows[self._outputs.index[f"{self._vessel}.{name}"]]

    def _direct(self, base: Loop, entry: loop_class.DirectLoop) -> Loop:
        output = self._output(entry.output)
        return replace(
            base,
            output=self._outputs.index[output.name],
            total=-1 if entry.total is None else self._tags.index[f"{self._vessel}.{entry.total}"],
            op_low=output.low,
            op_high=output.high,
            op_unit=output.unit,
        )

    def _pid(self, base: Loop, entry: loop_class.PidLoop) -> Loop:
        unit = entry.legs[0].from_.unit
        legs = tuple(sorted((self._leg(leg, unit) for leg in entry.legs), key=lambda leg: leg.low))
        low, high = legs[0].low, legs[-1].high
        tuning = entry.tuning
        return replace(
            base,
            tuning=Tuning(
                gain=convert_difference(tuning.gain.value, tuning.gain.unit, per(unit, base.unit)),
                integral_time=tuning.integral_time.to("s") if tuning.integral_time else math.inf,
                derivative_time=tuning.derivative_time.to("s") if tuning.derivative_time else 0.0,
                tracking_time=tuning.tracking_time.to("s") if tuning.tracking_time else 0.0,
                gap=Gap(tuning.gap.difference(base.unit)) if tuning.gap else Gap(),
                low=low,
                high=high,
            ),
            legs=legs,
            op_low=low,
            op_high=high,
            op_unit=unit,
        )

    def _leg(self, leg: loop_class.Leg, unit: str) -> Leg:
        if leg.loop is not None:
            target, actuator_unit = self._rows[f"{self._vessel}.{leg.loop}"], self._unit(leg.loop)
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


def rate(quantity: Quantity | None, unit: str) -> float:
    """A rate in ``unit`` per second; inf for none."""
    return math.inf if quantity is None else convert_difference(quantity.value, quantity.unit, per(unit, "s"))
