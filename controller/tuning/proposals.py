"""Proposals: what the rules make of a model, with what to expect of each, to choose from before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from controller.frame import F8
from controller.model.pid_forms import Standard
from controller.tuning.closed_loop import WIDE, Case, Responses, simulate
from controller.tuning.margins import Margins, margins
from controller.tuning.process import Process
from controller.tuning.rules import FirstOrder, amigo_pi, amigo_pid, half_rule, lambda_pi, simc
from controller.tuning.tangent import by_tangent

RULES: dict[str, tuple[Callable[[Process], FirstOrder], Callable[[FirstOrder], Standard]]] = {
    "simc": (half_rule, simc),
    "amigo-pi": (by_tangent, amigo_pi),
    "amigo-pid": (by_tangent, amigo_pid),
    "lambda": (half_rule, lambda_pi),
}
"""Each rule: how it reduces a model, and what it makes of that. The first is the one to take without a wish."""
RESETS, DEAD_TIMES = 6.0, 20.0
FINE, MOST_SAMPLES = 20.0, 4000
"""A preview has at least so many samples per dead time, unless the scan has fewer, and at most so many altogether."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One rule's tuning and what the model predicts of it. ``op_noise`` is the standard deviation of the output that
    the noise of the PV alone makes, in output units.
    """

    rule: str
    pid: Standard
    margins: Margins
    op_noise: float


@dataclass(frozen=True, slots=True)
class Preview:
    """``n`` tunings side by side on the model: the answers to a ``setpoint`` step and to a ``load`` step, as deviations
    from rest.
    """

    setpoint: Responses
    load: Responses


def propose(process: Process, period: float, doubt: float = 0.0, noise: float = 0.0) -> list[Proposal]:
    """A proposal of every rule for the model. The dead time that they reckon with is the model's and half the scan
    ``period`` (a held output comes so much later) and the ``doubt`` about it: what is not known is not relied on.
    """
    proposals = []
    for name, (reduce, rule) in RULES.items():
        model = reduce(process)
        pid = rule(replace(model, delay=model.delay + period / 2.0 + doubt))
        proposals.append(Proposal(name, pid, predicted(process, pid, period), op_noise(pid, period, noise)))
    return proposals


def predicted(process: Process, pid: Standard, period: float) -> Margins:
    """The margins of a tuning on the model, the scan's half period included."""
    return margins(replace(process, delay=process.delay + period / 2.0), pid)


def op_noise(pid: Standard, period: float, noise: float) -> float:
    """How much the output moves with a white ``noise`` of the PV (a standard deviation)."""
    derivative = pid.derivative_time / (pid.filter_time + period) if pid.derivative_time > 0.0 else 0.0
    return abs(pid.gain) * (1.0 + derivative) * noise


def preview(
    process: Process, tunings: Sequence[Standard], period: float, setpoint: float, load: float,
    low: float = -WIDE, high: float = WIDE, weight: float = 1.0,
) -> Preview:  # fmt: skip
    """Run every tuning on the model, with the controllers as shipped: a ``setpoint`` step in PV units, seen with the
    setpoint ``weight``, and a ``load`` step in output units; ``low`` and ``high`` limit the output's deviation. It is
    sampled more slowly than the loop is where the process is slow, and it ends before the slowest tuning has settled
    where that would take too long.
    """
    slowest = max((pid.integral_time for pid in tunings if np.isfinite(pid.integral_time)), default=process.pace)
    dead = half_rule(process).delay + period
    dt = max(period, dead / FINE)
    samples, n = min(int(max(RESETS * slowest, DEAD_TIMES * dead) / dt), MOST_SAMPLES), len(tunings)
    cases = [Case(process, pid, setpoint, 0.0, low, high, weight) for pid in tunings]
    cases += [Case(process, pid, 0.0, load, low, high) for pid in tunings]
    both = simulate(cases, np.full(2 * n, dt), samples)
    return Preview(_columns(both, slice(0, n)), _columns(both, slice(n, 2 * n)))


def _columns(responses: Responses, columns: slice) -> Responses:
    def of(array: F8) -> F8:
        return array[:, columns]

    return Responses(of(responses.time), of(responses.pv), of(responses.op), responses.setpoint[columns])
