"""What one calibration works on: the tags behind its name, their instruments, the calibration in force, the session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.composition.calibration.live import Instrument, Settled, Still, Unreachable, settle
from controller.composition.calibration.results import Line, Refused
from controller.composition.claims import owner_of, wires_of
from controller.config.calibrated import Calibrated, alike, users
from controller.units import Quantity, convert, parse_quantity
from drivers.registry import UnknownDriver

if TYPE_CHECKING:
    from controller.composition.calibration.session import Session
    from controller.config.load import LoadedSite
    from controller.config.site import Connection
    from controller.config.tag_class import Measurement, Output, Source

WAIT_S = 120.0
"""How long a reading may take to stand still before the operator is asked."""
STILL = {"[pH]": Still(0.03, 15.0), "%": Still(2.0, 30.0), "g": Still(0.2, 3.0)}
"""When a reading counts as still, by unit: the span of so many seconds."""


class NotPossible(Exception):
    """Asked for what this tag cannot have; the text says why."""


class Finding(NamedTuple):
    """What came out. Without a ``factor`` nothing changes; ``passed`` is for checks. ``readings`` and ``references``
    are plain JSON.
    """

    factor: Quantity | None
    offset: Quantity | None
    readings: list[dict[str, Any]]
    references: list[dict[str, Any]]
    passed: bool | None = None
    text: str = ""


class Place(NamedTuple):
    """A point that is read, and the line and unit of its value."""

    instrument: Instrument
    address: str
    line: Line
    unit: str


@dataclass(slots=True)
class Job:
    """``urls`` replaces addresses, for simulated instruments; ``band`` and ``window_s`` when a reading is still."""

    loaded: LoadedSite
    vessel: str
    name: str
    session: Session
    runner: asyncio.Runner
    urls: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    balance: str = ""
    thermometer: str = ""
    band: float | None = None
    window_s: float | None = None
    show: Callable[[float], None] = lambda _: None
    wait_s: float = WAIT_S
    _instruments: dict[str, Instrument] = field(default_factory=dict)

    @property
    def old(self) -> Calibrated | None:
        """The calibration in force."""
        return self.loaded.calibration(self.vessel, self.name)

    def known(self, vessel: str, name: str) -> bool:
        """Whether the site has such a calibration."""
        return vessel in self.loaded.classes and bool(users(self.loaded.classes[vessel], name))

    def measurement(self, *units: str) -> tuple[str, Measurement]:
        """The measured tag that the calibration goes into, its unit converting to one of ``units``. Raises
        :class:`NotPossible`.
        """
        measured = self.loaded.classes[self.vessel].measurements
        for tag, entry in measured.items():
            if (entry.calibration or tag) == self.name and any(alike(entry.unit, unit) for unit in units):
                return tag, entry
        fit = [entry.calibration or tag for tag, entry in measured.items() if any(alike(entry.unit, u) for u in units)]
        where = f"; measured so: {', '.join(fit)}" if fit else ""
        raise NotPossible(f"{self.vessel}.{self.name} is not measured in {' or '.join(units)}{where}")

    def output(self) -> Output:
        """The output that the calibration goes into. Raises :class:`NotPossible`."""
        outputs = self.loaded.classes[self.vessel].outputs
        found = outputs.get(self.name)
        if found is None:
            known = ", ".join(name for name in outputs if self.loaded.calibration(self.vessel, name)) or ", ".join(
                outputs
            )
            why = f"a pump is calibrated by the name of its flow: {known}"
            raise NotPossible(f"{self.vessel} has no output {self.name}; {why}")
        return found

    def instrument(self, connection: str) -> Instrument:
        """The instrument of a connection of the site. Raises :class:`NotPossible`, and :class:`Unreachable` when a
        running supervisor has it.
        """
        if connection not in self._instruments:
            entry = self.loaded.config.connections.get(connection)
            if entry is None:
                known = ", ".join(self.loaded.config.connections)
                raise NotPossible(f"there is no connection {connection!r}; known: {known}")
            expected = entry.expect.model_dump(exclude_none=True) if entry.expect and not self.urls else {}
            url, options = self._wire(entry, connection)
            self.must_be_free(connection)
            try:
                self._instruments[connection] = Instrument(connection, entry.driver, url, options, expected)
            except (UnknownDriver, ValueError) as error:
                raise NotPossible(f"{connection}: {error}") from error
        return self._instruments[connection]

    def must_be_free(self, connection: str) -> None:
        """Before it is connected to, and before anything acts on it. Raises :class:`Unreachable` when a running
        supervisor has it.
        """
        url, options = self._wire(self.loaded.config.connections[connection], connection)
        if owner := owner_of(wires_of(url, options)):
            raise Unreachable(f"{connection} belongs to {owner}, and it would act on what is read: stop it first")

    def _wire(self, entry: Connection, name: str) -> tuple[str, Mapping[str, object]]:
        return self.urls.get(name, entry.url), {**entry.options, **self.options.get(entry.driver, {})}

    def behind(self, source: Source) -> tuple[Instrument, str]:
        """The instrument and the point behind a tag."""
        connection = self.loaded.config.vessels[self.vessel].instruments[source.instrument]
        return self.instrument(connection), source.point.replace("{vessel}", self.vessel)

    def place(self, tag: str, entry: Measurement) -> Place:
        """Where a measured tag is read, with its present line."""
        found = self.loaded.calibration(self.vessel, entry.calibration or tag)
        return Place(*self.behind(entry.source), Line(*found.line(entry.unit)) if found else Line(1.0, 0.0), entry.unit)

    def reading(self, key: str, place: Place, *, line: Line | None = None) -> dict[str, Any]:
        """Read a place until it stands still, or the operator takes it with a reason; plain JSON. ``value`` is by
        ``line``, the place's own unless given. Raises :class:`Refused` when there is nothing to take.
        """
        still, line = self.still(place.unit), line or place.line
        raw_still = Still(still.band / abs(line.factor), still.window_s)
        self.session.say(f"  reading {place.instrument.name} {place.address} …\n")
        forced = ""
        while True:
            work = settle(place.instrument, place.address, raw_still, self.wait_s, lambda raw: self.show(line.at(raw)))
            found = self.runner.run(work)
            if found is None:
                raise Refused(f"{place.instrument.name} {place.address} gives no usable value")
            if found.still or (forced := self._force(key, found, still, line)):
                break
        value = line.at(found.value)
        self.session.say(f"  {value:.5g} {place.unit}, within {found.span * abs(line.factor):.2g}\n")
        return {
            "point": f"{place.instrument.name} {place.address}", "raw": found.value, "value": value, "unit": place.unit,
            "span": found.span * abs(line.factor), "quality": found.quality.name.lower(), "detail": found.detail,
            "forced": forced,
        }  # fmt: skip

    def still(self, unit: str) -> Still:
        """When a reading in this unit stands still."""
        usual = next((one for known, one in STILL.items() if known == unit), None)
        if usual is None and alike(unit, "g"):
            usual = Still(convert(STILL["g"].band, "g", unit), STILL["g"].window_s)
        if usual is None and (self.band is None or self.window_s is None):
            raise NotPossible(f"when does a reading in {unit} stand still? Give --band and --window")
        band = self.band if self.band is not None else usual.band if usual else 0.0
        return Still(band, self.window_s if self.window_s is not None else usual.window_s if usual else 0.0)

    def close(self) -> None:
        """Give all lines back."""
        for instrument in self._instruments.values():
            self.runner.run(instrument.close())

    def _force(self, key: str, found: Settled, still: Still, line: Line) -> str:
        span = found.span * abs(line.factor)
        text = f"  not still: {span:.3g} in {still.window_s:g} s, {still.band:g} is asked for. "
        return self.session.ask(f"{key}-force", f"{text}A reason to take it all the same, or Enter to wait on", str)


def calibratable(loaded: LoadedSite, vessel: str) -> list[str]:
    """The names on a vessel for which there may be a method: what is measured in pH, % or as a mass, and pumps."""
    vessel_class = loaded.classes[vessel]
    measured = vessel_class.measurements.items()
    names = [entry.calibration or tag for tag, entry in measured if any(alike(entry.unit, unit) for unit in STILL)]
    return list(dict.fromkeys([*names, *(name for name in vessel_class.outputs if loaded.calibration(vessel, name))]))


def number(unit: str, low: float, high: float) -> Callable[[str], float]:
    """Reads a number, in ``unit`` or with a unit of its own, from ``low`` to ``high``."""

    def read(text: str) -> float:
        """The number in ``unit``. Raises ``ValueError``."""
        try:
            value = float(text)
        except ValueError:
            value = parse_quantity(text, unit).to(unit)
        if not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g} {unit} can be")
        return value

    return read
