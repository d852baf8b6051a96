"""Cross-checks of a vessel class: dose loops."""

from __future__ import annotations

from controller.config.check_outputs import check_above_rest, check_amount
from controller.config.checker import MEASURED, Checker
from controller.config.loop_class import DoseLoop
from controller.config.problems import Path
from controller.config.tag_class import Output


def check_dose_loop(check: Checker, path: Path, loop: DoseLoop) -> None:
    """The output exists, can give the dose and brings the PV back, and the limits allow at least one."""
    if not check.known((*path, "output"), loop.output, check.names("outputs"), "output"):
        return
    output = check.config.outputs.get(loop.output)
    if output is None:
        return
    _helps(check, path, loop, output)
    if output.dose or output.pulse:
        message = f"{loop.output} is pulsed already, and this loop gives pulses itself"
        check.bound.problem((*path, "output"), message, "take pulse: or dose: from the output")
    if output.safe != "none" and output.safe.value != 0.0:
        message = f"{loop.output} goes on giving at its safe value, {output.safe}"
        check.bound.problem((*path, "output"), message, "a dose loop needs an output with safe: 0")
    check_above_rest(check, (*path, "rate"), loop.rate, output)
    dose = check_amount(check, (*path, "amount"), loop.amount, output.unit)
    for key, limit in (("most_per_hour", loop.most_per_hour), ("most_per_batch", loop.most_per_batch)):
        most = check_amount(check, (*path, key), limit, output.unit)
        if most is not None and dose is not None and most < dose:
            message = f"{key}: {limit} is less than one dose of {loop.amount}"
            check.bound.problem((*path, key), message, "so that none could ever be given")


def _helps(check: Checker, path: Path, loop: DoseLoop, output: Output) -> None:
    """What is given above the setpoint lowers the PV, and what is given below it raises it."""
    if loop.pv not in check.names(*MEASURED):
        return
    raises, lowers = loop.pv in output.raises, loop.pv in output.lowers
    if raises == lowers:
        hint = f"write raises: [{loop.pv}] or lowers: [{loop.pv}] there, so that a wrong side is found before it acts"
        check.bound.problem((*path, "output"), f"output {loop.output!r} does not say what it does to {loop.pv}", hint)
    elif raises == (loop.when == "above"):
        way, other = ("raises", "below") if raises else ("lowers", "above")
        what = (
            f"inverse action: {loop.output} {way} {loop.pv}, and would be given while that is {loop.when} the setpoint"
        )
        check.bound.problem((*path, "when"), what, f"write when: {other}")
