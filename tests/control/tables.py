"""Small sites made by hand: one vessel V, tags read from and written to one device."""

from controller.model.loops import Leg, Loop, LoopTable, Output, OutputTable
from controller.model.signals import SignalIndex
from controller.model.site import Site, Vessel
from controller.model.tags import Tag, TagTable
from controller.model.tuning import Tuning
from drivers.contract import Point

__all__ = ["Leg", "Loop", "Tuning", "loop", "signal", "site", "straight"]


def tag(name, kind):
    access = "rw" if kind == "output" else "r"
    return Tag("V", name, name, "1", 1, kind, -1e6, 1e6, "plc", Point(f"V.{name}", name, access))


def site(measurements, outputs, loops, **options):
    """``outputs`` are (low, high, safe), and more of an Output, by name."""
    tags = TagTable(
        tuple([tag(name, "measurement") for name in measurements] + [tag(name, "output") for name in outputs])
    )
    rows = tuple(
        Output(tags.index[f"V.{name}"], f"V.{name}", *limits[:3], **(limits[3] if len(limits) > 3 else {}))
        for name, limits in outputs.items()
    )
    table = LoopTable(tuple(loops))
    return Site(
        "s", "S", 1.0, (Vessel("V", "V", "k"),), tags, OutputTable(rows), table, bindings=tags.bindings(), **options
    )


def signal(measurements, outputs, loops, name):
    """The number of a signal in a site of these names."""
    tags = {f"V.{each}": row for row, each in enumerate([*measurements, *outputs])}
    return SignalIndex(tags, [f"V.{each}" for each in loops]).of("V", name)


def loop(name, kind="pid", sp=0.0, low=-1e3, high=1e3, **more):
    legs = more.get("legs", ())
    limits = {"op_low": legs[0].low, "op_high": legs[-1].high} if legs else {}
    return Loop("V", name, name.title(), kind, "1", 1, sp, low, high, on_restart="resume", **{**limits, **more})


def straight(target, low=0.0, high=100.0, **more):
    """One leg over the whole output."""
    return (Leg(target, low, high, low, high, **more),)
