"""What the drivers of a site say of its files: in the right line, and by ``biovisor check`` as by ``biovisor run``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.cli.main import main

Break = Callable[[str, str, str], str]
BASE = "range: {low: 0 mL/h, high: 60 mL/h}"


def said(configs: Path, capsys: pytest.CaptureFixture[str], site: str = "bench") -> list[str]:
    """What the check of a site prints, line by line."""
    main(["check", str(configs / f"sites/{site}.yaml")])
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("class", "point: revolutions}, calibration: base_flow", "point: «revolution}, calibration: base_flow",
         "point: 'revolution' is not one of speed, revolutions, running"),
        ("class", "point: 1.PMC1.pH", "point: «1.PMC1.ph", "point: '1.PMC1.ph' is not <1-32>.{"),
        ("class", '"{vessel}.viability"', '«"{vessel}.viabilty"', "point: 'BR-101.viabilty' is not <vessel>.{"),
        ("class", "base_pump, point: speed", "base_pump, point: «revolutions", "point: revolutions can only be read"),
        ("class", BASE, BASE.replace("60", "«60000"),
         "high: 60000 mL/h is 40000 at speed of the instrument, which takes 0 .. 9999"),
        ("site", "options: {number: 1}", "options: «{nubmer: 1}",
         "watson_marlow: connection 'base-pump-101': this driver has no option nubmer"),
    ],
)  # fmt: skip
def test_what_an_instrument_does_not_have_is_told_with_its_place(
    configs: Path, spoil: Break, capsys: pytest.CaptureFixture[str], file: str, old: str, new: str, message: str
) -> None:
    place = spoil(file, old, new)
    first, *_, last = said(configs, capsys)
    assert first.startswith(f"{place} {message}")
    assert last.endswith("problem") or "viabilty" in message, "the pumps of both vessels are one line of the class"


@pytest.mark.parametrize("site", ["bench", "jacketed", "microbial", "perfusion"])
def test_the_instruments_of_the_shipped_sites_have_it_all(
    configs: Path, capsys: pytest.CaptureFixture[str], site: str
) -> None:
    assert said(configs, capsys, site) == ["1 file checked, no problems"]


def test_a_driver_that_nobody_has_is_told_once(configs: Path, spoil: Break, capsys: pytest.CaptureFixture[str]) -> None:
    place = spoil("site", "driver: generic_plc", "driver: «generic_plx")
    first, last = said(configs, capsys)
    assert first.startswith(f"{place} there is no driver")
    assert last == "1 problem"
