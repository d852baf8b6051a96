"""Every method by which a tag can be calculated. The methods themselves are in :mod:`controller.stages.soft`."""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field

from controller.config.calculated_base import CalculatedBase
from controller.config.calculated_cells import CellsTotal, DensityFromCapacitance, DensityFromCounts, GrowthFromDensity
from controller.config.calculated_gas import CarbonDioxideInGas, CerGasBalance, GasTotal, OurGasBalance, OxygenInGas, Rq
from controller.config.calculated_general import BufferCapacity, Quotient, Rate, Total, VolumeFromWeight
from controller.config.calculated_oxygen import KlaCorrelation, KlaDynamic, KlaFromOur, OurDynamic

Calculated = Annotated[
    VolumeFromWeight
    | Total
    | Rate
    | Quotient
    | GasTotal
    | OxygenInGas
    | CarbonDioxideInGas
    | OurGasBalance
    | CerGasBalance
    | Rq
    | OurDynamic
    | KlaCorrelation
    | KlaFromOur
    | KlaDynamic
    | DensityFromCapacitance
    | DensityFromCounts
    | GrowthFromDensity
    | CellsTotal
    | BufferCapacity,
    Field(discriminator="from_"),
]
"""A calculated tag; ``from`` says by which method."""

METHODS: tuple[type[CalculatedBase], ...] = get_args(get_args(Calculated)[0])
