"""Cross-checks of a vessel class: gas mixers, their stations and their controllers."""

from __future__ import annotations

from typing import NamedTuple

from controller.config.checker import Checker
from controller.config.loop_class import StationLoop
from controller.config.mixer_class import GasMixer
from controller.config.problems import Path
from controller.units import UnitError

AIR = 0.2095
"""Volume fraction of oxygen in dry air."""

STATIONS = ("total", "oxygen", "carbon_dioxide")


def check_mixers(check: Checker) -> None:
    """Stations and outputs exist and belong to one mixer each, no loop moves a gas beside its mixer, and the limits of
    the stations are mixes that there can be.
    """
    used: dict[tuple[str, str], str] = {}
    movers = _movers(check)
    for name, mixer in check.config.gas_mixers.items():
        path: Path = ("gas_mixers", name)
        whole = [_station(check, path, mixer, key, used) for key in STATIONS]
        whole += [_gas(check, path, mixer, gas, used, movers) for gas in mixer.gases.outputs()]
        if all(whole) and check.bound.whole(path):
            _Limits(check, mixer).run()


def _movers(check: Checker) -> dict[str, str]:
    """The loop that moves each output itself."""
    movers: dict[str, str] = {}
    for name, loop in check.config.loops.items():
        outputs = [leg.output for leg in getattr(loop, "legs", ())] or [getattr(loop, "output", None)]
        movers |= {output: name for output in outputs if output is not None}
    return movers


def _taken(check: Checker, path: Path, kind: str, name: str, used: dict[tuple[str, str], str]) -> bool:
    """Whether another mixer, or this one in another place, uses it already."""
    other = used.setdefault((kind, name), str(path[1]))
    place = used.setdefault((kind, f"{name} at"), str(path))
    if other == path[1] and place == str(path):
        return False
    check.bound.problem(path, f"{kind} {name!r} belongs to gas mixer {other!r} already", "each has its own")
    return True


def _station(check: Checker, path: Path, mixer: GasMixer, key: str, used: dict[tuple[str, str], str]) -> bool:
    """Whether a station is there, is one, and is in a fitting unit; the mixer may have none."""
    name = getattr(mixer, key)
    if name is None:
        return True
    if not check.known((*path, key), name, check.names("loops"), "loop"):
        return False
    loop = check.config.loops.get(name)
    if not isinstance(loop, StationLoop):
        if loop is not None:
            hint = "a gas mixer works to loops of type: station"
            check.bound.problem((*path, key), f"{name!r} is no station", hint)
        return False
    if _taken(check, (*path, key), "station", name, used):
        return False
    for rule, word in (("on_restart", "hold_output"), ("on_bad_pv", "manual")):
        if getattr(loop, rule) == word:
            check.bound.problem(("loops", name, rule), f"{rule}: a station has no output to be set by hand")
    air = check.config.outputs.get(mixer.gases.air)
    unit = (air.unit if air else None) if key == "total" else "1"
    low = check.value(("loops", name, "setpoint", "low"), loop.setpoint.low, unit)
    return low is not None and check.bound.whole(("loops", name))


def _gas(
    check: Checker, path: Path, mixer: GasMixer, gas: str, used: dict[tuple[str, str], str], movers: dict[str, str]
) -> bool:
    """Whether a gas has an output that is this mixer's alone and can hold any flow from 0 up."""
    name, here = mixer.gases.outputs()[gas], (*path, "gases", gas)
    if not check.known(here, name, check.names("outputs"), "output"):
        return False
    output, air = check.config.outputs.get(name), check.config.outputs.get(mixer.gases.air)
    if output is None or air is None or _taken(check, here, "output", name, used):
        return False
    if name in movers:
        hint = f"let {movers[name]} move the mixer's stations instead"
        check.bound.problem(here, f"output {name!r} is moved by loop {movers[name]!r} already", hint)
        return False
    if output.pulsed or output.once:
        check.bound.problem(here, f"{name} is not steady: a gas mixer needs steady flows", "see turndown")
        return False
    high, low = check.value(here, output.range.high, air.unit), check.value(here, output.range.low, air.unit)
    if low:
        check.bound.problem(here, f"{name} cannot be shut: its range begins at {output.range.low}", "write low: 0")
    return high is not None and not low


class _Span(NamedTuple):
    """What a station may be asked for, as a number: a flow in the total's unit, or a fraction."""

    low: float
    high: float
    path: Path


class _Limits:
    """The limits of one mixer's stations against the ranges of its controllers, in the unit of the air flow."""

    def __init__(self, check: Checker, mixer: GasMixer) -> None:
        self._check, self._mixer = check, mixer
        self._unit = check.config.outputs[mixer.gases.air].unit
        self._high = {
            gas: check.config.outputs[name].range.high.to(self._unit) for gas, name in mixer.gases.outputs().items()
        }
        self._smallest = {gas: high / mixer.turndown for gas, high in self._high.items()}

    def run(self) -> None:
        """Add a problem for every limit that no mix reaches."""
        spans = [self._span(key) for key in STATIONS]
        total, oxygen, carbon_dioxide = spans
        if total is None or ("fine_air" in self._high and not self._fine_air()):
            return
        none = carbon_dioxide or _Span(0.0, 0.0, ())
        if oxygen and not self._oxygen(oxygen, none):
            return
        self._total(total, oxygen, none)
        least = max(total.low, self._least_air())
        if oxygen:
            self._reach((*oxygen.path, "high"), least, oxygen.high, none.low)
            self._reach((*oxygen.path, "low"), least, oxygen.low, none.low)
        if carbon_dioxide:
            high = carbon_dioxide.high
            self._reach((*carbon_dioxide.path, "high"), least, self._by_air(oxygen, high), high)

    def _span(self, key: str) -> _Span | None:
        name = getattr(self._mixer, key)
        if name is None:
            return None
        setpoint, unit = self._check.config.loops[name].setpoint, self._unit if key == "total" else "1"
        try:
            return _Span(setpoint.low.to(unit), setpoint.high.to(unit), ("loops", name, "setpoint"))
        except UnitError:
            return None  # reported where the loop is checked

    def _least_air(self) -> float:
        return self._smallest.get("fine_air", self._smallest["air"])

    @staticmethod
    def _by_air(oxygen: _Span | None, carbon_dioxide: float) -> float:
        """The oxygen that air gives, as near as the station may come."""
        natural = AIR * (1.0 - carbon_dioxide)
        return min(max(natural, oxygen.low), oxygen.high) if oxygen else natural

    def _fine_air(self) -> bool:
        """Whether the fine controller still holds a flow where the other one begins."""
        if self._high["fine_air"] >= self._smallest["air"] + self._smallest["fine_air"]:
            return True
        path: Path = ("gas_mixers", self._name(), "gases", "fine_air")
        self._check.bound.problem(
            path, "fine_air ends below the smallest flow of air: flows between them are missing", "take a larger one"
        )
        return False

    def _name(self) -> str:
        return next(name for name, mixer in self._check.config.gas_mixers.items() if mixer is self._mixer)

    def _oxygen(self, oxygen: _Span, carbon_dioxide: _Span) -> bool:
        """Whether the gases that are there can make the oxygen that may be asked for."""
        problem, before = self._check.bound.problem, len(self._check.bound.problems)
        if oxygen.high + carbon_dioxide.high > 1.0 + 1e-9:
            problem((*oxygen.path, "high"), "high: with the most carbon dioxide this is more than the whole gas")
        if "oxygen" not in self._high and oxygen.high > AIR * (1.0 - carbon_dioxide.low) + 1e-9:
            problem((*oxygen.path, "high"), "high: without oxygen no mix has more than air", "add oxygen: to gases")
        if "nitrogen" not in self._high and oxygen.low < AIR * (1.0 - carbon_dioxide.high) - 1e-9:
            problem((*oxygen.path, "low"), "low: without nitrogen no mix has less than air", "add nitrogen: to gases")
        return len(self._check.bound.problems) == before

    def _total(self, total: _Span, oxygen: _Span | None, carbon_dioxide: _Span) -> None:
        """The lowest total is a flow that the air controller holds, the highest one that there can be."""
        if 0.0 < total.low < self._least_air() * (1.0 - 1e-9):
            message = f"low: the air controller holds no less than {self._least_air():.6g} {self._unit}"
            self._check.bound.problem((*total.path, "low"), message, "its range divided by turndown")
        self._reach((*total.path, "high"), total.high, self._by_air(oxygen, carbon_dioxide.low), carbon_dioxide.low)

    def _reach(self, path: Path, total: float, oxygen: float, carbon_dioxide: float) -> None:
        """A problem at ``path`` where a controller would have to give more than it can."""
        for gas, flow in self._needed(total, oxygen, carbon_dioxide).items():
            high = self._high.get(gas, 0.0) + (self._high.get("fine_air", 0.0) if gas == "air" else 0.0)
            if flow > high * (1.0 + 1e-9) + 1e-12:
                what = f"{gas.replace('_', ' ')} would have to be {flow:.4g} {self._unit} of at most {high:.4g}"
                self._check.bound.problem(path, f"{path[-1]}: {what}", "no mix of these gases reaches it")
                return

    def _needed(self, total: float, oxygen: float, carbon_dioxide: float) -> dict[str, float]:
        """The flow of each gas; ``total`` is that of the air where the mixer is additive."""
        natural = AIR * (1.0 - carbon_dioxide)
        if self._mixer.mode == "additive":
            by_air = (
                AIR / max(oxygen, 1e-12)
                if oxygen < natural
                else (1.0 - AIR) / max(1.0 - oxygen - carbon_dioxide, 1e-12)
            )
            total *= by_air
        added = max(oxygen - natural, 0.0) / (1.0 - AIR)
        thinned = max(natural - oxygen, 0.0) / AIR
        shares = {"air": 1.0 - carbon_dioxide - added - thinned, "oxygen": added, "nitrogen": thinned}
        return {gas: total * share for gas, share in (shares | {"carbon_dioxide": carbon_dioxide}).items()}
