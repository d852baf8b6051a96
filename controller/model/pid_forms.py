"""The three ways to write down a PID controller, and the way from one to another.

``standard`` (ISA) ``K (1 + 1/(Ti s) + Td s/(1 + Tf s))``, ``series`` ``K (1 + 1/(Ti s)) (1 + Td s/(1 + Tf s))`` and
``parallel`` ``Kp + Ki/s + Kd s/(1 + Tf s)``. The conversions keep the filter ``Tf`` and are exact, filter included
(Åström and Hägglund, *Advanced PID Control*, 2006, ch. 3.2); with ``Tf`` 0 they are the well-known
``K(1 + Td/Ti)``, ``Ti + Td``, ``Ti Td/(Ti + Td)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

C16 = NDArray[np.complex128]
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Standard:
    """The standard form: what this program computes with. Times in seconds, ``integral_time`` inf for no integral."""

    gain: float
    integral_time: float = math.inf
    derivative_time: float = 0.0
    filter_time: float = 0.0

    def response(self, w: NDArray[np.float64]) -> C16:
        """The frequency response at ``w`` rad/s, from measurement to output, sign turned."""
        s = 1j * w
        derivative = self.derivative_time * s / (1.0 + self.filter_time * s)
        return np.asarray(self.gain * (1.0 + 1.0 / self.integral_time / s + derivative))


@dataclass(frozen=True, slots=True)
class Series:
    """The series form of pneumatic controllers and of many instruments. Times in seconds."""

    gain: float
    integral_time: float = math.inf
    derivative_time: float = 0.0
    filter_time: float = 0.0

    def response(self, w: NDArray[np.float64]) -> C16:
        """The frequency response at ``w`` rad/s."""
        s = 1j * w
        lead = 1.0 + self.derivative_time * s / (1.0 + self.filter_time * s)
        return np.asarray(self.gain * (1.0 + 1.0 / self.integral_time / s) * lead)


@dataclass(frozen=True, slots=True)
class Parallel:
    """The parallel form: three independent gains, per second and times seconds."""

    proportional: float
    integral: float = 0.0
    derivative: float = 0.0
    filter_time: float = 0.0

    def response(self, w: NDArray[np.float64]) -> C16:
        """The frequency response at ``w`` rad/s."""
        s = 1j * w
        derivative = self.derivative * s / (1.0 + self.filter_time * s)
        return np.asarray(self.proportional + self.integral / s + derivative)


Form = Standard | Series | Parallel


def to_standard(form: Form) -> Standard:
    """The standard form of any set. Raises ``ValueError`` for a parallel one without proportional gain."""
    if isinstance(form, Standard):
        return form
    return _from_series(form) if isinstance(form, Series) else _from_parallel(form)


def to_parallel(form: Form) -> Parallel:
    """The parallel form of any set."""
    if isinstance(form, Parallel):
        return form
    isa = to_standard(form)
    return Parallel(isa.gain, isa.gain / isa.integral_time, isa.gain * isa.derivative_time, isa.filter_time)


def to_series(form: Form) -> Series:
    """The series form of any set.

    Raises ``ValueError`` where there is none: a series controller has two real zeros, which a standard one has only
    with ``(Ti + Tf)^2 >= 4 Ti (Td + Tf)``, without a filter ``Ti >= 4 Td``.
    """
    if isinstance(form, Series):
        return form
    isa = to_standard(form)
    ti, td, tf = isa.integral_time, isa.derivative_time, isa.filter_time
    if math.isinf(ti):
        return Series(isa.gain, ti, td, tf)
    if ti <= tf:
        raise ValueError(f"no series form: its filter of {tf:.6g} s is not faster than its integral time of {ti:.6g} s")
    spread = (ti + tf) ** 2 - 4.0 * ti * (td + tf)
    if spread < -ROUNDING * ti * ti:
        raise ValueError(
            f"no series form: a derivative time of {td:.6g} s is more than a quarter of the integral time of "
            f"{ti:.6g} s, so the controller has no two real zeros"
        )
    slow = (ti + tf + math.sqrt(max(spread, 0.0))) / 2.0
    return Series(isa.gain * slow / ti, slow, ti * (td + tf) / slow - tf, tf)


def _from_series(form: Series) -> Standard:
    ti, td, tf = form.integral_time, form.derivative_time, form.filter_time
    if math.isinf(ti):
        return Standard(form.gain, ti, td, tf)
    return Standard(form.gain * (1.0 + td / ti), ti + td, td * (ti - tf) / (ti + td), tf)


def _from_parallel(form: Parallel) -> Standard:
    gain = form.proportional
    if gain == 0.0:
        raise ValueError("no standard form: a proportional gain of 0 has no integral and derivative times")
    ti = gain / form.integral if form.integral else math.inf
    return Standard(gain, ti, form.derivative / gain, form.filter_time)
