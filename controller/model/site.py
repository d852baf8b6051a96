"""The whole site as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from controller.model.effects import LoopEffect
from controller.model.guards import Alarm, Interlock
from controller.model.health import LoopHealth
from controller.model.loops import LoopTable, OutputTable
from controller.model.mixers import Mixer
from controller.model.programs import FeedTable
from controller.model.tags import TagTable
from drivers.contract import Point


class Vessel(NamedTuple):
    """One vessel's names."""

    name: str
    title: str
    vessel_class: str


@dataclass(frozen=True, slots=True)
class Site:
    """Everything the scan is built from. ``bindings`` are the tag rows and points of each connection, ``heartbeats``
    the points that count scans, by connection; ``health`` is what each loop is judged by, by its full name, and
    ``effects`` what the outputs of some loops must bring about.
    """

    name: str
    title: str
    scan_period_s: float
    vessels: tuple[Vessel, ...]
    tags: TagTable
    outputs: OutputTable
    loops: LoopTable
    mixers: tuple[Mixer, ...] = ()
    feeds: FeedTable = field(default_factory=FeedTable)
    interlocks: tuple[Interlock, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    bindings: dict[str, list[tuple[int, Point]]] = field(default_factory=dict)
    heartbeats: dict[str, Point] = field(default_factory=dict)
    health: dict[str, LoopHealth] = field(default_factory=dict)
    effects: tuple[LoopEffect, ...] = ()
