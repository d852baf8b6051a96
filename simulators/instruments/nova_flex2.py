"""Nova BioProfile FLEX2 on its Bridge PC: tags only, no methods, no events; commands are bits that may be ignored.

Source: Nova LPN 60644B section 9 as transcribed in public documents (node ids, branches, units); namespace URIs, the
exact place of StartTags and whether a command bit clears itself are not known, and are settings or our choice here.

Settings: ``vessels`` (names; a sample ``<vessel>-<anything>`` holds what that vessel holds when it is taken, any other
a fixed solution), ``separator`` (``->``), ``old`` (all in one namespace, as before 3.0), ``full_names`` (browse names
are whole ids), ``self_clears`` (true), ``ignores`` (0: so many commands are ignored first), ``missing`` (modules that
are not installed, of Chem, Gas, Osmo, CellDensity), ``panel_s`` (270), ``amends_s`` (0: never; seconds after a result
at which its glucose is corrected), ``errors`` (branch/analyte with an ErrorStatus), ``units`` (by branch/analyte),
and those of :mod:`simulators.opcua_access`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from simulators.faults import STREAM_FAULTS
from simulators.instrument import Context, Signals
from simulators.instruments.nova_analyzer import ALONE, PANEL_S, Analyzer, Order, Result
from simulators.opcua_access import access_of
from simulators.opcua_server import current, serving
from simulators.wall import utc_now

PATH = "/NovaBiomedical"
CYCLE_S = 0.05
TORN_S = 0.02
"""Wall seconds between the first and the last tag of a new result: they are not set together."""
RESULTS, COMMANDS = "OPCSystemObjects/HistoricalSampleResults", "OPCSystemCommands"
SCHEDULES = ("ESMScheduleAnalysis", "EXT_OLSScheduleAnalysis", "AutosamplerScheduleAnalysis")
ARGUMENTS = ("SampleInformation/SampleID", "SampleInformation/VesselID", "Operator", "SampleType", "DueTime")
MODULES: Mapping[str, str] = {"CellDensity": "CDV", "Chem": "Chemistry", "Gas": "Gas", "Osmo": "Osmo"}
UNITS: Mapping[str, str] = {
    "Gas/pCO2": "mmHg", "Gas/pO2": "mmHg", "Chem/Gluc": "g/L", "Chem/Lac": "g/L", "Osmo": "mOsm/kg",
    "CellDensity/TotalDensity": "10^6/mL", "CellDensity/ViableDensity": "10^6/mL", "CellDensity/Viability": "%",
    "CellDensity/AvgLiveDiameter": "um", "CellDensity/LiveStdDeviation": "um", "CalculatedResults/HCO3": "mmol/L",
    "CalculatedResults/O2Saturation": "%", "CalculatedResults/CO2Saturation": "%",
    "CalculatedResults/pCO2Corrected": "mmHg", "CalculatedResults/pO2Corrected": "mmHg",
    **{f"Chem/{ion}": "mmol/L" for ion in ("Na", "K", "Ca", "NH4", "Gln", "Glu")},
}  # fmt: skip

FAULTS = STREAM_FAULTS
TEXT, REAL, BIT, TIME = (
    ua.VariantType.String,
    ua.VariantType.Double,
    ua.VariantType.Boolean,
    ua.VariantType.DateTime,
)


@dataclass(slots=True)
class Tags:
    """The address space: folders in one namespace, tags in another, ids that are the whole path."""

    server: Server
    separator: str
    folders: int
    tags: int
    full_names: bool = False
    ids: dict[str, ua.NodeId] = field(default_factory=dict)
    _nodes: dict[str, Node] = field(default_factory=dict)

    async def add(self, path: str, value: object, kind: ua.VariantType, *, writable: bool = False) -> None:
        """Add a tag such as ``OPCSystemObjects/CoreHeartbeat/UpTime``."""
        folder, _, _ = path.rpartition("/")
        node = await (await self._folder(folder)).add_variable(
            self._id(path, self.tags), self._name(path, self.tags), value, kind
        )
        if writable:
            await node.set_writable()
        self.ids[path] = node.nodeid

    async def show(self, path: str, value: object, kind: ua.VariantType, *, missing: bool = False) -> None:
        """Set a tag from inside; Bad_NoData when the module is ``missing``."""
        code = ua.StatusCode(ua.UInt32(StatusCodes.BadNoData if missing else StatusCodes.Good))
        now: datetime = utc_now()
        data = ua.DataValue(ua.Variant(None if missing else value, None if missing else kind), code, now, now)  # type: ignore[arg-type]  # asyncua's DateTime is a datetime
        await self.server.write_attribute_value(self.ids[path], data)

    def value(self, path: str) -> object:
        """What a tag holds."""
        return current(self.server, self.ids[path])

    async def _folder(self, path: str) -> Node:
        if not path:
            return self.server.nodes.objects
        if path not in self._nodes:
            parent = await self._folder(path.rpartition("/")[0])
            self._nodes[path] = await parent.add_object(self._id(path, self.folders), self._name(path, self.folders))
        return self._nodes[path]

    def _id(self, path: str, namespace: int) -> ua.NodeId:
        return ua.NodeId(ua.String(path.replace("/", self.separator)), ua.Int16(namespace))

    def _name(self, path: str, namespace: int) -> ua.QualifiedName:
        name = path.replace("/", self.separator) if self.full_names else path.rpartition("/")[2]
        return ua.QualifiedName(name, namespace)


class Flex2:
    """The instrument behind its tags."""

    def __init__(self, context: Context, tags: Tags, analyzer: Analyzer) -> None:
        spec = context.spec
        self._tags, self.analyzer, self._clock = tags, analyzer, context.clock
        self._self_clears = spec.get("self_clears", True) is not False
        self._missing = {str(one) for one in _list(spec.get("missing", []))}
        self._errors = {str(one) for one in _list(spec.get("errors", []))}
        units = spec.get("units", {})
        self._units = {**UNITS, **({key: str(unit) for key, unit in units.items()} if isinstance(units, dict) else {})}
        self._amends_s = float(str(spec.get("amends_s", 0.0)))
        self._amend: tuple[float, Result] | None = None
        self._risen: set[str] = set()

    async def build(self) -> None:
        """All tags, as they are before the first sample."""
        tags, top = self._tags, "OPCSystemObjects"
        await tags.add(f"{top}/CoreHeartbeat/UpTime", 0.0, REAL)
        await tags.add(f"{top}/DateTime/DateTime", utc_now(), TIME)
        await tags.add(f"{top}/Settings/AnalyzerID", "SIMULATED", TEXT)
        for name in ("SampleTime", "ModifiedTime"):
            await tags.add(f"{RESULTS}/{name}", datetime(1970, 1, 1), TIME)  # noqa: DTZ001 - asyncua's null time
        for name in ("SampleID", "VesselID"):
            await tags.add(f"{RESULTS}/StartTags/SampleInformation/{name}", "", TEXT)
        for name in ("Operator", "SampleType"):
            await tags.add(f"{RESULTS}/StartTags/{name}", "", TEXT)
        for branch, module in MODULES.items():
            path = f"{RESULTS}/StartTags/ModuleInformation/Modules/{module}"
            await tags.add(path, branch not in self._missing, BIT)
        for analyte in ALONE:
            await tags.add(f"{RESULTS}/{analyte}/Result", 0.0, REAL)
            await tags.add(f"{RESULTS}/{analyte}/Units", self._units.get(analyte, ""), TEXT)
            await tags.add(f"{RESULTS}/{analyte}/ErrorStatus", "", TEXT)
        for schedule in SCHEDULES:
            for argument in ARGUMENTS:
                await tags.add(f"{COMMANDS}/{schedule}/{argument}", "", TEXT, writable=True)
            await tags.add(f"{COMMANDS}/{schedule}/{schedule}", False, BIT, writable=True)

    async def cycle(self, uptime_s: float) -> None:
        """Take commands, show results, count the time."""
        for schedule in SCHEDULES:
            await self._take(schedule)
        result = self.analyzer.finished()
        if result is not None:
            await self._show(result)
            if self._amends_s:
                self._amend = (self._clock() + self._amends_s, result)
        if self._amend is not None and self._clock() >= self._amend[0]:
            corrected = {**self._amend[1].values, "Chem/Gluc": self._amend[1].values["Chem/Gluc"] * 1.1}
            result, self._amend = replace(self._amend[1], values=corrected, modified_at=utc_now()), None
            await self._show(result)
        await self._tags.show("OPCSystemObjects/CoreHeartbeat/UpTime", uptime_s, REAL)
        await self._tags.show("OPCSystemObjects/DateTime/DateTime", utc_now(), TIME)

    async def _take(self, schedule: str) -> None:
        """A command is a bit that rises; the write itself was answered Good long before."""
        bit = f"{COMMANDS}/{schedule}/{schedule}"
        if self._tags.value(bit) is not True:
            self._risen.discard(schedule)
            return
        if schedule in self._risen:
            return
        self._risen.add(schedule)
        sample, vessel, operator, kind, _due = (
            str(self._tags.value(f"{COMMANDS}/{schedule}/{argument}") or "") for argument in ARGUMENTS
        )
        self.analyzer.schedule(Order(sample, vessel, operator, kind))
        if self._self_clears:
            await self._tags.show(bit, False, BIT)

    async def _show(self, result: Result) -> None:
        """The new result, tag by tag."""
        start = f"{RESULTS}/StartTags"
        await self._tags.show(f"{RESULTS}/SampleTime", result.sampled_at, TIME)
        await self._tags.show(f"{RESULTS}/ModifiedTime", result.modified_at, TIME)
        for count, (analyte, value) in enumerate(result.values.items()):
            missing = analyte.partition("/")[0] in self._missing
            error = "Sensor error" if analyte in self._errors else ""
            await self._tags.show(f"{RESULTS}/{analyte}/Result", value, REAL, missing=missing)
            await self._tags.show(f"{RESULTS}/{analyte}/ErrorStatus", error, TEXT, missing=missing)
            if count == len(result.values) // 2:
                await asyncio.sleep(TORN_S)
        await self._tags.show(f"{start}/SampleInformation/VesselID", result.order.vessel, TEXT)
        await self._tags.show(f"{start}/Operator", result.order.operator, TEXT)
        await self._tags.show(f"{start}/SampleType", result.order.sample_type, TEXT)
        await self._tags.show(f"{start}/SampleInformation/SampleID", result.order.sample, TEXT)


async def run(context: Context, server: Server) -> None:
    """Be the instrument until cancelled. `server` comes from :func:`simulators.opcua_server.warm_server`."""
    spec = context.spec
    folders = await server.register_namespace("urn:simulated:flex2:folders")
    both = folders if spec.get("old") is True else await server.register_namespace("urn:simulated:flex2:tags")
    tags = Tags(server, str(spec.get("separator", "->")), folders, both, spec.get("full_names") is True)
    names = [str(name) for name in _list(spec.get("vessels", []))]
    analyzer = Analyzer(
        context.seed,
        context.clock,
        utc_now,
        partial(_vessel, context, names),
        float(str(spec.get("panel_s", PANEL_S))),
        int(str(spec.get("ignores", 0))),
    )
    instrument = Flex2(context, tags, analyzer)
    await instrument.build()
    started = time.monotonic()
    async with serving(server, PATH, access_of(context), context.faults, context.port) as address:
        context.ready(address)
        while True:
            await instrument.cycle(time.monotonic() - started)
            await asyncio.sleep(CYCLE_S)


def _vessel(context: Context, names: list[str], sample: str) -> Signals | None:
    return next((context.vessels[name] for name in names if sample.startswith(f"{name}-")), None)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]
