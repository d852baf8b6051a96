"""The document on stdin: which site is simulated, with which vessels and instruments."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from simulators.description import mistakes
from simulators.instrument import Json, SpecError
from simulators.kinds import KINDS

BENCH = "bench"
"""The vessel of instruments that stand alone but measure in one."""
BENCH_STATE: Mapping[str, Json] = {"volume_l": 1.0, "temperature_c": 37.0, "vcd": 1.0}
MAX_DOCUMENT = 1 << 20
"""Characters."""


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """A site to simulate. `speed` is process seconds per wall second; with `with_parent` it ends with its parent."""

    site: str
    speed: float
    seed: int
    directory: Path
    vessels: Mapping[str, Mapping[str, Json]]
    instruments: Mapping[str, Mapping[str, Json]]
    with_parent: bool

    def instruments_at(self) -> dict[str, list[str]]:
        """The names of the instruments that are at one vessel alone, by vessel."""
        return {
            vessel: [name for name, entry in self.instruments.items() if entry.get("vessel") == vessel]
            for vessel in self.vessels
        }


def read_document(stream: IO[str]) -> Json:
    """One JSON document, as soon as it is complete: the stream may stay open. Raises :class:`SpecError`."""
    text = ""
    for line in iter(stream.readline, ""):
        text += line
        if len(text) > MAX_DOCUMENT:
            raise SpecError("the document is larger than 1 MiB")
        try:
            document: Json = json.loads(text)
        except ValueError:
            continue
        return document
    raise SpecError("stdin ended before a complete JSON document")


def parse_spec(document: Json) -> SiteSpec:
    """Check the document. Raises :class:`SpecError` with what is wrong."""
    if not isinstance(document, dict):
        raise SpecError("the document must be a JSON object")
    speed = document.get("speed", 1)
    if isinstance(speed, bool) or not isinstance(speed, (int, float)) or not math.isfinite(speed) or speed <= 0:
        raise SpecError("speed must be a number above 0")
    seed = document.get("seed", 0)
    if not isinstance(seed, int):
        raise SpecError("seed must be a whole number")
    document = {**document, **_bench(document)}
    spec = SiteSpec(
        site=str(document.get("site", "")),
        speed=float(speed),
        seed=seed,
        directory=Path(str(document.get("directory", "."))).absolute(),
        vessels=_sections(document, "vessels", least=0),
        instruments=_sections(document, "instruments", least=1),
        with_parent=document.get("with_parent") is True,
    )
    for name, entry in spec.vessels.items():
        if wrong := [complaint.message for complaint in mistakes(entry)]:
            raise SpecError(f"vessels: {name}: {'; '.join(wrong)}")
    for name, entry in spec.instruments.items():
        _check_instrument(name, entry, spec.vessels)
    return spec


def _bench(document: Mapping[str, Json]) -> dict[str, Json]:
    """A vessel for instruments that need one, where the document has none at all."""
    instruments = _sections(document, "instruments", least=1)
    kinds = {name: KINDS.get(str(entry.get("kind"))) for name, entry in instruments.items()}
    if document.get("vessels") or not any(kind is not None and kind.on_vessel for kind in kinds.values()):
        return {}
    placed: dict[str, Json] = {
        name: {**kind.usual, "vessel": BENCH, **entry} if kind is not None and kind.on_vessel else entry
        for (name, entry), kind in zip(instruments.items(), kinds.values(), strict=True)
    }
    return {"vessels": {BENCH: {"model": "tc_m", **BENCH_STATE}}, "instruments": placed}


def _sections(document: Mapping[str, Json], key: str, least: int) -> dict[str, dict[str, Json]]:
    sections = document.get(key, {})
    if not isinstance(sections, dict) or len(sections) < least:
        raise SpecError(f"{key} must be an object" + " with at least one entry" * least)
    checked: dict[str, dict[str, Json]] = {}
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise SpecError(f"{key}: {name} must be an object")
        checked[name] = section
    return checked


def _check_instrument(name: str, entry: Mapping[str, Json], vessels: Mapping[str, object]) -> None:
    if "/" in name or name.startswith("."):
        raise SpecError(f"instruments: {name!r} cannot be the name of a file")
    if entry.get("kind") not in KINDS:
        known = ", ".join(sorted(KINDS))
        raise SpecError(f"instruments: {name}: kind must be one of {known}, not {entry.get('kind')!r}")
    several = entry.get("vessels")
    named = several if isinstance(several, list) else [entry[key] for key in ("vessel",) if key in entry]
    if not named and KINDS[str(entry["kind"])].on_vessel:
        raise SpecError(f"instruments: {name}: a {entry['kind']} needs a vessel: simulation: {{vessel: …}}")
    for vessel in named:
        if vessel not in vessels:
            raise SpecError(f"instruments: {name}: there is no vessel {vessel!r}")
