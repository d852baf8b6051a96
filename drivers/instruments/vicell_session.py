"""One automation session on a Vi-CELL BLU: the lock, the methods, and their answers.

Everything is found by browse name; structures are built from the type definitions that the instrument itself serves.
Source: the vendor's client examples (github as01-beckman/ViCellOpcUaExampleCode).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from drivers.contract import DriverError, Malformed, Refused
from drivers.opcua import OpcUaClient, OpcUaSettings, as_driver_errors

if TYPE_CHECKING:
    from asyncua.common.node import Node

STATE_OBJECT = "ViCellBluStateObject"
DISCOVERY_S = 4.0
RELEASE_S = 0.3
SERVER_STATE = "i=2259"
FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(2100, 1, 1, tzinfo=UTC)
BY_SAMPLE = 1
"""``GetSampleResults`` searches names of samples, not of sets of samples."""

FINISHED = frozenset({"Completed", "Complete"})
GIVEN_UP = "Skip"
"""How the names of the states begin in which a sample was stopped, by hand or by a fault (recalled)."""


@dataclass(frozen=True, slots=True)
class Count:
    """One counted sample: densities in 10*6/mL, viability in %, diameter in um; ``time`` UTC seconds or ``None``."""

    name: str
    status: str
    viable_density: float
    total_density: float
    viability: float
    diameter: float
    time: float | None

    @property
    def finished(self) -> bool:
        """Whether the numbers are final."""
        return self.status in FINISHED

    @property
    def given_up(self) -> bool:
        """Whether there will never be numbers: it was stopped, or failed."""
        return self.status.startswith(GIVEN_UP)


class CounterSession:
    """The instrument under our automation lock. ``config`` are the fields of every sample's ``SampleConfig``."""

    def __init__(self, settings: OpcUaSettings, config: Mapping[str, object]) -> None:
        self._settings = settings
        self._config = config
        self._wire = OpcUaClient(settings)
        self._methods: dict[str, tuple[Node, Node]] = {}
        self._locked = False

    @property
    def via(self) -> str:
        """See :attr:`drivers.opcua.OpcUaClient.via`."""
        return self._wire.via

    async def open(self) -> None:
        """Connect, find the methods, read the types, take the lock. Raises :class:`DriverError`."""
        self._methods.clear()
        await self._wire.open()
        client = self._wire.client
        await self._wire.within("reading types", client.load_data_type_definitions(), DISCOVERY_S)
        state = await self._child(client.nodes.objects, STATE_OBJECT)
        for part in ("Methods", "PlayControl"):
            parent = await self._child(state, part)
            for name, method in (await self._children(parent)).items():
                self._methods[name] = (parent, method)
        await self._call("RequestLock")
        self._locked = True

    async def alive(self) -> None:
        """Ask for the server's state, which it answers at once. Raises :class:`DriverError`."""
        await self._wire.read([self._wire.client.get_node(SERVER_STATE)])

    async def counts(self, search: str, within_s: float) -> list[Count]:
        """The samples whose name contains ``search``, as far as the instrument lists them. Raises DriverError."""
        from asyncua import ua

        by_sample = ua.Variant(BY_SAMPLE, ua.VariantType.Int32)
        arguments = ("", FIRST_DAY, LAST_DAY, by_sample, "", search, "")
        result = await self._call("GetSampleResults", *arguments, within_s=within_s)
        with as_driver_errors("reading sample results"):
            return [_count(entry) for entry in result.SampleResults or ()]

    async def start(self, name: str) -> None:
        """Start counting the sample in the cup. Raises :class:`Refused`, or another error when it is unknown."""
        from asyncua import ua

        with as_driver_errors("building a SampleConfig"):
            # asyncua keeps the loaded types there, and names them only to whoever loaded them first.
            config = getattr(ua, "SampleConfig")()  # noqa: B009 - unknown before the instrument is
            _fill(config, {**self._config, "SampleName": name})
        await self._call("StartSample", config)

    async def close(self) -> None:
        """Give the lock back and end the session. Bounded, idempotent, never raises."""
        if self._locked:
            self._locked = False
            with contextlib.suppress(DriverError):
                await self._call("ReleaseLock", within_s=RELEASE_S)
        await self._wire.close()

    async def _call(self, name: str, *arguments: object, within_s: float | None = None) -> Any:
        """Call a method and return its decoded answer. Raises :class:`Refused` with the instrument's own words."""
        if name not in self._methods:
            raise Refused(f"the instrument has no method {name}")
        parent, method = self._methods[name]
        result = await self._wire.call(parent, method, arguments, within_s)
        verdict = getattr(getattr(result, "MethodResult", None), "name", None)
        if verdict is None:
            raise Malformed(f"{name}: not a result: {type(result).__name__}")
        if verdict != "Success":
            raise Refused(f"{name}: {result.ResponseDescription or verdict}")
        return result

    async def _children(self, parent: Node) -> dict[str, Node]:
        """The children of a node by browse name. Raises :class:`DriverError`."""
        references = await self._wire.within("browsing", parent.get_children_descriptions(), DISCOVERY_S)
        return {entry.BrowseName.Name: self._wire.client.get_node(entry.NodeId) for entry in references}

    async def _child(self, parent: Node, name: str) -> Node:
        children = await self._children(parent)
        if name not in children:
            raise Refused(f"this is no Vi-CELL BLU: it has no {name}")
        return children[name]


def _count(entry: Any) -> Count:
    """A ``SampleResult``, in its own field names. Raises ``AttributeError``, ``TypeError``, ``ValueError``."""
    when = entry.AnalysisDateTime
    # The vendor's own sources use both names for it.
    status = entry.SampleStatus if hasattr(entry, "SampleStatus") else entry.Status
    return Count(
        name=str(entry.SampleId),
        status=str(getattr(status, "name", status)),
        viable_density=float(entry.ViableCellsPerMilliliter),
        total_density=float(entry.TotalCellsPerMilliliter),
        viability=float(entry.ViabilityPercent),
        diameter=float(entry.AverageDiameter),
        time=when.timestamp() if isinstance(when, datetime) and when > FIRST_DAY else None,
    )


def _fill(structure: Any, values: Mapping[str, object]) -> None:
    """Set the fields of a structure, and of those inside it. Raises ``AttributeError`` for one that is not there."""
    for key, value in values.items():
        inner = getattr(structure, key)
        if isinstance(value, Mapping):
            _fill(inner, value)
        else:
            setattr(structure, key, value)


def sample_config(cell_type: str, dilution: int) -> dict[str, object]:
    """The fields of a ``SampleConfig`` for the A-Cup, all but the name."""
    position: Sequence[tuple[str, object]] = (("Row", "Y"), ("Column", 1))
    return {
        "SamplePosition": dict(position),
        "Dilution": dilution,
        "CellType": {"CellTypeName": cell_type},
        "QualityControl": {"QualityControlName": ""},
        "SaveEveryNthImage": 1,
    }
