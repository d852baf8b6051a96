"""Primary pH standards and their values by temperature.

Source: Buck et al., Measurement of pH, IUPAC Recommendations 2002, Pure Appl. Chem. 74, 2169, table 2. Bottled buffers
are not these: their values are printed on them.
"""

from __future__ import annotations

from bisect import bisect_right

TEMPERATURES = (0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 50.0)
STANDARDS = {
    "phthalate": (4.000, 3.998, 3.997, 3.998, 4.000, 4.005, 4.011, 4.018, 4.027, 4.050),
    "phosphate": (6.984, 6.951, 6.923, 6.900, 6.881, 6.865, 6.853, 6.844, 6.838, 6.833),
    "borax": (9.464, 9.395, 9.332, 9.276, 9.225, 9.180, 9.139, 9.102, 9.068, 9.011),
}
"""Potassium hydrogen phthalate 0.05 mol/kg, equimolal phosphate 0.025 mol/kg, borax 0.01 mol/kg."""


def standard(name: str, celsius: float) -> float:
    """The pH of a standard at a temperature. Raises ``ValueError`` outside the table."""
    if not TEMPERATURES[0] <= celsius <= TEMPERATURES[-1]:
        raise ValueError(f"the value of {name} is known from {TEMPERATURES[0]:g} to {TEMPERATURES[-1]:g} Cel")
    right = min(bisect_right(TEMPERATURES, celsius), len(TEMPERATURES) - 1)
    low, high = TEMPERATURES[right - 1], TEMPERATURES[right]
    values = STANDARDS[name]
    return values[right - 1] + (values[right] - values[right - 1]) * (celsius - low) / (high - low)
