"""P17 over HTTP: one loop's health, and loops on sister vessels compared."""

import numpy as np
import pytest

from controller.stages.health_books import Place

PATH = "/api/v1/vessels/BR-101/loops/temperature/health"


@pytest.fixture(scope="module")
def watched(bench):
    """A loop that swings in one operation and is quiet in the next."""
    loops = bench.loops_watched
    loops.settled()
    loops.places[0] = Place("B-1", "warm_up")
    loops.scan(0.0)
    loops.scans(0.5 * np.sin(np.arange(10_000) * 2 * np.pi / 640))
    loops.places[0] = Place("B-1", "expand")
    loops.scans(np.zeros(100))
    return loops


def test_p17_the_health_of_a_loop(http, watched):
    body = http.get(PATH).json()
    assert body["time"] > 1e9
    assert (body["vessel"], body["loop"], body["unit"], body["output_unit"]) == ("BR-101", "temperature", "Cel", "%")
    assert {key: value for key, value in body.items() if key != "time"} == watched.view()
    warm_up = next(part for part in body["batch"]["operations"] if part["operation"] == "warm_up")
    assert warm_up["oscillation"]["found"]
    assert warm_up["oscillation"]["period_s"] == pytest.approx(640, rel=0.05)
    assert warm_up["sigma"] == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert body["recent"]["oscillation"]["period_s"] == pytest.approx(640, rel=0.05)


def test_p17_loops_on_sister_vessels(http, watched):
    loops = http.get("/api/v1/health/loops").json()["loops"]
    temperature = next(loop for loop in loops if loop["loop"] == "temperature")
    assert [row["vessel"] for row in temperature["vessels"]] == ["BR-101", "BR-102"]
    assert temperature["vessels"][0]["batch"] == "B-1"
    for query in ({"scope": "all"}, {"operation": "warm_up"}):
        found = http.get("/api/v1/health/loops", params=query).json()["loops"]
        assert found == watched.report.compare(query.get("scope", "batch"), query.get("operation"))


def test_p17_what_does_not_exist_is_said(http):
    assert "temperature" in http.get(PATH.replace("temperature", "tempreature")).json()["detail"]
    assert http.get(PATH.replace("BR-101", "BR-109")).status_code == 404
    assert http.get("/api/v1/health/loops", params={"scope": "week"}).status_code == 422
