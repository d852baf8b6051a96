"""From loaded vessel classes to the table of gas mixers, and the stations that they give a meaning to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from controller.model.loops import Loop, OutputTable
from controller.model.mixers import Mixer
from controller.units import convert_difference

if TYPE_CHECKING:
    from controller.config.mixer_class import GasMixer
    from controller.config.vessel_class import VesselClassConfig

GASES = ("air", "oxygen", "nitrogen", "carbon_dioxide", "fine_air")


def build_mixers(
    classes: Mapping[str, VesselClassConfig], loops: Sequence[Loop], outputs: OutputTable
) -> tuple[Mixer, ...]:
    """The mixers of all vessels."""
    rows = {loop.full_name: row for row, loop in enumerate(loops)}
    return tuple(
        _mixer(vessel, name, entry, rows, loops, outputs)
        for vessel, kind in classes.items()
        for name, entry in kind.gas_mixers.items()
    )


def with_gases(loops: Sequence[Loop], mixers: Sequence[Mixer]) -> tuple[Loop, ...]:
    """The loops, stations with the outputs that their mixers move."""
    changed = list(loops)
    for mixer in mixers:
        gases = tuple(row for row in mixer.outputs if row >= 0)
        for place, row in enumerate(mixer.stations):
            if row >= 0:
                changed[row] = changed[row]._replace(gases=gases, leads=place == 0)
    return tuple(changed)


def _mixer(
    vessel: str, name: str, entry: GasMixer, rows: Mapping[str, int], loops: Sequence[Loop], outputs: OutputTable
) -> Mixer:
    named = [entry.total, entry.oxygen, entry.carbon_dioxide]
    stations = [-1 if station is None else rows[f"{vessel}.{station}"] for station in named]
    unit = loops[stations[0]].unit
    gases = entry.gases.outputs()
    places = [outputs.index[f"{vessel}.{gases[gas]}"] if gas in gases else -1 for gas in GASES]
    controllers = [outputs.rows[place] if place >= 0 else None for place in places]
    high = [one.high * convert_difference(1.0, one.unit, unit) if one else 0.0 for one in controllers]
    return Mixer(
        vessel,
        name,
        entry.title,
        stations=tuple(stations),
        station_scale=(
            1.0,
            *(convert_difference(1.0, loops[row].unit, "1") if row >= 0 else 1.0 for row in stations[1:]),
        ),
        outputs=tuple(places),
        output_scale=tuple(convert_difference(1.0, unit, one.unit) if one else 1.0 for one in controllers),
        high=tuple(high),
        smallest=tuple(most / entry.turndown for most in high),
        additive=entry.mode == "additive",
        keeps_total=entry.when_limited == "keep_total",
    )
