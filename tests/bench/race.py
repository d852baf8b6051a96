"""Races: peer and product take turns in short rounds, so that whatever else the machine does hits both alike.

What is measured is, unless a row says otherwise, the processor time of the process: most of this is arithmetic, which
waits for nothing but for other programs.
"""

import gc
import statistics
import time
from dataclasses import dataclass

WARM = 5


@dataclass(frozen=True)
class Time:
    """Seconds per call over all rounds."""

    minimum: float
    median: float


def race(competitors, rounds=60, round_s=0.004, clock=time.process_time):
    """The times of ``competitors``, functions by name. A round of each takes about ``round_s``: all of them are
    interrupted equally often.
    """
    calls = {name: _calls(run, round_s, clock) for name, run in competitors.items()}
    times = {name: [] for name in competitors}
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, run in competitors.items():
                times[name].append(_round(run, calls[name], clock))
    finally:
        gc.enable()
    return {name: Time(min(found), statistics.median(found)) for name, found in times.items()}


def _calls(run, round_s, clock):
    fastest = min(_round(run, 1, clock) for _ in range(WARM))
    return max(1, round(round_s / fastest))


def _round(run, calls, clock):
    started = clock()
    for _ in range(calls):
        run()
    return (clock() - started) / calls
