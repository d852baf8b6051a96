"""Published and computed trajectories of the models, and how to follow them with any integrator, in floats or arrays.

Expected values are written as printed: the last printed digit is part of the tolerance.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from simulators.biology import cho_a, cho_m, tc_m, tc_p
from simulators.biology.culture import Environment, Inflow, runge_kutta
from simulators.biology.suspension import Suspension

IDEAL = (37.0, 7.2, 1e9, 100.0)
"""37 Cel, pH 7.2, no lack of oxygen."""


def never(t):
    return 0.0


@dataclass(frozen=True)
class Case:
    """One culture: where it begins, what flows, and the state (volume last) at some hours."""

    name: str
    model: type
    parameters: tuple
    start: tuple
    columns: str
    rows: dict[int, str]
    volume: float = 1.0
    flow: Callable[[float], float] = never
    perfusion: Callable[[float], float] = never


CHO_START = (0.2, 0.0, 18.0, 2.4, 0.0, 0.0, 0.0)
CHO_COLUMNS = "X Xd G Q Lac NH4 P V"
FEED_STEPS = ((0, 0.0), (50, 0.0012), (64, 0.0020), (78, 0.0040), (92, 0.0080), (106, 0.0120))


def stepped_feed(t):
    return [flow for begin, flow in FEED_STEPS if t >= begin][-1]


CHO_A = [
    Case("batch", cho_a.Cho, cho_a.LINE, CHO_START, CHO_COLUMNS, {
        24: "0.44545 0.00002 15.758 1.6203 4.1699 0.6800 0.1759 0.35",
        48: "0.99197 0.0002 11.102 0.3746 12.536 1.7036 0.5675 0.35",
        60: "1.20478 0.0350 9.493 0.0000 14.730 1.9752 0.8099 0.35",
        96: "0.96384 0.2760 8.000 0.0000 14.730 1.9752 1.1999 0.35",
    }, 0.35),
    Case("fed", cho_a.Cho, cho_a.LINE, CHO_START, CHO_COLUMNS, {
        72: "1.45123 0.0311 8.826 0.00763 14.441 1.9607 1.0491 0.3828",
        108: "2.53048 0.0628 6.669 0.02943 13.525 1.9561 1.9148 0.5868",
        144: "3.31430 0.1717 4.493 0.00725 12.119 1.8891 2.8093 1.0188",
    }, 0.35, stepped_feed),
]  # fmt: skip

DENSE_START = (0.3, 0.01, 35.0, 4.0, 0.0, 0.2, 0.0)
CHO_M = [
    Case("batch", cho_m.DenseCho, cho_m.LINE, DENSE_START, "X - G Q L A P V", {
        72: "2.886 - 21.61 1.190 9.37 1.532 133.7 1.00",
        96: "3.995 - 12.44 - 15.79 - - 1.00",
    }),
    Case("fed", cho_m.DenseCho, cho_m.LINE, DENSE_START, "X - G Q L A P V", {
        120: "5.828 - 8.24 - 25.27 - 445 1.06",
        168: "6.433 - 0.010 - 36.9 - - 1.12",
    }, 1.0, lambda t: 0.00125 if t >= 72 else 0.0),
]  # fmt: skip


def published_donor(name, knobs, us, rows):
    donor = tc_p.Donor(*knobs)
    start = tc_p.PublishedTCell(donor).begun()
    return Case(name, tc_p.PublishedTCell, donor, start, "X Xd G I viability", rows, perfusion=lambda t: us / 50.0)


TC_P = [
    published_donor("v.95 r0 g.5 b0", (0.95, 0.0, 0.5, 0.0), 0.3, {
        72: "2.378 0.1716 3.505 82.2 0.933",
        96: "3.139 0.3756 2.758 149.6 0.893",
    }),
    published_donor("fast", (0.95, 0.5, 1.0, 0.0), 0.3, {72: "3.395 0.3628 1.979 145.8 0.903"}),
    published_donor("slow", (0.85, 0.0, 0.0, 0.0), 0.3, {96: "2.029 0.3344 4.597 102.0 0.858"}),
    published_donor("no feed", (0.95, 0.0, 0.5, 0.0), 0.0, {48: "0.3026 0.8315 0.0043 17.8 0.267"}),
]  # fmt: skip

T_START = (0.5, 0.026, 11.1, 2.0, 0.0, 0.1, 0.0)
T_COLUMNS = "X Xd G Q L A - V viability fold"


def exponential_feed(t):
    return 0.02 * 0.25 * math.exp(0.02 * (t - 48.0)) if 48.0 <= t < 48.0 + math.log(8.0) / 0.02 else 0.0


def rising_perfusion(t):
    return (0.0 if t < 72 else 0.5 if t < 120 else 1.0 if t < 168 else 1.5) / 24.0


def expansion(name, rows, donor=tc_m.DONOR, **how):
    return Case(name, tc_m.TCell, donor, T_START, T_COLUMNS, rows, **how)


TC_M = [
    expansion("A batch", {
        72: "2.192 0.143 4.292 0.740 11.57 1.158 - 1.00 0.939 4.38",
        120: "1.501 1.778 0.000 0.061 18.87 1.706 - 1.00 0.458 3.00",
    }),
    expansion("B exponential feed", {
        96: "1.787 0.102 11.60 2.09 10.58 0.993 - 0.653 0.946 9.34",
        144: "2.215 0.143 11.84 2.19 14.55 1.27 - 1.705 0.939 30.2",
        192: "3.721 0.470 3.99 0.936 28.31 2.34 - 2.000 0.888 59.5",
    }, volume=0.25, flow=exponential_feed),
    expansion("C perfusion", {
        120: "5.503 0.504 5.88 1.31 20.59 1.63 - 1.00 0.916 11.0",
        168: "9.731 1.209 9.81 2.12 19.81 1.45 - 1.00 0.890 19.5",
        240: "13.96 2.391 14.73 2.98 12.36 0.836 - 1.00 0.854 27.9",
    }, perfusion=rising_perfusion),
    expansion("C slow donor", {240: "5.475 0.859 19.05 3.50 5.01 0.421 - 1.00 0.864 10.95"},
              tc_m.DONOR._replace(mumax=0.028, tlag=36.0, tact=168.0), perfusion=rising_perfusion),
    expansion("C fast donor", {168: "12.42 1.954 8.27 1.96 22.42 1.58 - 1.00 0.864 24.8"},
              tc_m.DONOR._replace(mumax=0.048, tlag=18.0, tact=264.0), perfusion=rising_perfusion),
]  # fmt: skip

TABLES = {"CHO-A": CHO_A, "CHO-M": CHO_M, "TC-P": TC_P, "TC-M": TC_M}


def all_hours(cases):
    return sorted({hour for case in cases for hour in case.rows})


def follow(advance, start, volume, flow, perfusion, hours, step_h):
    """State and volume at each of `hours`; `advance(state, h, inflow)` is the integrator, `flow` in L/h."""
    state, trace = start, {}
    for k in range(round(hours[-1] / step_h)):
        middle = (k + 0.5) * step_h
        entering = flow(middle)
        rate = entering / (volume + entering * (0.5 * step_h))
        state = advance(state, step_h, Inflow(rate, rate, perfusion(middle)))
        volume = volume + entering * step_h
        now = (k + 1) * step_h
        if abs(now - round(now)) < 1e-9 and round(now) in hours:
            trace[round(now)] = (*state, volume)
    return trace


FINE_H = 1 / 60
LONG_H = 1 / 12
"""Five times what the plant allows itself."""


def finely(case):
    """By the bare equations and the fourth-order method at a small step."""
    model, here = case.model(case.parameters), Environment(*IDEAL)

    def advance(state, h, inflow):
        return runge_kutta(lambda y: model.slope(y, here, inflow), state, h)

    return follow(advance, case.start, case.volume, case.flow, case.perfusion, sorted(case.rows), FINE_H)


STARVING_H = 200


def starved(line):
    """Dense CHO in a batch long after its glucose is gone: cells, glucose, and the culture."""
    case = Case("", cho_m.DenseCho, line, DENSE_START, "", {STARVING_H: ""})
    culture = Suspension(cho_m.DenseCho(line))
    culture.state = finely(case)[STARVING_H][:-1]
    return culture.state[0], culture.state[2], culture


def t_cells(hours, perfusion=never):
    """The state of usual T cells in 1 L some hours after activation, without feed."""
    case = expansion("", {hours: ""}, perfusion=perfusion)
    return finely(case)[hours][:-1]


def by_plant(culture, here):
    """The integrator that the plant uses."""

    def advance(state, h, inflow):
        culture.state = state
        culture.advance(h, here, inflow)
        return culture.state

    return advance


def alone(case):
    """One vessel in floats, as the plant steps it, in long steps."""
    culture = Suspension(case.model(case.parameters))
    advance = by_plant(culture, Environment(*IDEAL))
    return follow(advance, case.start, case.volume, case.flow, case.perfusion, sorted(case.rows), LONG_H)


def together(cases):
    """All cases of one model as vessels in arrays, as the plant steps them, in long steps; a trace for each."""
    parameters = cases[0].parameters._make(
        column(values) for values in zip(*(c.parameters for c in cases), strict=True)
    )
    culture = Suspension(cases[0].model(parameters))
    trace = follow(
        by_plant(culture, Environment(*(np.full(len(cases), value) for value in IDEAL))),
        tuple(column(values) for values in zip(*(case.start for case in cases), strict=True)),
        column([case.volume for case in cases]),
        lambda t: column([case.flow(t) for case in cases]),
        lambda t: column([case.perfusion(t) for case in cases]),
        all_hours(cases),
        LONG_H,
    )
    return [{hour: tuple(v[i] for v in state) for hour, state in trace.items()} for i in range(len(cases))]


def column(values):
    return np.array(values, dtype=np.float64)


def deviations(case, trace):
    """Relative deviation, and whether within the last printed digit, of every expected value."""
    for hour, row in case.rows.items():
        state = trace[hour]
        values = dict(zip(case.columns.split(), derived(case, state), strict=False))
        for name, text in zip(case.columns.split(), row.split(), strict=True):
            if text != "-":
                yield f"{case.name} {hour} h {name}", *deviation(float(values[name]), text)


def derived(case, state):
    """The state with what is printed besides: viability, and the fold of all cells."""
    names = case.columns.split()
    if "viability" in names:
        viability = state[0] / (state[0] + state[1])
        if "fold" in names:
            return *state, viability, state[0] * state[-1] / (case.start[0] * case.volume)
        return *state[:-1], viability
    return state


def deviation(value, text):
    """Relative deviation from a printed value, and whether it is one of its last digit at most."""
    expected, digit = float(text), 10.0 ** Decimal(text).as_tuple().exponent
    off = abs(value - expected)
    return (off / expected if expected else 0.0), off <= digit
