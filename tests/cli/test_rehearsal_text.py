"""The summary of a rehearsal in words and tables."""

from controller.cli.rehearsal_text import consumption_text, loops_text
from controller.composition.rehearsal.figures import distribution

HALF = distribution([50.0])


def loop(side, unit):
    return {"side": side, "unit": unit, "in_band": HALF, "mean_absolute_error": distribution([0.25])}


def test_a_loop_that_holds_one_side_has_no_mean_error_and_says_which_counts():
    told = loops_text({"foam": loop("above", "%"), "weight": loop("both", "g")}).splitlines()
    assert told[1].split() == ["foam", "50", "(50", "..", "50)", "-"]
    assert told[2].endswith("0.25 (0.25 .. 0.25) g")
    assert told[3] == "Over the whole of each batch, warming up and cooling down included."
    assert told[4] == "foam: only what is above its setpoint counts; on the other side it holds nothing."


def test_no_number_is_told_with_a_power_of_ten():
    air = {"title": "Air", "unit": "L", **distribution([1_415_700.0, 1416.4, 12.345])}
    base = {"title": "Base", "unit": "mL", **distribution([0.05542])}
    _, first, second = consumption_text({"air_flow": air, "base_flow": base}).splitlines()
    assert first.split() == ["Air", "1,416", "(152.8", "..", "1,274,272)", "L"]
    assert second.split() == ["Base", "0.05542", "(0.05542", "..", "0.05542)", "mL"]
