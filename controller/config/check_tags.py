"""Cross-checks of a vessel class: measurements, outputs, interlocks and alarms."""

from __future__ import annotations

from controller.config.checker import MEASURED, Checker, ConditionCheck
from controller.config.guard_class import Alarm, Interlock
from controller.config.problems import Path, nearest
from controller.config.tag_class import Band, Output, Source
from controller.units import per


def check_tags(check: Checker) -> None:
    """Names are unique, sources exist, and every limit is in a unit that fits its tag."""
    _unique_names(check)
    written: dict[Source, str] = {}
    for name, tag in check.config.measurements.items():
        path: Path = ("measurements", name)
        _source(check, path, tag.source)
        _band(check, (*path, "credible"), tag.credible, tag.unit)
        check.size((*path, "max_rate"), tag.max_rate, per(tag.unit))
    for name, output in check.config.outputs.items():
        _output(check, name, output)
        source = output.source
        other = written.get(source)
        if other is not None:
            check.bound.problem(("outputs", name, "source"), f"{source.point} is written by output {other!r} already")
        written[source] = name


def check_interlocks(check: Checker, conditions: ConditionCheck | None) -> None:
    """Forced outputs exist and are forced to something they can do; conditions are understood."""
    for name, interlock in check.config.interlocks.items():
        for target, value in interlock.force.items():
            path: Path = ("interlocks", name, "force", target)
            if check.known(path, target, check.names("outputs"), "output"):
                output = check.config.outputs.get(target)
                if output is not None:
                    check.inside(path, value, output.unit, (output.range.low, output.range.high), "the output's range")
        if conditions is not None:
            _conditions(check, name, interlock, conditions)


def check_alarms(check: Checker) -> None:
    """Alarms watch tags that exist, at limits that their sensors can reach."""
    for name, alarm in check.config.alarms.items():
        path: Path = ("alarms", name)
        if not check.known((*path, "tag"), alarm.tag, check.names(*MEASURED), "measurement or calculated tag"):
            continue
        unit = check.config.unit(alarm.tag)
        check.size((*path, "deadband"), alarm.deadband, unit, may_be_zero=True)
        _alarm_limit(check, path, alarm, unit)


def _alarm_limit(check: Checker, path: Path, alarm: Alarm, unit: str | None) -> None:
    measurement = check.config.measurements.get(alarm.tag)
    band = (measurement.credible.low, measurement.credible.high) if measurement else None
    check.inside((*path, "above"), alarm.above, unit, band, "what the sensor can say")
    check.inside((*path, "below"), alarm.below, unit, band, "what the sensor can say")


def _unique_names(check: Checker) -> None:
    section_of: dict[str, str] = {}
    for section in (*MEASURED, "outputs"):
        for name in check.names(section):
            if name in section_of:
                check.bound.problem((section, name), f"{name!r} is in {section_of[name]} already", at_key=True)
            section_of.setdefault(name, section)


def _source(check: Checker, path: Path, source: Source) -> None:
    roles = check.bound.document.at(("instruments",))
    known = [role for role in roles if isinstance(role, str)] if isinstance(roles, list) else []
    if source.instrument not in known:
        meant = nearest(source.instrument, known)
        hint = "add it under instruments:"
        hint = f"{meant.rstrip('?')}, or {hint}" if meant.endswith("?") else hint
        check.bound.problem((*path, "source", "instrument"), f"there is no instrument {source.instrument!r}", hint)


def _band(check: Checker, path: Path, band: Band, unit: str) -> None:
    check.value((*path, "low"), band.low, unit)
    check.value((*path, "high"), band.high, unit)


def _output(check: Checker, name: str, output: Output) -> None:
    path: Path = ("outputs", name)
    _source(check, path, output.source)
    _band(check, (*path, "range"), output.range, output.unit)
    check.size((*path, "max_rate"), output.max_rate, per(output.unit))
    if output.safe != "none":
        band = (output.range.low, output.range.high)
        check.inside((*path, "safe"), output.safe, output.unit, band, "the output's range")


def _conditions(check: Checker, name: str, interlock: Interlock, conditions: ConditionCheck) -> None:
    for key, text in (("when", interlock.when), ("release", interlock.release)):
        for finding in conditions(text, check.config) if text else ():
            check.bound.problem(("interlocks", name, key), finding.message, finding.hint, offset=finding.offset)
