"""A bench for soft sensors: one model, its inputs set by hand, as many vessels as wanted; and every model at work."""

import math
from dataclasses import dataclass, field

import numpy as np

from controller.frame import Frame
from controller.model.calculation import Calculation, Input
from controller.model.tags import Tag, TagTable
from controller.stages.estimate import Estimator
from drivers.contract import Reason

NEVER = {"low": -math.inf, "high": math.inf}


def measured(vessel, name):
    return Tag(vessel, name, name, "1", 1, "measurement", -1e9, 1e9)


def calculated(vessel, name, calculation):
    return Tag(vessel, name, name, "1", 1, "calculated", -math.inf, math.inf, calculation=calculation)


class SoftBench:
    """One model for ``vessels`` vessels. ``inputs`` are its words; ``parameters`` are numbers, or one per vessel."""

    def __init__(self, model, inputs, parameters=None, options=None, vessels=1, **more):
        self.inputs, self.vessels = list(inputs), vessels
        k = len(self.inputs)
        tags = []
        for place in range(vessels):
            first = place * (k + 1)
            own = {name: float(np.broadcast_to(v, vessels)[place]) for name, v in (parameters or {}).items()}
            rows = tuple(Input(name, first + i) for i, name in enumerate(self.inputs))
            tags += [measured(f"V{place}", f"{name}{i}") for i, name in enumerate(self.inputs)]
            tags.append(calculated(f"V{place}", "out", Calculation(model, 1, rows, own, options or {}, **more)))
        self.rows = np.arange(vessels) * (k + 1) + k
        self.table = TagTable(tuple(tags))
        self.estimator = Estimator(self.table)
        self.age = {}
        self.frame = None

    def see(self, *values, dt=1.0, quality=None, **named):
        """One scan; values by position or name, one for all vessels or one each. Gives the result of each vessel."""
        given = dict(zip(self.inputs, values, strict=False)) | named
        frame = Frame.never_read(len(self.table))
        for i, name in enumerate(self.inputs):
            rows = self.rows - len(self.inputs) + i
            frame.value[rows] = values[i] if len(values) == len(self.inputs) else given[name]
            frame.quality[rows] = (quality or {}).get(name, 0)
            frame.reason[rows] = np.where(frame.quality[rows] == 2, Reason.LINK, Reason.OK)
            frame.age[rows] = self.age.get(name, 0.0)
        self.estimator.step(frame, dt)
        self.frame = frame
        return frame.value[self.rows]

    @property
    def quality(self):
        return self.frame.quality[self.rows]

    @property
    def reason(self):
        return self.frame.reason[self.rows]

    def one(self, *values, **named):
        """One scan of one vessel: the number."""
        return float(self.see(*values, **named)[0])


@dataclass(frozen=True)
class Case:
    """A model at work: its inputs as functions of the time in s and of the vessel's number."""

    inputs: dict
    parameters: dict = field(default_factory=dict)
    options: dict = field(default_factory=dict)
    dt: float = 10.0

    def bench(self, name, vessels=1):
        return SoftBench(name, self.inputs, self.parameters, self.options, vessels)

    def at(self, t, vessels=1, first=0):
        k = np.arange(first, first + vessels, dtype=float)
        return {name: np.broadcast_to(make(t, k), vessels) for name, make in self.inputs.items()}


HOUR = 3600.0
FLOWS = {
    "air": lambda t, k: 3.0 + k,
    "oxygen": lambda t, k: 0.5 + 0.2 * np.sin(t / 900.0),
    "nitrogen": lambda t, k: 0.1 * k,
    "carbon_dioxide": lambda t, k: 0.2,
}
BALANCE = {
    "flow": lambda t, k: 60.0 + k,
    "oxygen_in": lambda t, k: 0.2095,
    "oxygen_out": lambda t, k: 0.205 - 0.001 * np.sin(t / 900.0),
    "carbon_dioxide_in": lambda t, k: 0.0004,
    "carbon_dioxide_out": lambda t, k: 0.0045 + 0.0002 * k,
    "volume": lambda t, k: 1.0 + 0.1 * k,
}
OXYGEN = {
    "dissolved_oxygen": lambda t, k: 50.0 + 5.0 * np.sin(t / 700.0 + k),
    "oxygen_in_gas": lambda t, k: 0.3 + 0.05 * np.sin(2.0 * np.pi * t / 1100.0),
}
LAGS = {"window": 120.0, "probe_lag": 15.0, "gas_lag": 20.0}


def answering(t, k, kla=6.0, swing=1j * 2.0 * np.pi / 1100.0):
    """Dissolved oxygen that answers to :data:`OXYGEN`'s gas through the lags, with an uptake of 200 %/h."""
    gain = (kla / HOUR) / (swing + kla / HOUR) / ((1.0 + 15.0 * swing) * (1.0 + 20.0 * swing))
    mean = 100.0 * 0.3 / 0.2095 - 200.0 / kla
    return mean + 100.0 / 0.2095 * 0.05 * np.imag(gain * np.exp(swing * t)) + k


COUNTED = {"density": lambda t, k: np.round(0.5 * np.exp(0.03 * np.floor(t / 7200.0) * 2.0) + 0.1 * k, 2)}
CELLS = {"density": lambda t, k: 0.5 * np.exp(0.03 * t / HOUR) + 0.1 * k}
VOLUME = {"volume": lambda t, k: 1.0 + 0.02 * t / HOUR + 0.1 * k}
BALANCING = {"least_flow": 1.0, "molar_volume": 22.414, "analyser_accuracy": 0.0005}

CASES = {
    "volume_from_weight": Case({"weight": lambda t, k: 1000.0 + 100.0 * k + t / 100.0}, {"density": 1.008}),
    "total": Case({"flow": lambda t, k: 0.01 + 0.001 * k + 0.005 * np.sin(t / 600.0)}, {"bridge": 60.0}),
    "rate": Case({"of": lambda t, k: 5.0 + (2.0 + k) * t / HOUR}, {"window": HOUR}),
    "quotient": Case({"of": lambda t, k: 20.0 + k, "per": lambda t, k: 1.0 + t / 1e5}, {"least": 0.1}),
    "gas_total": Case({"flow": lambda t, k: 3.0 + k + np.sin(t / 900.0)}),
    "oxygen_in_gas": Case(FLOWS, {"least_flow": 0.5}),
    "carbon_dioxide_in_gas": Case(FLOWS, {"least_flow": 0.5}),
    "our_gas_balance": Case(BALANCE, BALANCING),
    "cer_gas_balance": Case(BALANCE, BALANCING),
    "rq": Case({"cer": lambda t, k: 9.0 + k, "our": lambda t, k: 10.0 + np.sin(t / 900.0)}, {"least_our": 0.5}),
    "our_dynamic": Case(
        {
            **OXYGEN,
            "kla": lambda t, k: 5.0 + k,
            "temperature": lambda t, k: 37.0,
            "gas_flow": lambda t, k: 3.0,
            "volume": lambda t, k: 1.0,
        },
        {**LAGS, "molar_volume": 25.4},
    ),
    "kla_correlation": Case(
        {
            "agitation": lambda t, k: 100.0 + 10.0 * k + 20.0 * np.sin(t / 900.0),
            "gas_flow": lambda t, k: 60.0,
            "volume": lambda t, k: 1000.0 + t / 100.0,
        },
        {
            "reference": 10.0,
            "at_agitation": 150.0,
            "at_vvm": 0.1,
            "agitation_exponent": 1.2,
            "gas_exponent": 0.5,
            "surface": 0.5,
        },
    ),
    "kla_from_our": Case(
        {**OXYGEN, "our": lambda t, k: 1.0 + 0.1 * k}, {**LAGS, "air_saturation": 0.205, "least_force": 2.0}
    ),
    "kla_dynamic": Case(OXYGEN | {"dissolved_oxygen": answering}, {**LAGS, "memory": 2 * HOUR, "accuracy": 15.0}),
    "density_from_capacitance": Case({"signal": lambda t, k: 3.0 + t / 1e5 + k}, {"slope": 0.6, "background": 0.4}),
    "density_from_counts": Case(
        {**COUNTED, **VOLUME}, {"good_for": 24 * HOUR, "fastest_growth": 0.06}, {"sampled": "yes"}, dt=60.0
    ),
    "growth_from_density": Case({**CELLS, **VOLUME}, {"window": 2 * HOUR}),
    "cells_total": Case({**CELLS, **VOLUME}),
    "buffer_capacity": Case(
        {
            "ph": lambda t, k: 7.2 + 0.1 * np.sin(t / 900.0) + 0.05 * k,
            "kla": lambda t, k: 5.0,
            "gas_flow": lambda t, k: 3.0,
            "volume": lambda t, k: 1.0,
        },
        {"bicarbonate": 24.0, "phosphate": 5.6, "hepes": 10.0, "over": 1800.0},
        {"carbon_dioxide": "stripped"},
    ),
}
"""Every model once, in a culture that grows."""
