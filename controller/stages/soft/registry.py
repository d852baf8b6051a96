"""All models, by their id: the ``from`` of a calculated tag. Only those that a site uses are imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

from controller.stages.soft.arithmetic import Real

if TYPE_CHECKING:
    from controller.stages.soft.model import Model, Setup

MODELS: Mapping[str, str] = {
    "volume_from_weight": "volume:VolumeFromWeight",
    "total": "total:Total",
    "rate": "rate:Rate",
    "quotient": "quotient:Quotient",
    "gas_total": "gas:GasTotal",
    "oxygen_in_gas": "gas:oxygen_in_gas",
    "carbon_dioxide_in_gas": "gas:carbon_dioxide_in_gas",
    "our_gas_balance": "gas_balance:our_gas_balance",
    "cer_gas_balance": "gas_balance:cer_gas_balance",
    "rq": "quotient:Rq",
    "our_dynamic": "our_dynamic:OurDynamic",
    "kla_correlation": "kla_correlation:KlaCorrelation",
    "kla_from_our": "kla_from_our:KlaFromOur",
    "kla_dynamic": "kla_dynamic:KlaDynamic",
    "density_from_capacitance": "density:DensityFromCapacitance",
    "density_from_counts": "density:DensityFromCounts",
    "growth_from_density": "growth:growth_from_density",
    "cells_total": "density:CellsTotal",
    "buffer_capacity": "buffer:BufferCapacity",
}
"""The module of this package and what in it makes the model of some tags."""


def make(name: str, setup: Setup[Real]) -> Model[Real]:
    """The model ``name`` of some tags. Raises ``KeyError`` for an unknown one."""
    module, _, maker = MODELS[name].partition(":")
    made = getattr(import_module(f"controller.stages.soft.{module}"), maker)
    return cast("Callable[[Setup[Real]], Model[Real]]", made)(setup)
