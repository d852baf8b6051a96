"""The class with heater, cooling, head pressure and a feed bottle on a balance, in process."""

import pytest

from controller.composition.rehearsal import Rehearsal
from tests.rehearsal.conftest import CONFIGS, setting

SITE = CONFIGS / "sites/jacketed.yaml"
RECIPE = """
recipe: warm-and-cold
version: 1.0.0
title: Warm, feed, cool
author: Biovisor contributors
licence: Apache-2.0
vessel_class: jacketed-5l
requires: [temperature, pressure, gas, agitation, feed]
procedure:
  - operation: warm
    title: Warm
    do:
      - set: {loop: gas, to: 400 mL/min}
      - set: {loop: oxygen, to: 20.95 %}
      - set: {loop: agitation, to: "100 {rev}/min"}
      - set: {loop: pressure, to: 50 mbar}
      - set: {loop: antifoam, to: 60 %}
      - set: {loop: temperature, to: 37 Cel}
      - feed: {loop: feed, program: constant, rate: 50 mL/h}
    until:
      - when: elapsed > 6 h
        then: cool
  - operation: cool
    title: Cool
    do:
      - set: {loop: temperature, to: 18 Cel}
    until:
      - when: elapsed > 6 h
        then: end
"""


@pytest.mark.timeout(120)
def test_a_jacketed_vessel_is_warmed_fed_and_cooled_under_pressure(tmp_path):
    recipe = tmp_path / "warm.yaml"
    recipe.write_text(RECIPE)
    rehearsal = Rehearsal(setting(site=SITE, vessel="BR-401", recipe=recipe, period_s=5.0), [0])
    fleet, name, seen = rehearsal.fleet, rehearsal.names[0], {}

    def look():
        seen[rehearsal.engine.operation(name)] = {
            k: float(v[0]) for k, v in {**fleet.truth(), **fleet.readings}.items()
        }

    course = rehearsal.run(watch=look).courses[name]
    warm, cold = seen["warm"], seen["cool"]
    for name in ("true_temperature", "pressure", "feed_ml", "feed_bottle", "antifoam_ml", "valve_position", "foam"):
        print(f"{name}: {warm[name]:.2f} warm, {cold[name]:.2f} cold")
    assert course.state == "Complete"
    assert warm["true_temperature"] == pytest.approx(37.0, abs=0.2)
    assert cold["true_temperature"] == pytest.approx(18.0, abs=0.3)
    assert warm["pressure"] == pytest.approx(50.0, abs=8.0)
    assert warm["feed_ml"] == pytest.approx(6 * 50.0, rel=0.02), "mL/h by the PLC's own calibration"
    assert 2500.0 - warm["feed_bottle"] == pytest.approx(1.02 * warm["feed_ml"], abs=1.0)
    assert cold["feed_ml"] == pytest.approx(warm["feed_ml"], abs=2.0), "the feed ends with its operation"
