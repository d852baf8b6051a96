"""All models, by their id: the ``from`` of a calculated tag."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controller.stages.soft.buffer import BufferCapacity
from controller.stages.soft.density import CellsTotal, DensityFromCapacitance, DensityFromCounts
from controller.stages.soft.gas import GasTotal, carbon_dioxide_in_gas, oxygen_in_gas
from controller.stages.soft.gas_balance import cer_gas_balance, our_gas_balance
from controller.stages.soft.growth import growth_from_density
from controller.stages.soft.kla_correlation import KlaCorrelation
from controller.stages.soft.kla_dynamic import KlaDynamic
from controller.stages.soft.kla_from_our import KlaFromOur
from controller.stages.soft.model import Model, Setup
from controller.stages.soft.our_dynamic import OurDynamic
from controller.stages.soft.quotient import Quotient, Rq
from controller.stages.soft.rate import Rate
from controller.stages.soft.total import Total
from controller.stages.soft.volume import VolumeFromWeight

MODELS: Mapping[str, Callable[[Setup], Model]] = {
    "volume_from_weight": VolumeFromWeight,
    "total": Total,
    "rate": Rate,
    "quotient": Quotient,
    "gas_total": GasTotal,
    "oxygen_in_gas": oxygen_in_gas,
    "carbon_dioxide_in_gas": carbon_dioxide_in_gas,
    "our_gas_balance": our_gas_balance,
    "cer_gas_balance": cer_gas_balance,
    "rq": Rq,
    "our_dynamic": OurDynamic,
    "kla_correlation": KlaCorrelation,
    "kla_from_our": KlaFromOur,
    "kla_dynamic": KlaDynamic,
    "density_from_capacitance": DensityFromCapacitance,
    "density_from_counts": DensityFromCounts,
    "growth_from_density": growth_from_density,
    "cells_total": CellsTotal,
    "buffer_capacity": BufferCapacity,
}
"""How the model of some tags is made."""
