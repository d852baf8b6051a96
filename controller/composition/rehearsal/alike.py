"""Which trends show the same twice: an output and the measurement of what it brings about, while the actuator obeys."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from controller.commands import Json

if TYPE_CHECKING:
    from controller.model.tags import Tag

Trend = Mapping[str, Json]
BANDS = ("p5", "p50", "p95")
SHARE, SHARE_OF_UNIT = 0.03, 0.005
"""Bands are the same within this share of the larger of both, or of the largest value of any trend in that unit."""


def pairs(tags: Sequence[Tag]) -> dict[str, str]:
    """The outputs of one vessel that an instrument tells the measurement of, as ``Air.SP`` and ``Air.PV`` are of one
    controller: output and measurement by name.
    """
    found: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for tag in tags:
        if tag.connection is not None and tag.point is not None and not tag.sampled:
            stem = tag.point.address.rpartition(".")[0]
            found.setdefault((tag.connection, stem, tag.unit), {}).setdefault(tag.kind, []).append(tag.name)
    alone = [kinds for kinds in found.values() if [*map(len, kinds.values())] == [1, 1] and "output" in kinds]
    return {kinds["output"][0]: name for kinds in alone for kind, (name,) in kinds.items() if kind != "output"}


def alike(tags: Mapping[str, Trend], outputs: Mapping[str, str]) -> dict[str, str]:
    """The ``outputs``, by name with the measurement that could show the same, of which the whole band does so in every
    one of ``tags``' points.
    """
    largest: dict[Json, float] = {}
    for trend in tags.values():
        largest[trend["unit"]] = max(largest.get(trend["unit"], 0.0), _size(trend))
    return {
        output: shown
        for output, shown in outputs.items()
        if _same(tags[output], tags[shown], SHARE_OF_UNIT * largest[tags[output]["unit"]])
    }


def _same(one: Trend, other: Trend, floor: float) -> bool:
    tolerance = max(SHARE * max(_size(one), _size(other)), floor)
    return all(
        (a is None) == (b is None) and (a is None or b is None or abs(a - b) <= tolerance)
        for band in BANDS
        for a, b in zip(_values(one, band), _values(other, band), strict=True)
    )


def _size(trend: Trend) -> float:
    return max((abs(value) for band in BANDS for value in _values(trend, band) if value is not None), default=math.nan)


def _values(trend: Trend, band: str) -> list[float | None]:
    return cast("list[float | None]", trend[band])
