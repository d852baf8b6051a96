"""From a loaded configuration to tables: the only place where units are converted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from controller.frame import BAD, UNCERTAIN
from controller.model.build_alarms import dose_alarms
from controller.model.build_calculated import build_calculated
from controller.model.build_effects import build_effects, effect_alarms
from controller.model.build_frozen import bad_value_cause, frozen_alarms
from controller.model.build_health import build_health
from controller.model.build_loops import build_loops, build_outputs, rate, rivals
from controller.model.build_mixers import build_mixers, with_gases
from controller.model.build_programs import build_feeds
from controller.model.feed_alarms import feed_alarms
from controller.model.guards import Alarm, Interlock
from controller.model.loops import LoopTable, OutputTable
from controller.model.site import Site, Vessel
from controller.model.tags import Mark, Tag, TagTable
from drivers.contract import Access, Point

if TYPE_CHECKING:
    from controller.config import guard_class, tag_class
    from controller.config.calibrated import Calibrated
    from controller.config.load import LoadedSite
    from controller.config.site import SiteConfig

BAD_VALUE_DELAY_S = 10.0
"""How long a controlled value must be Bad before that is an alarm of its own."""


def build(loaded: LoadedSite) -> Site:
    """The tables of a site that was loaded without mistakes."""
    config = loaded.config
    tags = TagTable(_tags(loaded))
    outputs = OutputTable(
        tuple(row for name in config.vessels for row in build_outputs(name, loaded.classes[name], tags))
    )
    unmixed = build_loops(loaded.classes, tags, outputs)
    mixers = build_mixers(loaded.classes, unmixed, outputs)
    loops = LoopTable(with_gases(unmixed, mixers))
    outputs.rivals = rivals(unmixed, outputs)
    feeds = build_feeds(loaded.classes, tags, loops)
    interlocks = _interlocks(loaded, outputs)
    limit_alarms = _limit_alarms(loaded, tags)
    health = build_health(loaded, tags, loops, limit_alarms)
    effects = build_effects(loaded, loops, health)
    alarms = (
        *limit_alarms,
        *_bad_value_alarms(loops, tags),
        *_undecided_alarms(interlocks),
        *dose_alarms(outputs, loops, tags),
        *feed_alarms(feeds),
        *effect_alarms(effects, loops),
        *frozen_alarms(tags, loops, config.scan_period.to("s")),
    )
    return Site(
        name=config.site,
        title=config.title,
        scan_period_s=config.scan_period.to("s"),
        vessels=tuple(
            Vessel(name, vessel.title, loaded.classes[name].vessel_class) for name, vessel in config.vessels.items()
        ),
        tags=tags,
        outputs=outputs,
        loops=loops,
        mixers=mixers,
        feeds=feeds,
        interlocks=interlocks,
        alarms=alarms,
        bindings={name: [] for name in config.connections} | tags.bindings(),
        heartbeats=_heartbeats(config),
        health=health,
        effects=effects,
    )


def _interlocks(loaded: LoadedSite, outputs: OutputTable) -> tuple[Interlock, ...]:
    return tuple(
        _interlock(vessel, name, interlock, outputs)
        for vessel, kind in loaded.classes.items()
        for name, interlock in kind.interlocks.items()
    )


def _heartbeats(config: SiteConfig) -> dict[str, Point]:
    return {
        name: Point(f"{name}.heartbeat", connection.heartbeat, "w")
        for name, connection in config.connections.items()
        if connection.heartbeat
    }


def _tags(loaded: LoadedSite) -> tuple[Tag, ...]:
    """Vessel by vessel: measurements, outputs, calculated tags."""
    tags: list[Tag] = []
    for name in loaded.config.vessels:
        kind, first = loaded.classes[name], len(tags)
        tags += [_measurement(loaded, name, key, entry) for key, entry in kind.measurements.items()]
        tags += [_output_tag(loaded, name, key, entry) for key, entry in kind.outputs.items()]
        tags += build_calculated(name, kind, first)
    return tuple(tags)


def _measurement(loaded: LoadedSite, vessel: str, name: str, entry: tag_class.Measurement) -> Tag:
    low, high = entry.credible.to(entry.unit)
    found = loaded.calibration(vessel, entry.calibration or name)
    connection, point = _point(loaded, f"{vessel}.{name}", entry.source, entry.unit, found, "r")
    return Tag(
        vessel, name, entry.title, entry.unit, entry.decimals, "measurement", low, high, connection,
        point._replace(slow=entry.source.slow),
        max_rate=rate(entry.max_rate, entry.unit),
        max_age=entry.max_age.to("s") if entry.max_age else math.nan,
        filter_s=entry.filter.to("s") if entry.filter else 0.0,
        frozen_s=entry.frozen.after.to("s") if entry.frozen else math.inf,
        frozen_quality=BAD if entry.frozen and entry.frozen.quality == "bad" else UNCERTAIN,
        sampled=entry.sampled,
        rebased=entry.rebase == "batch",
        calibration=_mark(entry.calibration or name, found),
    )  # fmt: skip


def _output_tag(loaded: LoadedSite, vessel: str, name: str, entry: tag_class.Output) -> Tag:
    low, high = entry.range.to(entry.unit)
    access: Access = "w" if entry.once else "rw"
    found = loaded.calibration(vessel, name)
    connection, point = _point(loaded, f"{vessel}.{name}", entry.source, entry.unit, found, access)
    mark = _mark(name, found)
    return Tag(vessel, name, entry.title, entry.unit, 1, "output", low, high, connection, point, calibration=mark)


def _point(
    loaded: LoadedSite, key: str, source: tag_class.Source, unit: str, calibration: Calibrated | None, access: Access
) -> tuple[str, Point]:
    """The connection and the point of a tag. A calibration converts the instrument's number to the tag's unit."""
    vessel = key.partition(".")[0]
    gain, offset = calibration.line(unit) if calibration else (1.0, 0.0)
    address = source.point.replace("{vessel}", vessel)
    return loaded.config.vessels[vessel].instruments[source.instrument], Point(key, address, access, gain, offset)


def _mark(name: str, calibration: Calibrated | None) -> Mark | None:
    return Mark(name, calibration.id, calibration.date, calibration.expires) if calibration else None


def _interlock(vessel: str, name: str, entry: guard_class.Interlock, outputs: OutputTable) -> Interlock:
    force = []
    for output, value in entry.force.items():
        row = outputs.index[f"{vessel}.{output}"]
        force.append((row, value.to(outputs.rows[row].unit)))
    return Interlock(vessel, name, entry.title, entry.when, entry.release, tuple(force), entry.on_unknown)


def _limit_alarms(loaded: LoadedSite, tags: TagTable) -> list[Alarm]:
    return [
        _limit_alarm(vessel, name, entry, tags)
        for vessel, kind in loaded.classes.items()
        for name, entry in kind.alarms.items()
    ]


def _limit_alarm(vessel: str, name: str, entry: guard_class.Alarm, tags: TagTable) -> Alarm:
    row = tags.index[f"{vessel}.{entry.tag}"]
    tag = tags.tags[row]
    limit = entry.above or entry.below
    assert limit is not None, "the model demands one of them"
    return Alarm(
        vessel, name, f"{tag.title} {'high' if entry.above else 'low'}", row,
        side="above" if entry.above else "below",
        limit=limit.to(tag.unit),
        deadband=entry.deadband.difference(tag.unit) if entry.deadband else 0.0,
        on_delay=entry.on_delay.to("s") if entry.on_delay else 0.0,
        off_delay=entry.off_delay.to("s") if entry.off_delay else 0.0,
        priority=entry.priority,
        unit=tag.unit,
        during=frozenset(entry.during),
        consequence=entry.consequence,
        cause=entry.cause,
        action=entry.action,
        respond_within=str(entry.respond_within),
        tag_name=tag.name,
    )  # fmt: skip


def _bad_value_alarms(loops: LoopTable, tags: TagTable) -> list[Alarm]:
    """One alarm for each value that a loop cannot do without."""
    return [
        Alarm(
            loop.vessel, f"{tags.tags[row].name}_bad", f"{tags.tags[row].title}: no valid value", row,
            side="bad",
            on_delay=BAD_VALUE_DELAY_S,
            unit=tags.tags[row].unit,
            consequence=f"The loop {loop.title} "
            + ("put its outputs to their safe values." if loop.on_bad_pv == "safe" else "holds its output."),
            cause=bad_value_cause(tags.tags[row]),
            action="Check the instrument and its connection; operate the loop by hand until the value is back.",
            respond_within="10 min",
            tag_name=tags.tags[row].name,
        )
        for row, loop in sorted(loops.watching().items())
    ]  # fmt: skip


def _undecided_alarms(interlocks: Sequence[Interlock]) -> list[Alarm]:
    """One alarm for each interlock: nobody knows whether it should have tripped."""
    return [
        Alarm(
            interlock.vessel, f"{interlock.name}_undecided", f"{interlock.title}: interlock cannot be decided", -1,
            side="undecided",
            consequence="The interlock has tripped and holds its outputs."
            if interlock.on_unknown == "trip"
            else "The interlock stays as it is and protects nothing.",
            cause=f"A value of its condition is not valid: {interlock.when}",
            action="Check the instrument and its connection; watch the vessel by other means until the value is back.",
            respond_within="10 min",
            interlock=row,
        )
        for row, interlock in enumerate(interlocks)
    ]  # fmt: skip
