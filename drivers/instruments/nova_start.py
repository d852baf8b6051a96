"""One command to the FLEX2: arguments, their read-back, and the bit that starts it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from drivers.contract import DriverError, Refused, WriteState
from drivers.instruments.nova_words import COMMANDS
from drivers.opcua import OpcUaClient, Tree

if TYPE_CHECKING:
    from asyncua import ua

SAMPLE, VESSEL = ("SampleInformation", "SampleID"), ("SampleInformation", "VesselID")
DUE, KIND, OPERATOR = ("DueTime",), ("SampleType",), ("Operator",)
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""A due time that has passed means now."""
SILENT = "sent; the analyser does not say whether it takes a request, its result will tell"


class Order(NamedTuple):
    """How analyses are asked for; what is "" is left as it is on the instrument."""

    command: str
    sample_type: str = ""
    operator: str = ""


class Starter:
    """Starts one analysis. :meth:`prepare` changes nothing that matters, :meth:`go` cannot be taken back."""

    def __init__(self, wire: OpcUaClient, tree: Tree, order: Order) -> None:
        self._wire, self._tree, self._order = wire, tree, order
        self._nodes: dict[tuple[str, ...], ua.NodeId] = {}
        self._bit = (order.command,)
        self._wanted: dict[tuple[str, ...], str] = {}

    async def prepare(self, sample: str, vessel: str) -> None:
        """Write the arguments and read them back. Raises :class:`Refused` when they are not what was written, or
        another :class:`DriverError`; nothing has been started then.
        """
        given = {SAMPLE: sample, VESSEL: vessel, KIND: self._order.sample_type, OPERATOR: self._order.operator}
        paths = {name: (COMMANDS, self._order.command, *name) for name in (*given, DUE, self._bit)}
        found = await self._tree.find(paths.values())
        self._nodes = {name: found[path] for name, path in paths.items() if path in found}
        for needed in (SAMPLE, self._bit):
            if needed not in self._nodes:
                raise Refused(f"the analyser has no {'/'.join(paths[needed])}")
        self._wanted = {name: text for name, text in given.items() if text and name in self._nodes}
        await self._write({**{name: self._text(text) for name, text in self._wanted.items()}, **await self._due()})
        await self._agree()
        if await self.lower():
            raise Refused("the bit of the last command was still up; it has been taken down, try again")

    async def go(self) -> tuple[WriteState, str]:
        """Set the bit: unknown from here on, unless the server refuses it."""
        try:
            await self._write({self._bit: self._flag(True)})
        except Refused as error:
            return WriteState.REFUSED, str(error)
        except DriverError as error:
            return WriteState.UNKNOWN, str(error)
        try:
            await self._agree()
        except DriverError as error:
            return WriteState.UNKNOWN, f"somebody else may have used the same command: {error}"
        return WriteState.UNKNOWN, SILENT

    async def _agree(self) -> None:
        """Whether the arguments are still ours."""
        texts = await self._wire.read_texts([self._wire.client.get_node(self._nodes[name]) for name in self._wanted])
        for (name, wanted), text in zip(self._wanted.items(), texts, strict=True):
            if text != wanted:
                raise Refused(f"{name[-1]} reads back {text!r} instead of {wanted!r}")

    async def lower(self) -> bool:
        """Take the bit down if the analyser does not do so itself, and say whether it was up: one that stays up does
        not rise again. Raises :class:`DriverError`.
        """
        (bit,) = await self._wire.read([self._wire.client.get_node(self._nodes[self._bit])])
        if bit.value != 1.0:
            return False
        await self._write({self._bit: self._flag(False)})
        return True

    async def _due(self) -> dict[tuple[str, ...], ua.Variant]:
        """At once, in whichever type the instrument keeps it."""
        from asyncua import ua

        if DUE not in self._nodes:
            return {}
        (data,) = await self._wire.read_data([self._wire.client.get_node(self._nodes[DUE])])
        kind = data.Value.VariantType if data.Value is not None else None
        if kind == ua.VariantType.DateTime:
            return {DUE: ua.Variant(AT_ONCE, kind)}
        return {DUE: self._text("")} if kind == ua.VariantType.String else {}

    async def _write(self, values: dict[tuple[str, ...], ua.Variant]) -> None:
        statuses = await self._wire.write(
            [self._wire.client.get_node(self._nodes[name]) for name in values], list(values.values())
        )
        refused = [f"{name[-1]}: {status}" for name, status in zip(values, statuses, strict=True) if status]
        if refused:
            raise Refused(", ".join(refused))

    @staticmethod
    def _text(text: str) -> ua.Variant:
        from asyncua import ua

        return ua.Variant(text, ua.VariantType.String)

    @staticmethod
    def _flag(up: bool) -> ua.Variant:
        from asyncua import ua

        return ua.Variant(up, ua.VariantType.Boolean)
