"""Calibrations by what a probe shows in something known: pH buffers, gases, a weight."""

from __future__ import annotations

from typing import Any

from controller.composition.calibration.buffers import STANDARDS, standard
from controller.composition.calibration.job import Finding, Job, NotPossible, Place, number
from controller.composition.calibration.results import Line, do_two, ph_one, ph_two
from controller.units import Quantity

PH, SATURATION = "[pH]", "%"
THERMOMETERS = {"hamilton_arc": "PMC6"}
"""By driver, the channel of the same probe that measures the temperature."""
RAW = Line(1.0, 0.0)
TOLERANCE = 0.001
"""Of a weight, by which a balance may be off, unless another tolerance is told."""


def ph_one_point(job: Job) -> Finding:
    """One buffer: the offset."""
    place = _probe(job, PH)
    one = job.session.step("point-1", lambda: _buffer(job, place, 1))
    return _finding(ph_one(one["reading"]["raw"], one["reference"]["value"], place.line), place, [one])


def ph_two_points(job: Job) -> Finding:
    """Two buffers: slope and offset."""
    place = _probe(job, PH)
    one = job.session.step("point-1", lambda: _buffer(job, place, 1))
    two = job.session.step("point-2", lambda: _buffer(job, place, 2))
    raw = (one["reading"]["raw"], two["reading"]["raw"])
    line = ph_two(raw, (one["reference"]["value"], two["reference"]["value"]))
    job.session.say(f"slope {100.0 / line.factor:.1f} %, {line.raw(7.0) - 7.0:+.3f} pH off at pH 7\n")
    return _finding(line, place, [one, two])


def oxygen(job: Job) -> Finding:
    """Zero in nitrogen and span in air."""
    place = _probe(job, SATURATION)
    zero = job.session.step("zero", lambda: _gas(job, place, "zero", "nitrogen", 0.0))
    span = job.session.step("span", lambda: _gas(job, place, "span", "air", 100.0))
    line = do_two(
        (zero["reading"]["raw"], span["reading"]["raw"]), (zero["reference"]["value"], span["reference"]["value"])
    )
    return _finding(line, place, [zero, span])


def balance(job: Job) -> Finding:
    """A weight on a balance: passes or fails, changes nothing."""
    place = job.place(*job.measurement("g"))
    empty = job.session.step("empty", lambda: _emptied(job, place))
    loaded = job.session.step("loaded", lambda: _weight(job, place))
    weight, tolerance = loaded["reference"]["value"], loaded["reference"]["tolerance"]
    error = loaded["reading"]["value"] - empty["value"] - weight
    passed = abs(error) <= tolerance
    text = f"{'passed' if passed else 'FAILED'}: {error:+.3g} {place.unit} off, {tolerance:.3g} may be"
    readings = [empty, loaded["reading"]]
    return Finding(None, None, readings, [loaded["reference"]], passed, text)


def _probe(job: Job, unit: str) -> Place:
    tag, entry = job.measurement(unit)
    if entry.unit != unit:
        raise NotPossible(f"{tag} is in {entry.unit}; this method needs {unit}")
    return job.place(tag, entry)


def _finding(line: Line, place: Place, points: list[dict[str, Any]]) -> Finding:
    factor, offset = Quantity(line.factor, place.unit), Quantity(line.offset, place.unit)
    return Finding(factor, offset, [one["reading"] for one in points], [one["reference"] for one in points])


def _buffer(job: Job, place: Place, number_: int) -> dict[str, Any]:
    known = ", ".join(STANDARDS)
    text = f"Rinse the probe and put it into buffer {number_}. Its pH at its temperature, or one of {known}"
    told = job.session.ask(f"buffer-{number_}", text, _buffer_value)
    reading = job.reading(f"buffer-{number_}", place, line=RAW)
    celsius = _temperature(job, place, number_)
    value = standard(told, celsius) if isinstance(told, str) else told
    name = told if isinstance(told, str) else "as told"
    return {"reading": reading, "reference": {"value": value, "unit": PH, "buffer": name, "temperature_c": celsius}}


def _buffer_value(text: str) -> float | str:
    return text if text in STANDARDS else number(PH, 0.0, 14.0)(text)


def _temperature(job: Job, place: Place, number_: int) -> float:
    """Told, or read from the probe that can tell it."""
    address = job.thermometer or _thermometer(job, place)
    question, default = "The buffer's temperature, Cel", "read" if address else ""

    def read(text: str) -> float:
        """A number, or what the probe shows. Raises ``ValueError``."""
        if text == "read" and address:
            (sample,) = job.runner.run(place.instrument.read([place.instrument.point(address)]))
            text = f"{sample.value:.1f}"
        return number("Cel", 0.0, 50.0)(text)

    celsius = job.session.ask(f"temperature-{number_}", question, read, default)
    job.session.say(f"  {celsius:.1f} Cel\n")
    return celsius


def _thermometer(job: Job, place: Place) -> str:
    """The point of the same probe that tells its temperature, if one is known."""
    channel = THERMOMETERS.get(job.loaded.config.connections[place.instrument.name].driver, "")
    return f"{place.address.partition('.')[0]}.{channel}" if channel else ""


def _gas(job: Job, place: Place, key: str, gas: str, usual: float) -> dict[str, Any]:
    text = f"Put the probe into {gas} and let it be. What should it show, %"
    read = number(SATURATION, 0.0, 5.0) if key == "zero" else number(SATURATION, 20.0, 500.0)
    value = job.session.ask(key, text, read, f"{usual:g}")
    reading = job.reading(key, place, line=RAW)
    return {"reading": reading, "reference": {"value": value, "unit": SATURATION, "gas": gas}}


def _emptied(job: Job, place: Place) -> dict[str, Any]:
    job.session.ask("empty", "Empty the balance, then press Enter", str)
    return job.reading("empty", place)


def _weight(job: Job, place: Place) -> dict[str, Any]:
    text = f"Put the weight on the balance. What does it weigh, {place.unit}"
    weight = job.session.ask("weight", text, number(place.unit, 1e-6, 1e6))
    usual = f"{TOLERANCE * weight:g}"
    question = f"By how much may it be off, {place.unit}"
    tolerance = job.session.ask("tolerance", question, number(place.unit, 0.0, weight), usual)
    reading = job.reading("weight", place)
    return {"reading": reading, "reference": {"value": weight, "unit": place.unit, "tolerance": tolerance}}
