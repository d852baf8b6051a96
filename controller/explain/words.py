"""Numbers as an explanation gives them: for JSON, and in a sentence."""

from __future__ import annotations

import math


def number(value: float) -> float | None:
    """A number for JSON: ``None`` where there is none."""
    return float(value) if math.isfinite(value) else None


def said(value: float, unit: str, decimals: int | None = None) -> str:
    """A value as a sentence names it, with its unit."""
    if not math.isfinite(value):
        return "an unknown value"
    text = f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
    return text if unit == "1" else f"{text} {unit}"
