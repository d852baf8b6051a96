"""From the record of an experiment to proposals that a person can choose from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from controller.cli.loop_client import Document, Failed, plain
from controller.frame import F8
from controller.model.pid_forms import Standard
from controller.tuning.fit import Fit, Samples, fit_models
from controller.tuning.limit_cycle import LimitCycle, limit_cycle
from controller.tuning.margins import Margins
from controller.tuning.process import Process
from controller.tuning.proposals import Preview, Proposal, op_noise, predicted, preview, propose

BARS = "▁▂▃▄▅▆▇█"
COLUMNS = 32
SHOWN_SAMPLES = 200
SETTLED = 5.0
"""Integral times."""


@dataclass(frozen=True, slots=True)
class Study:
    """What came of an experiment. ``rules`` are the proposals by name; ``rows`` of the preview are the tuning in force
    and then they.
    """

    method: str
    model: str
    gain_unit: str
    fit: Fit
    cycle: LimitCycle | None
    rules: dict[str, Proposal]
    present: Proposal
    preview: Preview
    unit: str
    op_unit: str

    def text(self) -> str:
        """Model, proposals and previews, for people."""
        lines = [f"model: {self.model}, explains {100.0 * self.fit.explained:.1f} % of how the PV moved"]
        if self.cycle is not None:
            period, swing = self.cycle.period, self.cycle.amplitude
            lines.append(f"limit cycle: ±{swing:.3g} {self.unit} every {period:.4g} s")
        lines.append("")
        lines.append(
            f"{'':10s}{'K':>10s}{'Ti s':>9s}{'Td s':>8s}{'Ms':>7s}{'GM':>7s}{'PM °':>7s}"
            f"{'load off':>10s}{'load IAE':>10s}{'over %':>8s}{'OP noise':>10s}"
        )
        both = [self.present, *self.rules.values()]
        lines += [self._line(row, one) for row, one in enumerate(both)]
        shown = self._shown(both)
        lines += ["", f"{'':10s}{'setpoint step':34s}load step, {self.preview.load.time[shown - 1, 0]:.0f} s"]
        lines += [self._bars(row, one, shown) for row, one in enumerate(both)]
        return "\n".join(lines) + "\n\n"

    def document(self) -> dict[str, Any]:
        """The same for programs, previews as arrays."""
        both = [self.present, *self.rules.values()]
        return {
            "method": self.method,
            "model": {
                "text": self.model,
                "kind": self.fit.kind,
                "gain": self.fit.process.gain,
                "lags_s": list(self.fit.process.lags),
                "delay_s": self.fit.process.delay,
                "integrating": self.fit.process.integrating,
                "explained": self.fit.explained,
                "residual": self.fit.residual,
                "delay_doubt_s": self.fit.doubt,
            },
            "gain_unit": self.gain_unit,
            "proposals": [self._entry(row, one) for row, one in enumerate(both)],
        }

    def _entry(self, row: int, one: Proposal) -> dict[str, Any]:
        seen = self.preview
        return {
            "rule": one.rule,
            "gain": one.pid.gain,
            "integral_time_s": _finite(one.pid.integral_time),
            "derivative_time_s": one.pid.derivative_time,
            "stable": one.margins.stable,
            "ms": _finite(one.margins.ms),
            "gm": _finite(one.margins.gm),
            "pm": _finite(one.margins.pm),
            "op_noise": one.op_noise,
            "load_iae": float(seen.load.iae[row]),
            "load_deviation": float(seen.load.deviation[row]),
            "overshoot": float(seen.setpoint.overshoot[row]),
            "preview": {
                "time_s": _thin(seen.setpoint.time[:, row]),
                "setpoint_pv": _thin(seen.setpoint.pv[:, row]),
                "setpoint_op": _thin(seen.setpoint.op[:, row]),
                "load_pv": _thin(seen.load.pv[:, row]),
                "load_op": _thin(seen.load.op[:, row]),
            },
        }

    def _line(self, row: int, one: Proposal) -> str:
        pid, seen = one.pid, self.preview
        expected = _margins(one.margins)
        if not one.margins.stable:
            return f"{one.rule:10s}{pid.gain:10.4g}{pid.integral_time:9.4g}{pid.derivative_time:8.3g}  not stable"
        return (
            f"{one.rule:10s}{pid.gain:10.4g}{pid.integral_time:9.4g} {pid.derivative_time:7.3g}{expected}"
            f"{seen.load.deviation[row]:10.3g}{seen.load.iae[row]:10.4g}{seen.setpoint.overshoot[row]:8.1f}"
            f"{one.op_noise:10.3g}"
        )

    def _shown(self, both: list[Proposal]) -> int:
        """How many samples the pictures have: until the quickest tunings have settled."""
        quickest = min((one.pid.integral_time for one in both), default=math.inf)
        time = self.preview.load.time[:, 0]
        return max(min(COLUMNS, len(time)), int(np.searchsorted(time, SETTLED * quickest)))

    def _bars(self, row: int, one: Proposal, shown: int) -> str:
        step, load = self.preview.setpoint.pv[:shown], np.abs(self.preview.load.pv[:shown])
        setpoint_bars, load_bars = bars(step[:, row], float(step.max())), bars(load[:, row], float(load.max()))
        return f"{one.rule:10s}{setpoint_bars:34s}{load_bars}"


def study(experiment: Document, tuning: Document) -> Study:
    """Fit a model and make proposals; ``tuning`` is what acts on the loop now. Raises :class:`Failed` for a record from
    which nothing can be learned.
    """
    time, pv, op = (np.array(experiment["samples"][name], np.float64) for name in ("time", "pv", "op"))
    if experiment["reference"] is None or len(time) < 2:
        raise Failed(f"the experiment has nothing to learn from: {experiment['reason']}")
    period = float(np.median(np.diff(time)))
    reference, base = float(experiment["reference"]), float(experiment["base"])
    samples = Samples(time, pv - reference, op - base, period)
    try:
        fit = fit_models(samples)[0]
        proposals = propose(fit.process, period, fit.doubt, float(experiment["noise"]))
    except ValueError as error:
        raise Failed(f"no model: {error}") from None
    present = _present(fit.process, tuning, period, float(experiment["noise"]))
    load = float(np.abs(samples.op).max())
    limits = tuning["output_low"] - base, tuning["output_high"] - base
    step = load * abs(fit.process.gain) * (fit.process.pace if fit.process.integrating else 1.0)
    pids = [present.pid, *(one.pid for one in proposals)]
    return Study(
        experiment["method"],
        _words(fit.process, tuning["unit"], tuning["output_unit"]),
        tuning["gain_unit"],
        fit,
        _cycle(samples, experiment["method"]),
        {one.rule: one for one in proposals},
        present,
        preview(fit.process, pids, period, step / 2.0, load / 2.0, *limits, weight=tuning["setpoint_weight"]),
        tuning["unit"],
        tuning["output_unit"],
    )


def bars(values: F8, top: float) -> str:
    """The course of values from 0 to ``top``, as a line of bars."""
    if not top > 0.0 or not math.isfinite(top):
        return BARS[0] * COLUMNS
    parts = np.array_split(values, COLUMNS)
    heights = [min(max(float(part.mean()) / top, 0.0), 1.0) for part in parts]
    return "".join(BARS[round(height * (len(BARS) - 1))] for height in heights)


def _present(process: Process, tuning: Document, period: float, noise: float) -> Proposal:
    """The tuning in force, judged like a proposal."""
    td = tuning["derivative_time"]
    reset = math.inf if tuning["integral_time"] is None else tuning["integral_time"]
    pid = Standard(tuning["gain"], reset, td, td / tuning["derivative_filter"])
    return Proposal("in force", pid, predicted(process, pid, period), op_noise(pid, period, noise))


def _cycle(samples: Samples, method: str) -> LimitCycle | None:
    if method != "relay":
        return None
    try:
        return limit_cycle(samples.time, samples.pv, samples.op)
    except ValueError:
        return None


def _words(process: Process, unit: str, op_unit: str) -> str:
    per_s = "/s" if process.integrating else ""
    lags = ", ".join(f"{lag:.4g} s" for lag in process.lags)
    after = f", lags {lags}" if lags else ""
    kind = "integrating, " if process.integrating else ""
    gain_unit = plain(f"({unit})/({op_unit})") + per_s
    return f"{kind}gain {process.gain:.4g} {gain_unit}{after}, dead time {process.delay:.3g} s"


def _margins(found: Margins) -> str:
    return f"{found.ms:7.2f}{found.gm:7.2f}{found.pm:7.1f}"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _thin(values: F8) -> list[float]:
    """At most so many samples, for a picture."""
    return [float(value) for value in values[:: max(1, len(values) // SHOWN_SAMPLES)]]
