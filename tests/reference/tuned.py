"""The tunings of shipped classes, judged by what is left to instability."""

from controller.config.load import load_site
from controller.model.build import build
from tests.control.conftest import ROOT
from tests.reference.closed_loop import scheduled
from tests.reference.margins import controller, hold, margins


def loop_of(site, name):
    """The loop, and the filter of its PV."""
    site = build(load_site(ROOT / f"configs/sites/{site}.yaml"))
    loop = next(row for row in site.loops.rows if row.name == name)
    return loop, site.tags.tags[loop.pv].filter_s


def acting(w, loop, filter_s, at=None):
    """Its controller as it acts at a value of its schedule, with a scan of delay."""
    tuning = loop.tuning
    times = (tuning.gain, tuning.integral_time, tuning.derivative_time) if at is None else scheduled(loop, at)
    return controller(w, *times, tuning.derivative_filter, filter_s=filter_s) * hold(w, delay_s=1.0)


def judge(what, loops):
    """Every one of the open ``loops`` is robust."""
    found = [margins(one) for one in loops]
    ms, gm = max(one.ms for one in found), min(one.gm for one in found)
    print(f"{what}: {len(found)} states, Ms up to {ms:.2f}, GM from {gm:.1f}")
    assert ms <= 1.7
    assert gm >= 2.8
