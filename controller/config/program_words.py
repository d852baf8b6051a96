"""The words of setpoint programs: what each program is called, takes and reads, and within which limits.

Units are UCUM codes with three words in angle brackets that each loop fills in: ``<rate>`` is the loop's own unit,
``<amount>`` what it delivers (mL), ``<glucose>`` a concentration and ``<substance>`` an amount of glucose, molar or by
mass as its tag is.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import NamedTuple

SAMPLE_NUMBER = "sample_number"
"""The tag with the number of the newest counted sample."""
TINY = 1e-9
"""The least of what must be more than nothing."""
MINUTES, HOURS, PER_HOUR = "min", "h", "h-1"


class ParameterWord(NamedTuple):
    """One parameter: a number in ``unit`` from ``low`` to ``high``, a word out of ``choices``, or a table of ``points``
    over time. Without a ``default`` it has to be given, unless it is ``optional``.
    """

    name: str
    title: str
    unit: str = "1"
    low: float = 0.0
    high: float = inf
    default: float | None = None
    optional: bool = False
    choices: tuple[str, ...] = ()
    points: bool = False

    @property
    def needed(self) -> bool:
        """Whether a program cannot begin without it."""
        return self.default is None and not self.optional and not self.choices


class SignalWord(NamedTuple):
    """One value that a program reads, in the first of ``units`` that its tag converts to; the tag is called ``default``
    unless the vessel class names another. ``optional``: the program exists without it, with fewer parameters.
    """

    name: str
    title: str
    units: tuple[str, ...]
    default: str
    optional: bool = False


class ProgramWord(NamedTuple):
    """One program: ``any_unit`` leads loops of any unit, all others lead a flow of liquid."""

    name: str
    title: str
    parameters: tuple[ParameterWord, ...]
    signals: tuple[SignalWord, ...] = ()
    any_unit: bool = False


VOLUME = SignalWord("volume", "Culture volume", ("L",), "volume")
DENSITY = SignalWord("density", "Viable cell density", ("10*6/mL",), "viable_density")
SAMPLE = SignalWord("sample", "Number of the newest counted sample", ("1",), SAMPLE_NUMBER, optional=True)

MOST = ParameterWord("most", "Highest rate", "<rate>", optional=True)
PATIENCE = ParameterWord("patience", "Time without a value after which nothing is fed", MINUTES, 0.0, 1440.0, 10.0)
AT_END = ParameterWord("at_end", "At its end", choices=("stop", "hold"))
HOLDS = ParameterWord("at_end", "At its end", choices=("hold", "stop"))
CLOCK = ParameterWord("clock", "Time goes on", choices=("fed", "culture"))
END_AFTER = ParameterWord("end_after", "Ends after", HOURS, TINY, optional=True)
END_TOTAL = ParameterWord("end_total", "Ends when it has delivered", "<amount>", TINY, optional=True)
END_VOLUME = ParameterWord("end_volume", "Ends when the culture reaches", "L", TINY, optional=True)
LIMITS = (MOST, END_AFTER, END_TOTAL, END_VOLUME, AT_END, PATIENCE)
SCHEDULED = (*LIMITS, CLOCK)
IF_THERE = SignalWord("volume", "Culture volume", ("L",), "volume", optional=True)
GROWTH = ParameterWord("growth_rate", "Expected growth", PER_HOUR, 0.0, 2.0, 0.0)


def _pulses(name: str, title: str, tag: str, unit: str, rise: float) -> ProgramWord:
    """A feed in pulses, each when ``tag`` has risen because the substrate is used up."""
    return ProgramWord(
        name,
        title,
        (
            ParameterWord("dose", "Dose of a pulse", "<amount>", TINY),
            ParameterWord("rate", "Rate in a pulse", "<rate>", TINY),
            ParameterWord("rise", "Rise that asks for a pulse", unit, rise / 100.0, 20.0 * rise, rise),
            ParameterWord("risen_for", "Time that it stays risen", "s", 0.0, 3600.0, 60.0),
            ParameterWord("lockout", "Time without a pulse after each", MINUTES, 0.1, 1440.0, 10.0),
            ParameterWord("settle", "Time without a pulse after a disturbance", MINUTES, 0.0, 240.0, 5.0),
            ParameterWord("most_per_hour", "Most pulses in an hour", "1", 1.0, 60.0, 6.0),
            END_AFTER, END_TOTAL, END_VOLUME, AT_END, PATIENCE,
        ),
        (SignalWord("pv", f"The {tag} that rises", (unit,), tag), IF_THERE),
    )  # fmt: skip


_ALL = (
    ProgramWord(
        "constant", "Constant", (ParameterWord("rate", "Rate", "<rate>"), *SCHEDULED), (IF_THERE,), any_unit=True
    ),
    ProgramWord(
        "table",
        "Table over time",
        (
            ParameterWord("points", "Rate at each time", "<rate>", points=True),
            ParameterWord("between", "Between the points", choices=("linear", "step")),
            MOST, END_AFTER, END_TOTAL, END_VOLUME, HOLDS, PATIENCE, CLOCK,
        ),
        (IF_THERE,),
        any_unit=True,
    ),
    ProgramWord(
        "exponential",
        "Exponential",
        (
            ParameterWord("growth_rate", "Growth rate", PER_HOUR, 0.0, 2.0),
            ParameterWord("start", "First rate", "<rate>", optional=True),
            ParameterWord("yield", "Biomass from substrate", "g/g", 0.01, 10.0, optional=True),
            ParameterWord("substrate", "Substrate in the feed", "g/L", 0.1, 2000.0, optional=True),
            ParameterWord("biomass", "Biomass at the start", "g", TINY, 1e9, optional=True),
            ParameterWord("maintenance", "Substrate for maintenance", "g/g/h", 0.0, 1.0, 0.0),
            *SCHEDULED,
        ),
        (SignalWord("biomass", "Biomass density", ("g/L",), "biomass", optional=True), IF_THERE),
    ),
    ProgramWord(
        "by_count",
        "By counted cells",
        (
            ParameterWord("rate_per_cells", "Rate for 10*9 cells", "<rate>/10*9"),
            GROWTH,
            ParameterWord("longest_count", "Growth is expected for, after a count", HOURS, 0.0, 240.0, 36.0),
            *LIMITS,
        ),
        (DENSITY, VOLUME, SAMPLE),
    ),
    ProgramWord(
        "by_glucose",
        "By glucose and counted cells",
        (
            ParameterWord("target", "Glucose to hold", "<glucose>"),
            ParameterWord("feed_glucose", "Glucose in the feed", "<glucose>", TINY),
            ParameterWord("uptake", "Glucose uptake of 10*9 cells", "<substance>/h/10*9", TINY, 100.0),
            ParameterWord("uptake_factor", "How far the uptake may be corrected", "1", 1.0, 10.0, 3.0),
            ParameterWord("correction", "Time in which an error is made good", HOURS, 0.1, 240.0, 12.0),
            GROWTH,
            ParameterWord("longest_count", "Growth is expected for, after a count", HOURS, 0.0, 240.0, 36.0),
            *LIMITS,
        ),
        (SignalWord("glucose", "Glucose", ("mmol/L", "g/L"), "glucose"), DENSITY, VOLUME, SAMPLE),
    ),
    _pulses("do_stat", "Pulses when DO rises", "do", "%", 10.0),
    _pulses("ph_stat", "Pulses when pH rises", "ph", "[pH]", 0.05),
    ProgramWord(
        "perfusion",
        "Perfusion",
        (
            ParameterWord("vvd", "Vessel volumes a day", "d-1", 0.0, 100.0, optional=True),
            ParameterWord("per_cell", "Perfusion of a cell", "pL/d", 0.0, 10000.0, optional=True),
            ParameterWord("least", "Lowest rate", "<rate>", optional=True),
            MOST, END_AFTER, END_TOTAL, AT_END,
            ParameterWord("patience", PATIENCE.title, MINUTES, 0.0, 1440.0, 60.0),
        ),
        (VOLUME, SignalWord("density", DENSITY.title, DENSITY.units, DENSITY.default, optional=True)),
    ),
    ProgramWord(
        "bleed",
        "Bleed",
        (
            ParameterWord("fraction", "Share of the perfusion", "%", 0.0, 100.0, optional=True),
            ParameterWord("growth_rate", "Growth that the bleed takes off", PER_HOUR, 0.0, 2.0, optional=True),
            ParameterWord("target", "Density to hold", "10*6/mL", TINY, 1e6, optional=True),
            ParameterWord("correction", "Time in which an error is made good", HOURS, 0.1, 240.0, 24.0),
            MOST, END_AFTER, END_TOTAL, AT_END, PATIENCE,
        ),
        (
            SignalWord("volume", VOLUME.title, VOLUME.units, VOLUME.default, optional=True),
            SignalWord("perfusion", "Rate of the perfusion", ("L/h",), "perfusion.op", optional=True),
            SignalWord("growth", "Specific growth rate", (PER_HOUR,), "growth_rate", optional=True),
            SignalWord("density", DENSITY.title, DENSITY.units, DENSITY.default, optional=True),
        ),
    ),
)  # fmt: skip

PROGRAMS: Mapping[str, ProgramWord] = {word.name: word for word in _ALL}
"""Every program, by name."""


def filled(unit: str, rate: str, amount: str, glucose: str) -> str:
    """A unit code with its words in angle brackets filled in."""
    substance = glucose.partition("/")[0]
    words = {"<rate>": rate, "<amount>": amount, "<glucose>": glucose, "<substance>": substance}
    for word, code in words.items():
        unit = unit.replace(word, code)
    return unit
