"""The summary of a rehearsal in words and tables."""

from controller.cli.rehearsal_text import loops_text
from controller.composition.rehearsal.figures import distribution

HALF = distribution([50.0])


def loop(side, unit):
    return {"side": side, "unit": unit, "in_band": HALF, "mean_absolute_error": distribution([0.25])}


def test_a_loop_that_holds_one_side_has_no_mean_error_and_says_which_counts():
    told = loops_text({"foam": loop("above", "%"), "weight": loop("both", "g")}).splitlines()
    assert told[1].split() == ["foam", "50", "(50", "..", "50)", "-"]
    assert told[2].endswith("0.25 (0.25 .. 0.25) g")
    assert told[3] == "foam: only what is above its setpoint counts; on the other side it holds nothing."
