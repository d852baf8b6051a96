"""Programs that feed in pulses, each when what they watch rises because the substrate is used up: DO-stat, pH-stat.

Source: DO-stat and pH-stat fed-batch, as reviewed in Lee, Trends Biotechnol. 14 (1996) 98.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np

from controller.frame import F8
from controller.stages.programs.kind import Kind, Now, Start

DRIFT_H = 1.0
"""Time constant with which the reference follows a value that rises slowly: that is no sign of hunger."""
FALL = 0.2
"""Share of the rise by which the value must fall after a pulse before the next rise counts: the feed has arrived."""
DONE = 1e-3
"""Share of a dose that may be missing at the end of its pulse; it is added to the next."""
LATE = 3.0
"""A pulse that takes so many times its time counts as given, whatever came of it."""
FOR_LONG = 1e6
"""Hours; a lock-out that was not begun by this program's own clock is cut to its length in the next scan."""
UNANSWERED = "the value has not fallen since the last pulse: look at the feed line, then start the program anew"
IDLE, ARMED, PUMPING = 0.0, 1.0, 2.0
SECONDS, MINUTES = 3600.0, 60.0

Memory = dict[str, float]


class One(NamedTuple):
    """What one program sees in one scan: its parameters ``p``, the ``value`` it watches (NaN when not valid), its own
    time and the time since the last scan in hours, the amount delivered in it, and the rate of one amount an hour.
    """

    p: Mapping[str, float]
    value: float
    hours: float
    dt_h: float
    delivered: float
    hourly: float
    disturbed: bool


class Pulses(Kind):
    """A pulse of ``dose`` at ``rate`` when the value has been ``rise`` above its reference for ``risen_for``.

    The reference is the lowest value since the last pulse, slowly following upwards. A pulse is decided in one scan,
    which goes on record, and pumped from the next on. After it nothing is given for ``lockout``, and nothing before the
    value has fallen again: never two pulses on one rise. What was interrupted, by a hold or by a restart, counts as
    given, and the reference is taken anew. After a disturbance (the controller of the value went from one actuator to
    another or got another setpoint, or another feed began) nothing is decided for ``settle``.

    It remembers the ``step`` of its pulse, what is ``left`` of it and how long it has ``taken``; what is ``owed`` to
    the next; the ``low`` reference and for how long it has ``risen``; how long it is ``locked`` and ``settling``;
    whether the last rise is ``spent``, and the ``peak`` since.
    """

    memory: ClassVar[tuple[str, ...]] = (
        "step", "left", "taken", "owed", "low", "risen", "locked", "settling", "spent", "peak",
    )  # fmt: skip
    steady: ClassVar[bool] = False

    def reads(self, parameters: Mapping[str, float]) -> tuple[str, ...]:
        """The value that rises."""
        del parameters
        return ("pv",)

    def begin(self, start: Start) -> Memory:
        """Wait for a first rise above what is seen first."""
        del start
        return {**dict.fromkeys(self.memory, 0.0), "low": math.nan, "peak": math.nan}

    def interrupt(self, memory: Memory) -> None:
        """What was on its way counts as given; the reference is taken anew."""
        if memory["step"] != IDLE:
            memory.update(locked=FOR_LONG, spent=1.0, peak=math.nan)
        memory.update(step=IDLE, left=0.0, taken=0.0, owed=0.0, risen=0.0, low=math.nan)

    def waits(self, memory: Mapping[str, float]) -> str:
        """It waits for an answer to the last pulse."""
        return UNANSWERED if memory["spent"] > 0.0 and memory["step"] == IDLE else ""

    def rate(self, now: Now) -> F8:
        """The pulses' rates while they last, else 0; NaN while nothing can be decided."""
        hourly = (now.per_litre * now.litres).tolist()
        values, hours, given = now.signals["pv"].tolist(), now.hours.tolist(), now.delivered.tolist()
        disturbed = (now.disturbed > 0.0).tolist()
        rates = np.empty(len(hours))
        for row, run in enumerate(now.runs):
            one = One(run.parameters, values[row], hours[row], now.dt_h, given[row], hourly[row], disturbed[row])
            rates[row], text = step(one, run.memory, run.notes)
            if text:
                now.told.append((row, text))
        return rates


def step(one: One, m: Memory, given: list[float]) -> tuple[float, str]:
    """One scan of one program: its rate, and what has to go on record. ``given`` are the hours of the last pulses."""
    if m["step"] == PUMPING:
        _count(one, m)
    elif m["step"] == ARMED:
        m["step"] = PUMPING
    _wait(one, m)
    text = ""
    if m["step"] == IDLE and math.isfinite(one.value):
        _follow(one, m)
        text = _arm(one, m, given) if _due(one, m) else ""
    elif m["step"] == IDLE:
        m["risen"] = 0.0
    return _rate(one, m), text


def _count(one: One, m: Memory) -> None:
    """Count what was pumped; a pulse ends with its dose, or when it has taken far too long."""
    m["left"] -= one.delivered
    m["taken"] += one.dt_h
    done = m["left"] <= DONE * one.p["dose"]
    if done or m["taken"] > LATE * one.p["dose"] * one.hourly / one.p["rate"] + one.dt_h:
        half = 0.5 * one.p["dose"]
        m["owed"] = min(max(m["left"], -half), half) if done else 0.0
        m.update(step=IDLE, left=0.0, taken=0.0, spent=1.0, low=math.nan, locked=one.p["lockout"] / MINUTES)


def _wait(one: One, m: Memory) -> None:
    """Let the times go on in which nothing is decided."""
    m["locked"] = max(min(m["locked"], one.p["lockout"] / MINUTES) - one.dt_h, 0.0)
    m["settling"] = one.p["settle"] / MINUTES if one.disturbed else max(m["settling"] - one.dt_h, 0.0)


def _follow(one: One, m: Memory) -> None:
    """Keep the reference, see whether the value has fallen since the last pulse, and time how long it is up."""
    value = one.value
    if m["spent"] > 0.0:
        m["peak"] = value if math.isnan(m["peak"]) else max(m["peak"], value)
        m["spent"] = 0.0 if value <= m["peak"] - FALL * one.p["rise"] else 1.0
    if math.isnan(m["low"]) or m["settling"] > 0.0:
        m["low"] = value
    if value - m["low"] >= one.p["rise"]:
        m["risen"] += one.dt_h
    else:
        m["risen"] = 0.0
        m["low"] = min(value, m["low"] - (value - m["low"]) * math.expm1(-one.dt_h / DRIFT_H))


def _due(one: One, m: Memory) -> bool:
    free = m["locked"] <= 0.0 and m["settling"] <= 0.0 and m["spent"] <= 0.0
    return free and 0.0 < m["risen"] >= one.p["risen_for"] / SECONDS


def _arm(one: One, m: Memory, given: list[float]) -> str:
    """Decide a pulse, as far as the last hour allows; it goes on record before it is pumped."""
    given[:] = [hour for hour in given if one.hours - hour < 1.0]
    if len(given) >= int(one.p["most_per_hour"]):
        return ""
    given.append(one.hours)
    text = f"a pulse of {one.p['dose'] + m['owed']:.4g}, at a rise from {m['low']:.4g} to {one.value:.4g}"
    m.update(step=ARMED, left=one.p["dose"] + m["owed"], taken=0.0, owed=0.0, risen=0.0, peak=one.value)
    return text


def _rate(one: One, m: Memory) -> float:
    """As fast as wanted, and no faster than what is left takes until the next scan."""
    if m["step"] == PUMPING:
        return max(min(one.p["rate"], m["left"] / max(one.dt_h, 1e-9) * one.hourly), 0.0)
    unanswered = m["spent"] > 0.0 and m["locked"] <= 0.0
    blind = math.isnan(one.value) or unanswered
    return math.nan if blind and m["step"] == IDLE else 0.0
