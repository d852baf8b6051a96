"""Process models: a gain, lags, leads, a dead time and perhaps an integrator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from controller.frame import F8
from controller.model.pid_forms import C16


@dataclass(frozen=True, slots=True)
class Process:
    """``gain exp(-delay s) Π(1 + lead s) / Π(1 + lag s)``, with a factor ``1/s`` where ``integrating``.

    ``gain`` is in PV units per output unit, of an integrating process per second too; times in seconds. A negative
    lead is an inverse response. There are more lags (the integrator is one) than leads: a step in the output does not
    step the PV.
    """

    gain: float
    lags: tuple[float, ...] = ()
    delay: float = 0.0
    leads: tuple[float, ...] = ()
    integrating: bool = False

    def __post_init__(self) -> None:
        if self.order <= len(self.leads):
            raise ValueError("a process needs more lags than leads")
        if min(self.lags, default=1.0) <= 0.0 or self.delay < 0.0:
            raise ValueError("lags must be above 0 and the delay not below")

    @property
    def order(self) -> int:
        """How many states it has, the dead time aside."""
        return len(self.lags) + self.integrating

    @property
    def pace(self) -> float:
        """About how long it takes to answer: dead time, lags and inverse responses together."""
        return self.delay + sum(self.lags) + sum(abs(lead) for lead in self.leads)

    def response(self, w: F8) -> C16:
        """The frequency response at ``w``, any shape."""
        s = 1j * np.asarray(w)
        value = self.gain * np.exp(-self.delay * s)
        for lead in self.leads:
            value = value * (1.0 + lead * s)
        for lag in self.lags:
            value = value / (1.0 + lag * s)
        return np.asarray(value / s if self.integrating else value)

    def phase(self, w: F8) -> F8:
        """The phase at ``w`` without jumps, for a positive gain: 0 or -π/2 at rest, falling."""
        w = np.asarray(w)
        angle = -self.delay * w - (np.pi / 2.0 if self.integrating else 0.0)
        for lead in self.leads:
            angle = angle + np.arctan(lead * w)
        for lag in self.lags:
            angle = angle - np.arctan(lag * w)
        return np.asarray(angle)

    def stretched(self, factor: float) -> Process:
        """The same process with its time running ``factor`` times slower."""
        return Process(
            self.gain / factor if self.integrating else self.gain,
            tuple(lag * factor for lag in self.lags),
            self.delay * factor,
            tuple(lead * factor for lead in self.leads),
            self.integrating,
        )
