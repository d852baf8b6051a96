"""Beckman Coulter Vi-CELL BLU cell counter on OPC UA: methods and play control behind an automation lock.

Source: as01-beckman/ViCellOpcUaExampleCode 1.4.4.1. Offered: RequestLock, ReleaseLock, GetSampleResults, GetCellTypes,
StartSample, Stop. The lock belongs to the user, not to the session: a host that comes back after a crash takes it
again. A sample named ``<vessel>-<anything>`` holds what that vessel holds at StartSample; any other is free of cells.

Settings: ``vessels`` (names; or one ``vessel``), and those of :mod:`simulators.opcua_access`: ``user`` is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.server import Server
from asyncua.ua.status_codes import StatusCodes

from simulators.faults import STREAM_FAULTS
from simulators.instrument import Context, has
from simulators.instruments.vicell_counter import CELLS_PER_DENSITY, Counter, Culture, Order, Refusal, Sample
from simulators.instruments.vicell_types import add_types
from simulators.opcua_access import access_of
from simulators.opcua_server import publish, serving
from simulators.wall import utc_now

NAMESPACE = "ViCellBlu"
PATH = "/ViCellBlu/Server"
REFRESH_S = 0.2
"""Wall seconds between two updates of the state variables."""

FAULTS = STREAM_FAULTS

CELL_TYPES = ("BCI Default", "Mammalian", "Insect", "Yeast", "BCI Viab Beads", "BCI L10 Beads")

MODEL: Any = ua
"""Where asyncua puts the classes of the instrument's own data types once :func:`add_types` has run."""

Inputs: TypeAlias = Sequence[tuple[str, ua.VariantType | str]]
Handler: TypeAlias = Callable[..., dict[str, Any]]

RESULT_INPUTS: Inputs = (
    ("Username", ua.VariantType.String),
    ("FromDate", ua.VariantType.DateTime),
    ("ToDate", ua.VariantType.DateTime),
    ("FilterType", ua.VariantType.Int32),
    ("CellTypeQualityControlName", ua.VariantType.String),
    ("SearchNameString", ua.VariantType.String),
    ("SearchTagString", ua.VariantType.String),
)

log = logging.getLogger(__name__)


class ViCell:
    """The instrument behind its methods: the lock, the counter, and answers in the instrument's own words."""

    def __init__(self, counter: Counter, user: str) -> None:
        self.counter = counter
        self.locked = False
        self._user = user

    def request_lock(self) -> dict[str, Any]:
        """Take the automation lock."""
        self.locked = True
        return {"LockState": MODEL.LockStateEnum.Locked}

    def release_lock(self) -> dict[str, Any]:
        """Give the automation lock back. Raises :class:`Refusal` without it."""
        self._need_lock()
        self.locked = False
        return {"LockState": MODEL.LockStateEnum.Unlocked}

    def start_sample(self, config: Any) -> dict[str, Any]:
        """Count one sample. Raises :class:`Refusal` when locked out, busy, or when the configuration is wrong."""
        self._need_lock()
        if not isinstance(config, MODEL.SampleConfig):
            raise Refusal("the argument is no SampleConfig")
        self.counter.start(
            Order(
                name=config.SampleName or "",
                tag=config.Tag or "",
                dilution=config.Dilution,
                row=config.SamplePosition.Row or "",
                column=config.SamplePosition.Column,
                cell_type=config.CellType.CellTypeName or "",
                quality_control=config.QualityControl.QualityControlName or "",
                wash=int(config.WashType),
            )
        )
        return {}

    def stop(self) -> dict[str, Any]:
        """Give the running sample up. Raises :class:`Refusal` when there is none."""
        self._need_lock()
        self.counter.stop()
        return {}

    def cell_types(self) -> dict[str, Any]:
        """The cell types the counter knows. Raises :class:`Refusal` without the lock."""
        self._need_lock()
        return {"CellTypes": [MODEL.CellType(name) for name in self.counter.cell_types]}

    def sample_results(
        self, user: str, start: datetime, end: datetime, kind: int, cells: str, name: str, tag: str
    ) -> dict[str, Any]:
        """Samples, running ones included, that pass every filter that is not empty. `kind` 0 set, 1 sample: each set
        here is one sample with the sample's name. Raises :class:`Refusal` without the lock.
        """
        self._need_lock()
        if kind not in {0, 1}:
            raise Refusal("FilterType must be 0 (sample set) or 1 (sample)")
        found = [
            self._result(sample)
            for sample in self.counter.samples
            if (not user or user == self._user)
            and _aware(start) <= sample.started_at <= _aware(end)
            and (not cells or cells in {sample.cell_type, sample.quality_control})
            and (name or "") in sample.name
            and (tag or "") in sample.tag
        ]
        return {"SampleResults": found}

    def _need_lock(self) -> None:
        if not self.locked:
            raise Refusal("the automation lock has not been requested")

    def _result(self, sample: Sample) -> Any:
        status = self.counter.status(sample)
        result = MODEL.SampleResult(
            SampleDataUuid=sample.identifier,
            SampleId=sample.name,
            SampleStatus=MODEL.SampleStatusEnum(int(status)),
            Position=MODEL.SamplePosition(*sample.position),
            Tag=sample.tag,
            Dilution=sample.dilution,
            WashType=MODEL.WashTypeEnum(sample.wash),
            CellType=sample.cell_type,
            QualityControlName=sample.quality_control,
            AnalysisDateTime=sample.started_at,
            AnalysisBy=self._user,
        )
        if result.SampleStatus is MODEL.SampleStatusEnum.Completed:
            result.CellCount = int(sample.total_density * CELLS_PER_DENSITY)
            result.ViableCells = int(sample.viable_density * CELLS_PER_DENSITY)
            result.TotalCellsPerMilliliter = sample.total_density
            result.ViableCellsPerMilliliter = sample.viable_density
            result.ViabilityPercent = sample.viability
            result.AverageDiameter = result.AverageViableDiameter = sample.diameter
            result.AverageCircularity = result.AverageViableCircularity = sample.circularity
        return result


async def run(context: Context, server: Server) -> None:
    """Be the instrument until cancelled. `server` comes from :func:`simulators.opcua_server.warm_server`."""
    names = [str(name) for name in _list(context.spec.get("vessels", context.spec.get("vessel")))]
    clock = context.vessels[names[0]]
    look = partial(_look, context, names)
    counter = Counter(context.seed, lambda: clock.read("process_s"), utc_now, look, CELL_TYPES)
    instrument = ViCell(counter, str(context.spec["user"]))
    state = await build(server, instrument)
    async with serving(server, PATH, access_of(context), context.faults, context.port) as address:
        context.ready(address)
        while True:
            await publish(server, state["ViCellStatus"], int(counter.busy), ua.VariantType.Int32)
            await publish(server, state["LockState"], int(instrument.locked), ua.VariantType.Int32)
            await asyncio.sleep(REFRESH_S)


async def build(server: Server, instrument: ViCell) -> dict[str, ua.NodeId]:
    """The address space; gives the ids of the state variables by browse name."""
    namespace = await server.register_namespace(NAMESPACE)
    types = await add_types(server, namespace)
    top = await server.nodes.objects.add_object(namespace, "ViCellBluStateObject")
    methods = await top.add_object(namespace, "Methods")
    play = await top.add_object(namespace, "PlayControl")
    offer = partial(_offer, namespace=namespace, types=types)
    await offer(methods, "RequestLock", instrument.request_lock, (), "VcbResultRequestLock")
    await offer(methods, "ReleaseLock", instrument.release_lock, (), "VcbResultReleaseLock")
    await offer(methods, "GetCellTypes", instrument.cell_types, (), "VcbResultGetCellTypes")
    await offer(methods, "GetSampleResults", instrument.sample_results, RESULT_INPUTS, "VcbResultGetSampleResults")
    await offer(play, "StartSample", instrument.start_sample, (("SampleConfig", "SampleConfig"),), "VcbResult")
    await offer(play, "Stop", instrument.stop, (), "VcbResult")
    await top.add_variable(namespace, "ViCellIdentifier", "SIMULATED", ua.VariantType.String)
    state: dict[str, ua.NodeId] = {}
    for name in ("ViCellStatus", "LockState"):
        datatype = types[f"{name}Enum"].nodeid
        state[name] = (await top.add_variable(namespace, name, 0, ua.VariantType.Int32, datatype)).nodeid
    return state


async def _offer(
    parent: Node, name: str, handler: Handler, inputs: Inputs, output: str, *, namespace: int, types: Mapping[str, Node]
) -> None:
    arguments = [_argument(argument, kind, types) for argument, kind in inputs]
    answer = _answering(handler, inputs, getattr(MODEL, output))
    await parent.add_method(namespace, name, answer, arguments, [_argument("Result", output, types)])


def _answering(handler: Handler, inputs: Inputs, output: type) -> Callable[..., Awaitable[object]]:
    """An OPC UA method around a handler: a refusal becomes a Failure in the result, as the instrument words it."""
    kinds = [kind if isinstance(kind, ua.VariantType) else ua.VariantType.ExtensionObject for _, kind in inputs]

    async def answer(_parent: ua.NodeId, *arguments: ua.Variant) -> object:
        """Check the arguments as the standard wants it, then let the instrument decide."""
        if len(arguments) != len(kinds):
            missing = len(arguments) < len(kinds)
            return _status(StatusCodes.BadArgumentsMissing if missing else StatusCodes.BadTooManyArguments)
        if [argument.VariantType for argument in arguments] != kinds:
            return _status(StatusCodes.BadTypeMismatch)
        try:
            extra = handler(*(argument.Value for argument in arguments))
        except Refusal as refusal:
            log.info("refused: %s", refusal)
            failure = MODEL.MethodResultEnum.Failure, str(refusal), MODEL.ErrorLevelEnum.Warning
            return [ua.Variant(output(*failure), ua.VariantType.ExtensionObject)]
        success = MODEL.MethodResultEnum.Success, "", MODEL.ErrorLevelEnum.NoError
        return [ua.Variant(output(*success, **extra), ua.VariantType.ExtensionObject)]

    return answer


def _argument(name: str, kind: ua.VariantType | str, types: Mapping[str, Node]) -> ua.Argument:
    argument = ua.Argument()
    argument.Name = name
    argument.DataType = types[kind].nodeid if isinstance(kind, str) else ua.NodeId(ua.Int32(kind.value))
    argument.ValueRank = -1
    return argument


def _status(code: int) -> ua.StatusCode:
    return ua.StatusCode(ua.UInt32(code))


def _look(context: Context, names: Sequence[str], sample: str) -> Culture:
    for name in names:
        if sample.startswith(f"{name}-"):
            vessel = context.vessels[name]
            drawn = "sample_" if has(vessel, "sample_vcd") else ""
            return Culture(vessel.read(f"{drawn}vcd"), vessel.read(f"{drawn}viability"))
    return Culture(0.0, 0.0)


def _list(value: object) -> list[object]:
    return list(value) if isinstance(value, list) else [value]


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
