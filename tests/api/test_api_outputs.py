"""A dose guard that is let go over HTTP."""

RESET = "/api/v1/vessels/BR-101/outputs/{}/guard/reset"
WHY = {"reason": "the sample says the same as the probe"}


def test_a_guard_that_holds_is_reset_with_the_reason_on_record(http, bench):
    bench.held = True
    answer = http.post(RESET.format("base_flow"), json=WHY)
    assert answer.status_code == 200
    assert answer.json()["state"] == "applied"
    command = bench.store.command(answer.json()["journal"])
    assert (command.verb, command.target, command.reason) == ("output.guard", "BR-101.base_flow", WHY["reason"])
    assert not bench.held


def test_one_that_does_not_hold_is_left_alone(http, bench):
    answer = http.post(RESET.format("base_flow"), json=WHY)
    assert answer.status_code == 409
    assert "does not hold it" in answer.json()["detail"]


def test_without_a_reason_nothing_happens(http, bench):
    bench.held = True
    assert http.post(RESET.format("base_flow"), json={"reason": " "}).status_code == 422
    assert http.post(RESET.format("base_flow"), json={}).status_code == 422
    assert bench.held


def test_an_output_without_a_guard_is_not_found(http):
    answer = http.post(RESET.format("heater"), json=WHY)
    assert answer.status_code == 404
    assert "base_flow" in answer.text
