"""Scenario files: process faults of a simulated site, when each begins, how long and how badly."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from controller.commands import Json
from controller.composition.process_faults import Wish, request, signals_of
from controller.config.bind import Bound, bind
from controller.config.problems import nearest
from controller.config.quantity import AnyQuantity, Duration, Identifier, Period, StrictModel, Text, Version
from controller.config.schema import MODELS
from controller.config.source import Document, read_document

if TYPE_CHECKING:
    from controller.config.site import Vessel

Vessels = Mapping[str, Collection[str]]
"""The signals of each vessel that a fault may befall."""


class FaultConfig(StrictModel):
    """One process fault; `start` counts from when the scenario is ordered. Without a vessel every one has it."""

    fault: Text
    vessel: Identifier | None = None
    signal: Text | None = None
    start: Duration | None = None
    duration: Period | None = None
    magnitude: AnyQuantity | None = None


class ScenarioConfig(StrictModel):
    """A scenario file."""

    scenario: Identifier
    version: Version
    title: Text
    faults: Annotated[list[FaultConfig], Field(min_length=1, max_length=100)]


MODELS["scenario"] = ScenarioConfig


class Scenario(NamedTuple):
    """A scenario without mistakes, as requests of the simulators' control port."""

    name: str
    title: str
    requests: tuple[dict[str, Json], ...]


def with_signals(vessels: Mapping[str, Vessel]) -> Vessels:
    """What the vessels of a site have that a fault may befall."""
    return {name: signals_of(vessel.simulation) for name, vessel in vessels.items()}


def load_scenario(source: Path | Document, vessels: Vessels | None = None, every: str | None = None) -> Scenario:
    """Read a scenario file for a site that has ``vessels``; of a site that is not known yet they are not checked. A
    fault that names no vessel befalls ``every`` one, or all that have what it concerns.

    Raises :class:`controller.config.problems.Problems` with everything that is wrong in it.
    """
    bound = bind(source if isinstance(source, Document) else read_document(source), ScenarioConfig)
    requests = _requests(bound, vessels, [every] if every is not None else list(vessels or ("",)))
    config = bound.complete()
    return Scenario(config.scenario, config.title, tuple(requests))


def _requests(bound: Bound[ScenarioConfig], vessels: Vessels | None, every: Sequence[str]) -> list[dict[str, Json]]:
    requests: list[dict[str, Json]] = []
    for place, entry in enumerate(bound.model.faults if bound.model else ()):
        if entry.vessel is not None and vessels is not None and entry.vessel not in vessels:
            hint = nearest(entry.vessel, list(vessels))
            bound.problem(("faults", place, "vessel"), f"there is no vessel {entry.vessel!r}", hint)
        wish = Wish(entry.fault, entry.signal, entry.start, entry.duration, entry.magnitude)
        named = every if entry.vessel is None else [entry.vessel]
        asked = [request(wish, vessel, (vessels or {}).get(vessel)) for vessel in named]
        fit = [one for one in asked if isinstance(one, dict)]
        requests += fit
        refused = next((one for one in asked if isinstance(one, list)), ())
        for wrong in refused if not fit else ():
            bound.problem(("faults", place, wrong.key), wrong.message, wrong.hint)
    return requests
