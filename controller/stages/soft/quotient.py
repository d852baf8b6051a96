"""One value per another: perfusion per volume or per cell, uptake per cell, the respiratory quotient."""

from __future__ import annotations

from typing import ClassVar

from controller.stages.soft.arithmetic import Real, over, where
from controller.stages.soft.model import Model, Now, Setup


class Quotient(Model[Real]):
    """``of`` over ``per``; no answer where the divisor is below ``least``."""

    names: ClassVar[tuple[str, str]] = ("of", "per")
    limit: ClassVar[str] = "least"

    def __init__(self, setup: Setup[Real]) -> None:
        super().__init__(setup)
        self._least: Real = setup.parameters[self.limit]

    def step(self, now: Now[Real], dt: float) -> Real:
        """The quotient now."""
        dividend, divisor = (now.value[name] for name in self.names)
        return where(divisor < self._least, float("nan"), over(dividend, divisor))


class Rq(Quotient[Real]):
    """Respiratory quotient: CER over OUR, both in the same unit; about 1 on sugar, less on fat, more with ethanol.

    Source: Doran, Bioprocess Engineering Principles, 2nd ed. 2013, ch. 4.6.
    """

    names: ClassVar[tuple[str, str]] = ("cer", "our")
    limit: ClassVar[str] = "least_our"
