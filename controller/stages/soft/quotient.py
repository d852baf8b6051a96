"""One value per another: perfusion per volume or per cell, uptake per cell, the respiratory quotient."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from controller.stages.soft.model import Model, Now, Setup


class Quotient(Model):
    """``of`` over ``per``; no answer where the divisor is below ``least``."""

    names: ClassVar[tuple[str, str]] = ("of", "per")
    limit: ClassVar[str] = "least"

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._least = setup.parameters[self.limit]
        self._small = np.zeros(setup.n, np.bool_)

    def step(self, now: Now, dt: float) -> None:
        """The quotient now."""
        dividend, divisor = (now.value[name] for name in self.names)
        np.divide(dividend, divisor, out=now.out)
        np.less(divisor, self._least, out=self._small)
        np.copyto(now.out, np.nan, where=self._small)


class Rq(Quotient):
    """Respiratory quotient: CER over OUR, both in the same unit; about 1 on sugar, less on fat, more with ethanol.

    Source: Doran, Bioprocess Engineering Principles, 2nd ed. 2013, ch. 4.6.
    """

    names: ClassVar[tuple[str, str]] = ("cer", "our")
    limit: ClassVar[str] = "least_our"
