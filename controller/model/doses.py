"""How outputs are pulsed and guarded, and what a dose loop gives. Amounts are in output units times seconds."""

from __future__ import annotations

import math
from typing import NamedTuple


class Pulse(NamedTuple):
    """An output that is switched between its rest (the low end of its range) and ``on``; times in seconds.

    Time-proportional when ``amount`` is NaN: one pulse per ``period``, neither pulse nor pause shorter than the
    shortest; from ``on`` upwards the output is not pulsed. Otherwise every pulse gives ``amount``.
    """

    on: float
    period: float = 0.0
    shortest_on: float = 0.0
    shortest_off: float = 0.0
    amount: float = math.nan


class Guard(NamedTuple):
    """The most that an output may give ``within`` seconds, whenever they begin, and in one batch; inf where there is no
    such limit. People see amounts in ``unit``, which is ``factor`` output units times seconds.
    """

    most: float
    within: float
    most_per_batch: float
    unit: str
    factor: float


class Dose(NamedTuple):
    """What a dose loop gives once its PV was beyond the setpoint (``above`` or below it) for ``after`` seconds: one
    ``amount`` at ``rate``, then nothing for ``lock_out`` seconds.

    At most ``per_hour`` doses in any hour and ``per_batch`` in a batch, inf for no limit; ``give_up`` doses without
    effect are the last.
    """

    above: bool
    after: float
    amount: float
    rate: float
    lock_out: float
    per_hour: float = math.inf
    per_batch: float = math.inf
    give_up: int = 5
