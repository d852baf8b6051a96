"""From loaded vessel classes to the table of feeds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from controller.config.program_limits import Settings, amount_unit, fitting, program_parameters, signal_name
from controller.config.program_words import PROGRAMS, SAMPLE_NUMBER, ParameterWord, ProgramWord, SignalWord
from controller.model.loops import Loop, LoopTable
from controller.model.programs import Bottle, Feed, FeedTable, Parameter, Program, Signal
from controller.model.tags import TagTable
from controller.units import convert, per

if TYPE_CHECKING:
    from controller.config import loop_class, program_class
    from controller.config.vessel_class import VesselClassConfig

LEAST_BUMP_G, BUMP_SHARE = 10.0, 0.01
"""A jump of a balance that is no delivery: so many g, or this share of a full bottle where that is more."""


def build_feeds(classes: Mapping[str, VesselClassConfig], tags: TagTable, loops: LoopTable) -> FeedTable:
    """The loops of all vessels that programs may lead or that have a bottle."""
    controllers = {loop.pv: row for row, loop in reversed([*enumerate(loops.rows)]) if loop.type == "pid"}
    return FeedTable(
        tuple(
            _Builder(vessel, kind, name, entry, tags, loops, controllers).feed()
            for vessel, kind in classes.items()
            for name, entry in kind.loops.items()
            if entry.type == "direct" and (entry.programs or entry.bottle)
        )
    )


class _Builder:
    """One feed of one vessel. ``controllers`` are the loops with an integral of their own, by the tag they control."""

    def __init__(
        self, vessel: str, kind: VesselClassConfig, name: str, entry: loop_class.DirectLoop, tags: TagTable,
        loops: LoopTable, controllers: Mapping[int, int],
    ) -> None:  # fmt: skip
        self.vessel, self.kind, self.name, self.entry = vessel, kind, name, entry
        self.tags, self.loops, self._controllers = tags, loops, controllers
        self.row = loops.index[f"{vessel}.{name}"]
        self.loop: Loop = loops.rows[self.row]
        self.amount = amount_unit(self.loop.unit, tags.tags[self.loop.total].unit if self.loop.total >= 0 else None)

    def feed(self) -> Feed:
        """The row of the table."""
        loop = self.loop
        return Feed(
            self.vessel, self.name, loop.title, self.row, loop.output, loop.unit, loop.decimals,
            least=loop.sp_low,
            most=loop.sp_high,
            amount=self.amount,
            hourly=convert(1.0, loop.unit, per(self.amount, "h")) if self.amount else 0.0,
            litres=convert(1.0, self.amount, "L") if self.amount else 0.0,
            total=loop.total,
            sample=self.tags.index.get(f"{self.vessel}.{SAMPLE_NUMBER}", -1),
            programs={name: self._program(PROGRAMS[name]) for name in self.entry.programs},
            bottle=self._bottle(self.entry.bottle) if self.entry.bottle else None,
        )  # fmt: skip

    def _program(self, word: ProgramWord) -> Program:
        settings = self.entry.programs[word.name]
        found = {one.name: signal for one in word.signals if (signal := self._signal(one, settings)) is not None}
        parameters = [_parameter(one) for one in program_parameters(self.kind, self.entry, word)]
        control = self._controllers.get(found["pv"].place, -1) if "pv" in found else -1
        return Program(word.name, word.title, tuple(parameters), found, control)

    def _signal(self, word: SignalWord, settings: Settings) -> Signal | None:
        """Where a signal is; ``None`` when an optional one is not there or not in a unit that fits."""
        name = signal_name(word, settings)
        loop_name, dot, part = name.partition(".")
        if dot:
            row = self.loops.index.get(f"{self.vessel}.{loop_name}")
            if row is None:
                return None
            loop = self.loops.rows[row]
            unit = loop.op_unit if part == "op" else loop.unit
            place, sampled = len(self.tags) + row + (len(self.loops) if part == "op" else 0), False
        else:
            tag_row = self.tags.index.get(f"{self.vessel}.{name}")
            if tag_row is None:
                return None
            tag = self.tags.tags[tag_row]
            unit, place, sampled = tag.unit, tag_row, tag.sampled and name != SAMPLE_NUMBER
        wanted = fitting(unit, word.units)
        return None if wanted is None else Signal(word.title, place, convert(1.0, unit, wanted), sampled)

    def _bottle(self, entry: program_class.Bottle) -> Bottle:
        weight = -1 if entry.weight is None else self.tags.index[f"{self.vessel}.{entry.weight}"]
        volume = entry.volume.to(self.amount)
        density = entry.density.to("g/mL") * convert(1.0, self.amount, "mL") if entry.density else math.nan
        return Bottle(
            volume=volume,
            warn_at=entry.warn_at.to(self.amount) if entry.warn_at else 0.0,
            stops=entry.on_empty == "stop",
            weight=weight,
            weight_scale=convert(1.0, self.tags.tags[weight].unit, "g") if weight >= 0 else 1.0,
            density=density,
            tare=entry.tare.to("g") if entry.tare else math.nan,
            bump=entry.bump.to("g") if entry.bump else max(LEAST_BUMP_G, BUMP_SHARE * volume * density),
        )


def _parameter(word: ParameterWord) -> Parameter:
    return Parameter(
        word.name, word.title, word.unit, word.low, word.high, word.default, word.needed, word.choices, word.points
    )
