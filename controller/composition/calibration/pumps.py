"""Calibrations of a pump: what it delivers per revolution, by a balance or by a measured volume."""

from __future__ import annotations

import math
from typing import Any

from controller.composition.calibration.job import Finding, Job, NotPossible, Place, number
from controller.composition.calibration.pumping import Amount, Pump
from controller.composition.calibration.results import LEAST_TURNS, Line, pump, weighed
from controller.composition.calibration.session import Interrupted, yes
from controller.config.calibrated import alike, gain_of
from controller.units import Quantity, UnitError, convert, parse_quantity

FACTOR = "mL/{rev}"
SPEED = "{rev}/min"
USUAL = "300 s"
LONGEST_S = 4 * 3600.0
WATER = 0.998
"""Density at 20 Cel, g/mL."""


def by_balance(job: Job) -> Finding:
    """Pump onto, or out of, a vessel on a balance."""
    scale, head = _scale(job), _pump(job)
    plan = job.session.step("plan", lambda: {**_plan(job), "density": _density(job)})
    found = job.session.step("run", lambda: _weigh(job, head, plan, scale))
    grams = weighed(found["before"]["value"], found["after"]["value"], job.still(scale.unit).band)
    millilitres = convert(grams, scale.unit, "g") / plan["density"]
    job.session.say(f"{found['turns']:.2f} revolutions gave {millilitres:.4g} mL\n")
    references = [{"balance": job.balance, "density": plan["density"], "unit": "g/mL"}]
    return _finding(job, found, millilitres, references)


def by_volume(job: Job) -> Finding:
    """Pump into something that measures a volume."""
    head = _pump(job)
    plan = job.session.step("plan", lambda: _plan(job))
    found = job.session.step("run", lambda: _measure(job, head, plan))
    job.session.say(f"{found['turns']:.2f} revolutions\n")
    millilitres = job.session.ask("volume", "What was delivered, mL", number("mL", 0.0, 1e6))
    return _finding(job, found, millilitres, [{"volume": millilitres, "unit": "mL"}])


def _finding(job: Job, found: dict[str, Any], millilitres: float, references: list[dict[str, Any]]) -> Finding:
    factor = pump(found["turns"], millilitres, _old(job))
    return Finding(Quantity(factor, FACTOR), None, [found], references)


def _old(job: Job) -> float | None:
    """The factor in force, in mL per revolution."""
    return convert(job.old.factor.value, job.old.factor.unit, FACTOR) if job.old else None


def _pump(job: Job) -> Pump:
    output = job.output()
    instrument, speed = job.behind(output.source)
    if job.old and job.old.offset:
        raise NotPossible(f"{job.name} has an offset; a pump has none")
    return Pump(instrument, speed, _counter(job))


def _counter(job: Job) -> str:
    """The point where the pump counts its revolutions, if a tag that shares the calibration reads it."""
    output = job.output()
    for tag, entry in job.loaded.classes[job.vessel].measurements.items():
        is_count = alike(entry.unit, "mL") and entry.source.instrument == output.source.instrument
        if (entry.calibration or tag) == job.name and is_count:
            return job.behind(entry.source)[1]
    return ""


def _plan(job: Job) -> dict[str, Any]:
    """How the pump is to run."""
    output = job.output()
    gain = gain_of(job.old.factor, output.unit) if job.old else 1.0
    most = output.range.high.to(output.unit) / gain if job.old else 1000.0
    most = math.floor(10.0 * most) / 10.0
    question = f"How fast is the pump to turn, {SPEED}, at most {most:g}"
    speed = job.session.ask("speed", question, number(SPEED, 0.1, most), f"{most:g}")
    question = "How long, as revolutions or as time, such as 200 {rev} or 90 s"
    amount = job.session.ask("amount", question, _amount, USUAL)
    lasts_s = amount.seconds if amount.turns is None else 60.0 * amount.turns / speed
    if lasts_s > LONGEST_S:
        raise NotPossible(f"that would take {lasts_s / 3600.0:.1f} h")
    turns = speed * amount.seconds / 60.0 if amount.turns is None else amount.turns
    if turns < LEAST_TURNS:
        raise NotPossible(f"that would be {turns:.3g} revolutions; at least {LEAST_TURNS:g} are needed")
    return {"speed": speed, "turns": amount.turns, "seconds": amount.seconds}


def _amount(text: str) -> Amount:
    """Revolutions or a time. Raises ``ValueError``."""
    quantity = parse_quantity(text)
    if quantity.value <= 0.0:
        raise ValueError("more than nothing")
    try:
        return Amount(None, quantity.to("s"))
    except UnitError:
        return Amount(quantity.to("{rev}"), 0.0)


def _density(job: Job) -> float:
    return job.session.ask("density", "Density of what is pumped, g/mL", number("g/mL", 0.5, 3.0), f"{WATER:g}")


def _scale(job: Job) -> Place:
    """The balance: a measured tag of the vessel, or a connection of the site with the point that weighs in g."""
    if not job.balance:
        raise NotPossible("which balance? Give --balance CONNECTION, or a measured tag of the vessel")
    measured = job.loaded.classes[job.vessel].measurements
    if job.balance in measured:
        return job.place(job.balance, measured[job.balance])
    connection, _, address = job.balance.partition(".")
    instrument = job.instrument(connection)
    address = address or "weight"
    instrument.point(address)
    return Place(instrument, address, Line(1.0, 0.0), "g")


def _weigh(job: Job, head: Pump, plan: dict[str, Any], scale: Place) -> dict[str, Any]:
    _ready(job, "The tube is full, its end is over the vessel on the balance, and the pump may run")
    before = job.reading("before", scale)
    turned = _turn(job, head, plan)
    return {**turned, "before": before, "after": job.reading("after", scale)}


def _measure(job: Job, head: Pump, plan: dict[str, Any]) -> dict[str, Any]:
    _ready(job, "The tube is full, its end is over the measuring vessel, and the pump may run")
    return _turn(job, head, plan)


def _ready(job: Job, text: str) -> None:
    if not job.session.ask("ready", f"{text}: yes or no", yes):
        raise Interrupted


def _turn(job: Job, head: Pump, plan: dict[str, Any]) -> dict[str, Any]:
    job.must_be_free(head.instrument.name)  # the question may have stood there for long
    job.session.say("  the pump runs; Ctrl-C stops it\n")
    turned = job.runner.run(head.run(plan["speed"], Amount(plan["turns"], plan["seconds"])))
    job.session.say(f"  it stands: {turned.turns:.2f} revolutions in {turned.seconds:.1f} s\n")
    return {**turned._asdict(), "speed": plan["speed"]}
