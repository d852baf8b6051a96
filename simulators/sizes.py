"""Vessels from 0.25 L to 2,000 L: the reference vessel of 2 L scaled, and what its sensors are then.

Of the reference vessel, heat is published with its targets and the transfer coefficients are common ones; how they
scale is chosen, each by the rule that engineers of such vessels start from:

- geometry is similar (liquid 1.2 times as high as wide, impeller 0.46 of the width), half as much again up to the brim;
- the power per volume is the same: speed as the -2/9th power of the volume; so is kLa at the same vvm;
- what goes through a surface (heat, losses, surface aeration, heater) grows as the 2/3rd power;
- mixing takes longer as the fifth root, from 10 to 60 s; gas lines are longer: 12 to 30 s, dead time 2 to 5 s;
- gas, pumps and the exhaust filter grow with the volume; the load cell's noise is a thousandth of it.

>>> sized(CELL_CULTURE, 200.0).shell.exchange
538.6...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from simulators.numeric import maximum, minimum, power
from simulators.physics.thermal import Shell
from simulators.physics.transfer import QUARTER_TURN, SCATTER, Impellers
from simulators.sensors import CATALOGUE, MADE_FOR, MODELS, Model
from simulators.tank import CELL_CULTURE, PumpModel, Tank

SIZES: tuple[float, ...] = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0, 200.0, 500.0, 1000.0, 2000.0)
"""Working volumes that are sold, L."""
SMALLEST, LARGEST = SIZES[0], SIZES[-1]
SLENDER, IMPELLER = 1.2, 0.46
PITCHED = 1.5
"""Power number of a pitched blade."""
FLOWS = ("air", "o2", "co2", "n2")


class Geometry(NamedTuple):
    """Inner diameter in m, and the impeller."""

    diameter_m: float
    impellers: Impellers[float]


def geometry(volume_l: float) -> Geometry:
    """Of a vessel with a working volume."""
    diameter = power(0.001 * volume_l / (QUARTER_TURN * SLENDER), 1.0 / 3.0)
    return Geometry(diameter, Impellers(1.0, PITCHED, IMPELLER * diameter))


def sized(tank: Tank, volume_l: float) -> Tank:
    """A tank like `tank`, with another working volume. Raises ValueError outside 0.25 .. 2,000 L."""
    if not SMALLEST <= volume_l <= LARGEST:
        raise ValueError(f"{volume_l:g} L: vessels are scaled within {SMALLEST:g} .. {LARGEST:g} L")
    ratio = volume_l / tank.nominal_l
    surface, longer = power(ratio, 2.0 / 3.0), power(ratio, 0.2)
    slower = 1.0 / power(ratio, 2.0 / 9.0)
    air, oxygen, carbon, nitrogen = tank.gas_range
    shell, foaming = tank.shell, tank.foaming
    return replace(
        tank,
        nominal_l=volume_l,
        brim_l=tank.brim_l * ratio,
        kla_surface=tank.kla_surface * surface / ratio,
        reference_rpm=tank.reference_rpm * slower,
        fastest_rpm=tank.fastest_rpm * slower,
        gas_range=(air * ratio, oxygen * ratio, carbon * ratio, nitrogen * ratio),
        base_pump=_larger(tank.base_pump, ratio),
        feed_pump=_larger(tank.feed_pump, ratio),
        gas_line_s=minimum(maximum(tank.gas_line_s * longer, 12.0), 30.0),
        gas_dead_s=minimum(maximum(tank.gas_dead_s * longer, 2.0), 5.0),
        mixing_s=minimum(maximum(tank.mixing_s * longer, 5.0), 60.0),
        heater_w=tank.heater_w * surface,
        stirring_w=tank.stirring_w * surface,
        back_pressure=tank.back_pressure / ratio,
        foaming=foaming._replace(rate=foaming.rate / surface, spilt=foaming.spilt * surface, wets=foaming.wets / ratio),
        shell=Shell(
            shell.jacket * surface,
            shell.exchange * surface,
            shell.culture_loss * surface,
            shell.jacket_loss * surface,
            shell.ambient,
        ),
    )


def _larger(pump: PumpModel, ratio: float) -> PumpModel:
    return pump._replace(ml_per_rev=pump.ml_per_rev * ratio)


def as_bought(tank: Tank) -> Tank:
    """The same tank as if nobody had calibrated it: pumps that pulse, stand below 1 % of their speed, are 5 % off
    (standard deviation) and lose 0.2 % per hour; controllers with a zero error of a thousandth of full scale; transfer
    within 30 % of what is usual; a heater that is switched every 2 s (chosen; the scatter of transfer is published).
    """
    worn = {"rollers": 6.0, "least_duty": 0.01, "error": 0.05, "wear_per_h": 0.002}
    return replace(
        tank,
        base_pump=tank.base_pump._replace(**worn),
        feed_pump=tank.feed_pump._replace(**worn),
        heater_pulse_s=2.0,
        flow_zero=0.001,
        kla_scatter=SCATTER,
    )


def equipped(tank: Tank, sensors: object) -> Tank:
    """The same tank with sensors from the catalogue, by signals. Raises ValueError for what does not fit."""
    if not isinstance(sensors, dict) or not sensors.keys() <= MADE_FOR.keys():
        raise ValueError(f"sensors must be kinds by {', '.join(MADE_FOR)}, not {sensors!r}")
    for signal, kind in sensors.items():
        if kind not in MADE_FOR[signal]:
            raise ValueError(f"sensors: {signal} is measured by {' or '.join(MADE_FOR[signal])}, not by {kind!r}")
    return replace(tank, sensors=tuple(sensors.items()))


def sensor_models(tank: Tank) -> Mapping[str, Model]:
    """The bench vessel's sensors, or the tank's own, with the ranges and the weighing noise of another size."""
    ratio = tank.nominal_l / CELL_CULTURE.nominal_l
    chosen = {signal: CATALOGUE[kind] for signal, kind in tank.sensors}
    models = {**MODELS, **chosen} if chosen else MODELS
    if ratio == 1.0:
        return models
    weight = models["weight"]
    changed = {
        "agitation": MODELS["agitation"]._replace(high=tank.fastest_rpm),
        "weight": weight._replace(noise=weight.noise * ratio, high=weight.high * ratio, pull=weight.pull * ratio),
    }
    for name in FLOWS:
        model = MODELS[name]
        changed[name] = model._replace(noise=model.noise * ratio, high=model.high * ratio)
    return {**models, **changed}
