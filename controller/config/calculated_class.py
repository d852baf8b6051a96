"""Every method by which a tag can be calculated. The methods themselves are in :mod:`controller.stages.soft`."""

from typing import Annotated

from controller.config.calculated_base import CalculatedBase
from controller.config.choice import Choice

METHODS = Choice(
    "from",
    {
        "volume_from_weight": "calculated_volume:VolumeFromWeight",
        "total": "calculated_general:Total",
        "rate": "calculated_general:Rate",
        "quotient": "calculated_general:Quotient",
        "gas_total": "calculated_gas:GasTotal",
        "oxygen_in_gas": "calculated_gas:OxygenInGas",
        "carbon_dioxide_in_gas": "calculated_gas:CarbonDioxideInGas",
        "our_gas_balance": "calculated_balance:OurGasBalance",
        "cer_gas_balance": "calculated_balance:CerGasBalance",
        "rq": "calculated_balance:Rq",
        "our_dynamic": "calculated_oxygen:OurDynamic",
        "kla_correlation": "calculated_correlation:KlaCorrelation",
        "kla_from_our": "calculated_kla:KlaFromOur",
        "kla_dynamic": "calculated_kla:KlaDynamic",
        "density_from_capacitance": "calculated_cells:DensityFromCapacitance",
        "density_from_counts": "calculated_cells:DensityFromCounts",
        "growth_from_density": "calculated_cells:GrowthFromDensity",
        "cells_total": "calculated_cells:CellsTotal",
        "buffer_capacity": "calculated_buffer:BufferCapacity",
    },
)

Calculated = Annotated[CalculatedBase, METHODS]
"""A calculated tag; ``from`` says by which method."""
