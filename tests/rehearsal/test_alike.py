"""A trend that shows what another shows already is found, and only where it really does."""

import pytest

from controller.composition.rehearsal.alike import alike, pairs
from controller.config.load import load_site
from controller.model.build import build
from tests.rehearsal.conftest import BENCH

PAIRS = {"air_flow": "air_flow_measured"}


def trend(*values, unit="mL/min"):
    return {"unit": unit, **{band: [*values] for band in ("p5", "p50", "p95")}}


def test_what_one_controller_is_asked_for_and_tells_belongs_together():
    site = build(load_site(BENCH))
    found = pairs([tag for tag in site.tags.tags if tag.vessel == "BR-101"])
    gases = {f"{gas}_flow": f"{gas}_flow_measured" for gas in ("air", "o2", "co2", "n2")}
    assert found == {**gases, "agitation_speed": "agitation_rate"}, "a pump's turns are no speed, heat no temperature"


@pytest.mark.parametrize(
    ("asked", "measured", "same"),
    [
        (trend(0.0, 50.0, None), trend(0.3, 49.0, None), True),
        (trend(0.0, 50.0, 50.0), trend(0.3, 49.0, 0.0), False),
        (trend(0.0, 50.0, None), trend(0.3, 49.0, 48.0), False),
    ],
)
def test_an_output_that_was_followed_is_the_same_and_one_that_was_not_is_shown(asked, measured, same):
    told = alike({"air_flow": asked, "air_flow_measured": measured}, PAIRS)
    assert told == (PAIRS if same else {})


def test_noise_about_nothing_is_judged_by_the_largest_value_in_that_unit():
    flat, noise = trend(0.0, 0.0), trend(0.2, 0.1)
    tags = {"air_flow": flat, "air_flow_measured": noise, "n2_flow": trend(200.0, 0.0)}
    assert alike(tags, PAIRS) == PAIRS
    del tags["n2_flow"]
    assert alike(tags, PAIRS) == {}


def test_a_spread_that_differs_is_shown_although_the_medians_are_the_same():
    tags = {"air_flow": trend(50.0), "air_flow_measured": {**trend(50.0), "p5": [0.0]}}
    assert alike(tags, PAIRS) == {}
