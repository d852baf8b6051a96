"""Cross-checks of a site: wires, and vessels against their class."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from controller.config.bind import Bound
from controller.config.calculated_cells import GrowthFromDensity
from controller.config.calculated_general import Rate
from controller.config.calibrated import fits
from controller.config.check_outputs import in_speed, shortest_cycle_s
from controller.config.problems import Path, nearest
from controller.config.simulation_words import QUANTITIES, WORDS, SimulationCheck
from controller.config.site import Calibration, Connection, SiteConfig, Vessel, simulated_vessels
from controller.config.tag_class import Source
from controller.config.url import SHARED, Endpoint, parse_url
from controller.config.vessel_class import VesselClassConfig
from controller.units import UnitError, parse_quantity

SCANS_PER_PULSE = 2
"""The scans that a dose, or a period of pulses, takes at least."""
SCANS_PER_WINDOW = 24
"""The scans whose values make a slope that is Good."""


class SiteChecker:
    """Adds to a bound site what does not fit together. ``classes`` are by vessel; a vessel whose class could not be
    read is left out.
    """

    def __init__(self, bound: Bound[SiteConfig], config: SiteConfig, classes: Mapping[str, VesselClassConfig]) -> None:
        self.bound = bound
        self.config = config
        self.classes = classes
        self.points: dict[tuple[str, str], str] = {}

    def run(self, drivers: Collection[str] | None = None, simulation: SimulationCheck | None = None) -> None:
        """All checks; driver names only against ``drivers`` and simulated vessels by ``simulation``, when given."""
        self._endpoints()
        for name, connection in self.config.connections.items():
            self._connection(name, connection, drivers)
        for name, vessel in self.config.vessels.items():
            self._simulation(name, vessel, simulation)
            self._connections_exist(name, vessel)
            if name in self.classes:
                self._roles(name, vessel, self.classes[name])
                self._calibrations(name, vessel, self.classes[name])
                self._points(name, vessel, self.classes[name])
                self._pulses(name, self.classes[name])
                self._windows(name, self.classes[name])

    def _known(self, path: Path, name: str, names: Collection[str], what: str, *, at_key: bool = False) -> None:
        if name not in names:
            hint = nearest(name, list(names))
            self.bound.problem(path, f"there is no {what} {name!r}", hint, at_key=at_key)

    def _endpoints(self) -> None:
        """One owner per wire, but for lines of devices with numbers."""
        owners: dict[tuple[str, str], str] = {}
        for name, connection in self.config.connections.items():
            wire = parse_url(connection.url)
            owner = owners.setdefault((wire.scheme, wire.place), name)
            if owner != name:
                self._share(name, connection, wire, owner)

    def _share(self, name: str, connection: Connection, wire: Endpoint, owner: str) -> None:
        """What is wrong with a wire that belongs to connection ``owner`` already."""
        first, path = self.config.connections[owner], ("connections", name, "url")
        if wire.scheme not in SHARED:
            message = f"this wire belongs to connection {owner!r} already"
            self.bound.problem(path, message, "one connection per wire")
        elif wire.settings != parse_url(first.url).settings:
            message = f"connection {owner!r} speaks otherwise on this line"
            self.bound.problem(path, message, "the same settings for all on one line")
        elif (connection.driver, connection.options) == (first.driver, first.options):
            message = f"connection {owner!r} is the same device on this line"
            self.bound.problem(path, message, "another number in the options, or one connection for both")

    def _connection(self, name: str, connection: Connection, drivers: Collection[str] | None) -> None:
        path: Path = ("connections", name)
        if drivers is not None:
            self._known((*path, "driver"), connection.driver, drivers, "driver")
        for vessel in simulated_vessels(connection):
            self._known((*path, "simulation"), str(vessel), self.bound.document.names(("vessels",)), "vessel")

    def _simulation(self, name: str, vessel: Vessel, check: SimulationCheck | None) -> None:
        path: Path = ("vessels", name, "simulation")
        before = len(self.bound.problems)
        for key, value in vessel.simulation.items():
            self._known((*path, key), key, WORDS, "word of a simulated vessel", at_key=True)
            if key in QUANTITIES:
                try:
                    parse_quantity(str(value), QUANTITIES[key].unit)
                except UnitError as error:
                    self.bound.problem((*path, key), f"{key}: {error.message}", error.hint)
        if check is not None and len(self.bound.problems) == before:
            for where, message in check(vessel.simulation):
                self.bound.problem((*path, *where), message)

    def _connections_exist(self, name: str, vessel: Vessel) -> None:
        known = self.bound.document.names(("connections",))
        for role, connection in vessel.instruments.items():
            self._known(("vessels", name, "instruments", role), connection, known, "connection")

    def _roles(self, name: str, vessel: Vessel, vessel_class: VesselClassConfig) -> None:
        path: Path = ("vessels", name, "instruments")
        for role in vessel.instruments:
            self._known((*path, role), role, vessel_class.instruments, "role", at_key=True)
        for role in vessel_class.instruments:
            if role not in vessel.instruments:
                message = f"no instrument for the role {role!r} of class {vessel_class.vessel_class}"
                self.bound.problem(path, message, f"add {role}: and a connection", at_key=True)

    def _calibrations(self, name: str, vessel: Vessel, vessel_class: VesselClassConfig) -> None:
        path: Path = ("vessels", name, "calibration")
        needed = [one.calibration for one in vessel_class.measurements.values() if one.calibration]
        tags = [(one.calibration or key, one.unit) for key, one in vessel_class.measurements.items()]
        tags += [(key, one.unit) for key, one in vessel_class.outputs.items()]
        for key, calibration in vessel.calibration.items():
            self._known((*path, key), key, [name for name, _ in tags], "calibration", at_key=True)
            for unit in (unit for name, unit in tags if name == key):
                self._factor((*path, key, "factor"), calibration, unit)
        for key in needed:
            if key not in vessel.calibration:
                message = f"no calibration {key!r}, which class {vessel_class.vessel_class} needs"
                self.bound.problem(path, message, f"add {key}: with a factor and a date", at_key=True)

        for key, output in vessel_class.outputs.items():
            if in_speed(output) and key not in vessel.calibration:
                message = f"no calibration {key!r}: class {vessel_class.vessel_class} gives its step as a pump's speed"
                self.bound.problem(path, message, f"add {key}: with a factor and a date", at_key=True)

    def _factor(self, path: Path, calibration: Calibration, unit: str) -> None:
        """A factor times an instrument's number is in the tag's unit."""
        if not fits(calibration.factor.unit, unit):
            message = f"factor: {calibration.factor.unit} does not give {unit}"
            self.bound.problem(path, message, f"write what one unit of the instrument is in {unit}")

    def _pulses(self, name: str, vessel_class: VesselClassConfig) -> None:
        """A scan is the shortest pulse there can be, and a dose that is one scan long is seldom right."""
        least = SCANS_PER_PULSE * self.config.scan_period.to("s")
        for output, entry in vessel_class.outputs.items():
            if (lasts := shortest_cycle_s(entry)) < least - 1e-9:
                message = f"output {output} of class {vessel_class.vessel_class} is pulsed every {lasts:.4g} s"
                hint = f"scans every {self.config.scan_period} can do so every {least:.4g} s: make pulses longer"
                self.bound.problem(("vessels", name, "class"), message, hint)

    def _windows(self, name: str, vessel_class: VesselClassConfig) -> None:
        """A line through fewer values than these is never believed."""
        least = SCANS_PER_WINDOW * self.config.scan_period.to("s")
        for tag, entry in vessel_class.calculated.items():
            if not isinstance(entry, Rate | GrowthFromDensity) or _of_samples(entry, vessel_class):
                continue
            if entry.window.to("s") < least - 1e-9:
                message = f"the window of {tag} of class {vessel_class.vessel_class} is {entry.window}"
                hint = f"{SCANS_PER_WINDOW} scans every {self.config.scan_period} make a slope: {least:.4g} s or more"
                self.bound.problem(("vessels", name, "class"), message, hint)

    def _points(self, name: str, vessel: Vessel, vessel_class: VesselClassConfig) -> None:
        """No two vessels share a point: a probe wired to two vessels is a copied line that was not changed."""
        entries: list[Source] = [one.source for one in vessel_class.measurements.values()]
        entries += [one.source for one in vessel_class.outputs.values()]
        shared: set[str] = set()
        for source in entries:
            connection = vessel.instruments.get(source.instrument, "")
            owner = self.points.setdefault((connection, source.point.replace("{vessel}", name)), name)
            if connection and owner != name and source.instrument not in shared:
                shared.add(source.instrument)
                message = f"{connection} serves vessel {owner} already, with the same points"
                self.bound.problem(("vessels", name, "instruments", source.instrument), message)


def _of_samples(entry: Rate | GrowthFromDensity, vessel_class: VesselClassConfig) -> bool:
    """Whether it is calculated from samples, which come by themselves and not with the scans."""
    measurement = vessel_class.measurements.get(entry.inputs.density) if isinstance(entry, GrowthFromDensity) else None
    return measurement is not None and measurement.sampled
