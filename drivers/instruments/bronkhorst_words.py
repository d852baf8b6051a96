"""What Bronkhorst's instruments say, whichever way they are asked: their parameters, control modes and alarms
(manual 9.17.027; parameter list of the ``bronkhorst-propar`` package).
"""

from __future__ import annotations

import math

from drivers.contract import Quality, Reason, Sample
from drivers.propar import BYTE, LONG, TEXT, WORD, Parameter

FLOW, SETPOINT = Parameter(33, 0, LONG, ">f"), Parameter(33, 3, LONG, ">f")
MEASURE, SETPOINT_WORD = Parameter(1, 0, WORD, ">H"), Parameter(1, 1, WORD, ">H")
MODE, ALARM = Parameter(1, 4, BYTE, "B"), Parameter(1, 20, BYTE, "B")
CAPACITY, UNIT = Parameter(1, 13, LONG, ">f"), Parameter(1, 31, TEXT, "")
MODEL, SERIAL, FIRMWARE = (Parameter(113, number, TEXT, "") for number in (2, 3, 5))
SINGLE = {
    "temperature": Parameter(33, 7, LONG, ">f"),
    "counter": Parameter(104, 1, LONG, ">f"),
    "valve": Parameter(114, 1, LONG, ">I"),
    "capacity": CAPACITY,
}
"""Points that are one parameter, and are believed as they are."""

FULL, NEGATIVE = 32000, 41942
"""Of a measure: 100 %, and the number above which it is negative."""
FOLLOWS = (0, 11, 18)
MODES = {
    1: "analog input", 2: "a master's output", 3: "valve closed", 4: "idle", 5: "test", 6: "tuning", 7: "100 %",
    8: "valve fully open", 9: "calibration", 10: "a master's analog output", 12: "0 %", 13: "a master's output",
    20: "valve steered", 21: "valve steered by analog input", 22: "safe state",
}  # fmt: skip
"""Those in which a setpoint from here is not followed."""
SPOILS, DOUBTS = 0x81, 0x62
"""Alarms that make the flow Bad, or Uncertain."""
ALARMS = (
    "error", "warning", "below its minimum", "above its maximum", "batch reached", "response or power-up alarm",
    "no signal of its master", "hardware fault",
)  # fmt: skip


def percent(raw: float) -> float:
    """A measure in per cent of the capacity."""
    return (raw - 65536 if raw > NEGATIVE else raw) * 100.0 / FULL


def finite(value: float) -> float | Sample:
    """A value, or Bad if it is no number."""
    if math.isfinite(value):
        return value
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, "not a number")


def judged_flow(value: float, alarm: int, wrong: str) -> Sample:
    """A flow with what the alarms say of it; ``wrong`` says why it is not to be believed at all."""
    raised = [word for bit, word in enumerate(ALARMS) if alarm >> bit & 1]
    detail = ", ".join([wrong, *raised] if wrong else raised)
    if wrong or alarm & SPOILS or not math.isfinite(value):
        return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, detail or "not a number")
    if alarm & DOUBTS:
        return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, detail)
    return Sample(value, Quality.GOOD, Reason.OK, 0, None, detail)


def judged_setpoint(value: float, mode: int, wrong: str) -> Sample:
    """A setpoint, doubtful when the instrument follows something else; ``wrong`` as for :func:`judged_flow`."""
    if wrong or not math.isfinite(value):
        return Sample(value, Quality.BAD, Reason.DEVICE, 0, None, wrong or "not a number")
    if mode not in FOLLOWS:
        return Sample(value, Quality.UNCERTAIN, Reason.DEVICE, 0, None, unfollowed(mode))
    return Sample(value, Quality.GOOD, Reason.OK, 0)


def unfollowed(mode: int) -> str:
    """Why a setpoint has no effect."""
    return f"its setpoint is not followed: control mode {mode}, {MODES.get(mode, 'unknown')}"


def wrong_unit(found: str, wanted: str) -> str:
    """What is wrong with the capacity unit; empty when nothing is, or when none is wanted."""
    return f"in {found}, not in {wanted}" if wanted and found != wanted else ""
