"""The table of gas mixers."""

from __future__ import annotations

from typing import NamedTuple


class Mixer(NamedTuple):
    """One gas mixer: ``stations`` are the rows in the loop table of its total, oxygen and carbon dioxide, -1 where it
    has none; ``outputs`` the rows in the output table of air, oxygen, nitrogen, carbon dioxide and fine air, likewise.

    A station's setpoint times its ``station_scale`` is a flow in the total's unit, or a fraction; such a flow times its
    ``output_scale`` is in the output's unit. ``high`` and ``smallest`` are what the controllers hold, in the total's
    unit. An ``additive`` one keeps the air flow as total; ``keeps_total`` says what gives way where a controller is at
    its end.
    """

    vessel: str
    name: str
    title: str
    stations: tuple[int, ...]
    station_scale: tuple[float, ...]
    outputs: tuple[int, ...]
    output_scale: tuple[float, ...]
    high: tuple[float, ...]
    smallest: tuple[float, ...]
    additive: bool = False
    keeps_total: bool = False
