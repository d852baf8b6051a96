"""The catalogue of mishaps: what each is called, what it may befall, how much, how long, and what it must look like.

A mishap happens in the plant, so that instruments on their wires, a rehearsal in process and the tests all see the
same. Numbers are those of the fault list that the plant is specified by; a number may have several mishaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.bus import PUMPS as FITTED_PUMPS
from simulators.bus import SENSORS

COUNTED = tuple(name for name in SENSORS if name.endswith("_revolutions"))
"""What a pump counts by itself, without a probe."""
PROBES = tuple(name for name in SENSORS if name not in COUNTED)
PUMPS = ("base_rpm", "feed_rpm", *(f"{pump}_rpm" for pump in FITTED_PUMPS))
"""Those of every vessel, and those that may be fitted."""
GASES = ("o2", "air", "co2", "n2")
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
LONGEST_S = 30.0 * DAY_S
RAMP_S = 600.0
"""600 samples of a second."""

UNTIL_CLEARED = "goes away when it ends"
BY_HAND = "stays until it is cleared, as until somebody puts it right"
AT_ONCE = "happens at once; nothing brings it back"
CHOSEN, PUBLISHED = "chosen", "published (Goldrick 2015)"


@dataclass(frozen=True, slots=True)
class Magnitude:
    """How bad: the usual value, the range (both ends belong to it), the UCUM unit, and where the value is from."""

    usual: float
    low: float
    high: float
    unit: str
    basis: str


@dataclass(frozen=True, slots=True)
class Mishap:
    """One kind of mishap.

    `signals` are those of the bus that it may befall (the first is meant where none is named; none: the whole vessel),
    `magnitude` is None where there is nothing to choose. `duration_s` is the usual one, infinite for one without an
    end, and lies within `shortest_s` and `longest_s`; where it is a `ramp`, the mishap grows for that long and then
    stays. `seen` is what must be seen of it, `ending` what its end brings back. `wire` names what happens to the wires
    of the vessel's instruments meanwhile, "" for nothing.
    """

    name: str
    number: str
    title: str
    seen: str
    signals: tuple[str, ...] = ()
    magnitude: Magnitude | None = None
    duration_s: float = float("inf")
    shortest_s: float = 1.0
    longest_s: float = float("inf")
    ramp: bool = False
    ending: str = UNTIL_CLEARED
    wire: str = ""

    @property
    def befalls(self) -> str:
        """The signals in words."""
        everything = {SENSORS: "every reading", PROBES: "every probe", PUMPS: "every pump", (): "the vessel"}
        return everything.get(self.signals, ", ".join(self.signals))


def _drift(name: str, number: str, title: str, seen: str, signals: tuple[str, ...], magnitude: Magnitude) -> Mishap:
    return Mishap(name, number, title, seen, signals, magnitude, RAMP_S, 1.0, LONGEST_S, ramp=True, ending=BY_HAND)


_ALL = (
    _drift(
        "probe-drift-ph",
        "F1",
        "pH probe drifts",
        "the loop holds the reading at its setpoint while the true pH walks away: more base or carbon dioxide than the "
        "lactate explains",
        ("ph",),
        Magnitude(0.1, -1.0, 1.0, "[pH]", PUBLISHED),
    ),
    _drift(
        "probe-drift-temperature",
        "F2",
        "Thermometer drifts",
        "the reading stays at its setpoint with another heater power than the reading needs",
        ("temperature", "jacket_temperature"),
        Magnitude(0.4, -5.0, 5.0, "K", PUBLISHED),
    ),
    Mishap(
        "stuck-reading",
        "F3",
        "Reading stuck",
        "no variance at all, not even noise, while the actuator moves",
        SENSORS,
    ),
    Mishap(
        "disconnect",
        "F4",
        "Probe disconnected",
        "quality Bad at the next scan, the instrument's own word for it; the loop does what it declares for that",
        PROBES,
    ),
    Mishap(
        "noise",
        "F5",
        "Reading noisy",
        "so many times the usual noise, and one reading in a hundred a spike of ten times that",
        PROBES,
        Magnitude(10.0, 1.0, 100.0, "1", CHOSEN),
    ),
    Mishap(
        "pump-run-on",
        "F6",
        "Pump runs on",
        "once it turns it never turns slower: revolutions and weight rise although the output is 0",
        PUMPS,
        Magnitude(1.0, 0.1, 5.0, "1", CHOSEN),
    ),
    Mishap(
        "pump-stopped",
        "F7",
        "Pump stands",
        "no revolutions and no weight although the output is up; the loop winds up to its limit",
        PUMPS,
    ),
    Mishap(
        "pump-empty",
        "F7",
        "Bottle empty",
        "revolutions are counted and the weight does not rise; the loop winds up to its limit",
        PUMPS,
    ),
    Mishap(
        "gas-loss",
        "F8",
        "Gas supply lost",
        "the flow is 0 whatever is asked for; without oxygen the dissolved oxygen falls with the slope of the uptake",
        GASES,
    ),
    Mishap(
        "exhaust-clog",
        "F9",
        "Exhaust filter clogs",
        "the pressure of the head space rises with the gas flow; above 200 mbar the interlock stops the gases",
        (),
        Magnitude(300.0, 1.0, 1000.0, "mbar", "chosen: at the gas flow it begins with"),
        2.0 * HOUR_S,
        1.0,
        LONGEST_S,
        ramp=True,
        ending=BY_HAND,
    ),
    Mishap(
        "heater-stuck-on",
        "F10",
        "Heater stuck on",
        "temperature rises although the output is 0; the interlock trips at 38.5 Cel; 40 Cel half an hour after "
        "a cold start of 2 L, sooner with less in it",
        (),
        Magnitude(100.0, 1.0, 100.0, "%", CHOSEN),
    ),
    Mishap(
        "heater-stuck-off",
        "F10",
        "Heater dead",
        "temperature falls towards the room's although the output is at its limit",
    ),
    Mishap(
        "stirrer-trip",
        "F11",
        "Stirrer stands",
        "0 rev/min; the oxygen transfer is only that of the surface, dissolved oxygen collapses",
    ),
    Mishap(
        "foam-out",
        "F12",
        "Foam leaves by the exhaust",
        "weight falls, and with the wetted filter the pressure rises",
        (),
        Magnitude(30.0, 1.0, 200.0, "cm", "chosen: above what the head space holds, at the gas flow it begins with"),
    ),
    Mishap(
        "contamination",
        "F13",
        "Bacteria in the culture",
        "oxygen uptake doubles every 40 minutes, the demand for oxygen with it, and the pH falls",
        (),
        Magnitude(1e3, 1.0, 1e9, "{cfu}/mL", CHOSEN),
        ending="stays; cleared, the bacteria are gone and what they did is not",
    ),
    Mishap(
        "power-cut",
        "F14",
        "Power cut",
        "nothing answers, nothing runs, temperature falls by the vessel's losses; afterwards the instruments are in "
        "their power-up state",
        (),
        None,
        5.0 * MINUTE_S,
        1.0,
        HOUR_S,
        ending="goes away when it ends; instruments are off for their time, also where it is cleared before",
        wire="reboot",
    ),
    Mishap(
        "leak",
        "F15",
        "Vessel leaks",
        "weight falls against the totals of what went in",
        (),
        Magnitude(50.0, 1.0, 10_000.0, "mL/h", CHOSEN),
    ),
    Mishap(
        "wrong-sample",
        "F15",
        "More drawn than written down",
        "a step down of the weight that no sample on record explains",
        (),
        Magnitude(20.0, 1.0, 500.0, "mL", CHOSEN),
        ending=AT_ONCE,
    ),
    Mishap(
        "swapped-channels",
        "F16",
        "Two channels swapped",
        "two readings jump at once, each to where the other was: faster than the process can move, or not credible",
        ("temperature", "ph", "o2", "co2"),
    ),
    Mishap(
        "wrong-unit",
        "F16",
        "Reading in another unit",
        "a jump by a known factor (degree Fahrenheit for Celsius, kilogram for gram, bar for millibar), faster than "
        "the process can move, or not credible",
        ("temperature", "jacket_temperature", "weight", "pressure"),
    ),
    Mishap(
        "late-message",
        "F17",
        "Instruments answer late",
        "values are Uncertain and then Bad by their age; none is ever taken for another's",
        (),
        Magnitude(1.0, 0.05, 30.0, "s", "chosen: of wall time"),
        MINUTE_S,
        1.0,
        HOUR_S,
        wire="delay",
    ),
    Mishap(
        "duplicate-message",
        "F17",
        "Instruments answer twice",
        "no wrong value: an answer that cannot be told from another's is thrown away, and Bad",
        (),
        None,
        MINUTE_S,
        1.0,
        HOUR_S,
        wire="duplicate",
    ),
    Mishap(
        "clock-jump",
        "F17",
        "Clock of an instrument jumps",
        "only the time stamps that an instrument gives are off; durations and ages are not reckoned from them",
        (),
        Magnitude(3600.0, -86_400.0, 86_400.0, "s", CHOSEN),
        MINUTE_S,
        1.0,
        HOUR_S,
        wire="clock",
    ),
    Mishap(
        "wrong-way",
        "F18",
        "Actuator works the other way",
        "the further the output goes, the further the value goes away from its setpoint (heater: leads of a heating "
        "and cooling element swapped; base: acid in its bottle; oxygen and nitrogen exchanged); an alarm where its "
        "loop declares an effect",
        ("heater", "base_rpm", "o2_sp"),
    ),
)

CATALOGUE: Mapping[str, Mishap] = {mishap.name: mishap for mishap in _ALL}
"""All mishaps by name."""
