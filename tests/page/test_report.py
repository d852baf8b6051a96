"""The report of a rehearsal, opened from a file in Chromium."""

import csv
import io
import json
from pathlib import Path

import pytest

from controller.cli.main import main
from controller.composition.rehearsal.report.build import report_html
from tests.rehearsal.conftest import BENCH, shortened

AXE = Path(__file__).parents[2] / "controller/page/node_modules/axe-core/axe.min.js"
PARTS = ["Duration, yield and target", "Alarms to expect", "Time in band", "Consumption"]
PARTS += ["Beyond the model", "Forecast", "Donors"]
SCENARIO = "scenario: drops\nversion: 1.0.0\ntitle: Some drops\nfaults:\n  - {fault: wrong-sample, magnitude: 1 mL}\n"
pytestmark = [pytest.mark.browser]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a few donors' short batches, with a fault that none of them minds."""
    folder = tmp_path_factory.mktemp("report")
    recipe = shortened(folder)
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO)
    arguments = [
        "--scenario",
        str(scenario),
        "--donors",
        "4",
        "--seed",
        "2",
        "--site",
        str(BENCH),
        "--data",
        str(folder),
        "--processes",
        "1",
    ]
    assert main(["rehearse", str(recipe), *arguments]) == 0
    return folder / "rehearsals/car-t-expansion-1/report.html"


def opened(watch, report, **options):
    watched = watch(report.as_uri(), **options)
    watched.page.goto(watched.url)
    watched.page.wait_for_selector("canvas")
    return watched


@pytest.mark.timeout(120)
def test_it_needs_nothing_but_itself(watch, report):
    watched = opened(watch, report)
    asked = {url.split(":")[0] for _, url in watched.requests}
    assert asked <= {"file", "data"}
    page = watched.page
    assert page.title() == "Rehearsal of car-t-expansion on stirred-tank-2l"
    assert page.locator("p.soft").first.inner_text().endswith(" · scan period 20 s · scenario: Some drops")
    assert page.locator(".tile").first.inner_text().split("\n")[1] == "4 of 4"
    assert page.locator("main h2").all_inner_texts() == [*PARTS, "Made from"]
    assert "Temperature, °C" in page.locator("figcaption").all_inner_texts()
    assert page.get_by_text("(target_density = 3 10⁶/mL)").count() == 1
    assert not [text for text in page.locator("td, figcaption").all_inner_texts() if "10*" in text or "{rev}" in text]
    captions = page.locator("figcaption").all_inner_texts()
    assert "Air flow, mL/min (what was asked for is the same: Air)" in captions
    assert "Air, mL/min" not in captions
    assert "pH" in captions, "and not pH, pH"
    charts = page.locator("figure:has(canvas)").count()
    assert charts == page.locator("figure").count() > 20
    assert page.locator("table", has_text="One row for each").locator("tbody tr").count() == 4


@pytest.mark.timeout(120)
def test_what_is_never_known_is_named_and_not_drawn(watch, report):
    told, known = (json.loads((report.parent / f"{name}.json").read_text()) for name in ("summary", "forecast"))
    counted = known["tags"]["viable_density"]
    for band in ("p5", "p50", "p95"):
        counted[band] = [None] * len(counted[band])
    changed = report.parent / "uncounted.html"
    head, *rows = csv.reader(io.StringIO((report.parent / "donors.csv").read_text()))
    changed.write_text(report_html(told, known, (head, rows)))
    page = opened(watch, changed).page
    assert "Viable cell density, 10⁶/mL" in opened(watch, report).page.locator("figcaption").all_inner_texts()
    assert "Viable cell density, 10⁶/mL" not in page.locator("figcaption").all_inner_texts()
    (line,) = page.get_by_text("Never known in these batches, and not drawn: ").all_inner_texts()
    assert "Viable cell density" in line
    heads = page.locator("table", has_text="One row for each").locator("th").all_inner_texts()
    assert {"Duration, days", "Volume, L", "Air, L", "Base, mL", "temperature in band, %"} <= set(heads)
    assert not [text for text in heads if "_" in text]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"width": 820, "height": 1180}])
def test_it_can_be_read_by_everybody_and_fits(watch, report, options):
    page = opened(watch, report, **options).page
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
