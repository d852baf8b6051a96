"""What is told of outputs: read-backs that differ, and what became of writes."""

from __future__ import annotations

from collections.abc import Container

from controller.commands import Event, EventType
from controller.model.loops import OutputTable
from controller.model.tags import TagTable
from drivers.contract import WriteOutcome, WriteState

SAID = {
    WriteState.APPLIED: "was taken by the device",
    WriteState.REFUSED: "was refused",
    WriteState.UNKNOWN: "was not confirmed; it is not sent again",
}


class OutputNews:
    """The events about the outputs of a table, by row."""

    def __init__(self, table: OutputTable, tags: TagTable) -> None:
        self._keys = {row: output.name for row, output in enumerate(table.rows) if not output.once}
        self._about = [
            (output.name, tags.tags[row].unit, tags.tags[row].vessel)
            for output, row in zip(table.rows, table.tag.tolist(), strict=True)
        ]

    def read_back(self, row: int, value: float, asked: float, *, astray: bool) -> Event:
        """An output reads back something else than was ``asked``, or follows again."""
        name, unit, _ = self._about[row]
        text = f"reads back {value:.6g} {unit} instead of {asked:.6g}; written again" if astray else "follows again"
        return self._event(row, f"{name} {text}", value)

    def untold(self, refused: Container[int]) -> frozenset[str]:
        """The points, by key, of which nothing is told when they were written: none that is written once, and none of
        the rows that were ``refused``.
        """
        return frozenset(key for row, key in self._keys.items() if row not in refused)

    def outcome(self, row: int, outcome: WriteOutcome) -> Event:
        """What became of a write."""
        name, unit, _ = self._about[row]
        text = f"{name} = {outcome.value:.6g} {unit} {SAID[outcome.state]}"
        return self._event(row, text + (f": {outcome.detail}" if outcome.detail else ""), outcome.value)

    def _event(self, row: int, text: str, value: float) -> Event:
        name, unit, vessel = self._about[row]
        return Event(EventType.EQUIPMENT, "Status Change", name, text, vessel, value=value, unit=unit)
