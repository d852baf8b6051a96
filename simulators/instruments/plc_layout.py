"""What is in the data block of the simulated PLC: the tags of every vessel, and those of what is fitted to its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from simulators.bus import PUMPS
from simulators.instrument import Context, Json, SpecError, has
from simulators.instruments.plc_program import FITTED_OUTPUTS, OUTPUTS, PUMP_RPM, Output

MEASURED: Mapping[str, str] = {
    "Temp.PV": "temperature",
    "Jacket.PV": "jacket_temperature",
    "Agit.PV": "agitation",
    "Air.PV": "air",
    "O2.PV": "o2",
    "CO2.PV": "co2",
    "N2.PV": "n2",
    "Weight.PV": "weight",
    "Pressure.PV": "pressure",
}
"""Measured tags (Real) and the signals they show."""
FITTED_MEASURED: Mapping[str, str] = {
    "Foam.PV": "foam",
    "Capacitance.PV": "capacitance",
    "OffGas.O2": "off_gas_o2",
    "OffGas.CO2": "off_gas_co2",
    "Bottle.PV": "feed_bottle",
}
"""Measured tags that are there with what is fitted to the vessel."""


MINUTES_PER_HOUR = 60.0


class Layout(NamedTuple):
    """Tags by what they show and what they drive; what shows more or less than its signal has a scale."""

    measured: Mapping[str, str]
    outputs: Mapping[str, Output]
    scales: Mapping[str, float]


def layout_of(context: Context) -> Layout:
    """The tags of a PLC at its vessel, with those of the `pumps` that it drives and in the `ranges` it is given.

    Raises :class:`SpecError` for settings that make no sense, KeyError for a pump that is not fitted.
    """
    vessel, scales = context.vessel, dict[str, float]()
    measured = {**MEASURED, **{tag: signal for tag, signal in FITTED_MEASURED.items() if has(vessel, signal)}}
    outputs = {**OUTPUTS, **{tag: out for tag, out in FITTED_OUTPUTS.items() if has(vessel, out.actuator)}}
    for pump, ml_per_rev in pumps_of(context.spec.get("pumps", []), context.name).items():
        vessel.read(f"{pump}_rpm")
        tag, hourly = pump.title(), MINUTES_PER_HOUR * ml_per_rev if ml_per_rev else 1.0
        measured[f"{tag}.Total"], scales[f"{tag}.Total"] = f"{pump}_revolutions", ml_per_rev or 1.0
        outputs[f"{tag}.SP"] = Output(f"{pump}_rpm", PUMP_RPM * hourly, scale=1.0 / hourly)
    return Layout(measured, _ranged(outputs, context.spec.get("ranges", {}), context.name), scales)


def pumps_of(pumps: Json, name: str) -> dict[str, float]:
    """The pumps that a PLC drives, with the mL of a revolution that are entered in it, 0 where there are none."""
    given = dict.fromkeys(map(str, pumps), 0.0) if isinstance(pumps, list) else pumps
    if not isinstance(given, dict) or not given.keys() <= {"base", "feed", *PUMPS}:
        raise SpecError(f"{name}: pumps must be a list of base, feed, {', '.join(PUMPS)}, or mL/rev by them")
    calibrated = {pump: float(str(value)) for pump, value in given.items()}
    if isinstance(pumps, dict) and not all(value > 0.0 for value in calibrated.values()):
        raise SpecError(f"{name}: pumps must have mL/rev above 0")
    return calibrated


def _ranged(outputs: Mapping[str, Output], ranges: Json, name: str) -> dict[str, Output]:
    if not isinstance(ranges, dict) or not ranges.keys() <= outputs.keys():
        raise SpecError(f"{name}: ranges must be those of {', '.join(outputs)}")
    return {
        tag: replace(output, high=float(str(ranges[tag]))) if tag in ranges else output
        for tag, output in outputs.items()
    }
