"""Another instrument that is accepted over HTTP."""

ACCEPT = "/api/v1/connections/{}/accept"
OTHER = {"instrument": "serial 8, not 7", "reason": "the pump was exchanged"}


def test_another_instrument_is_accepted_with_the_reason_on_record(http, bench):
    answer = http.post(ACCEPT.format("plc"), json=OTHER)
    assert (answer.status_code, answer.json()["state"]) == (200, "applied")
    command = bench.store.command(answer.json()["journal"])
    assert (command.verb, command.target, command.reason) == ("connection.accept", "plc", OTHER["reason"])
    assert command.value == {"instrument": "serial 8, not 7"}


def test_one_that_is_gone_again_is_not(http):
    answer = http.post(ACCEPT.format("plc"), json={**OTHER, "instrument": "serial 9, not 7"})
    assert answer.status_code == 409
    assert "another one answers meanwhile" in answer.json()["detail"]


def test_without_a_reason_or_an_instrument_nothing_happens(http):
    for wrong in ({**OTHER, "reason": " "}, {"reason": "x"}, {**OTHER, "instrument": ""}):
        assert http.post(ACCEPT.format("plc"), json=wrong).status_code == 422


def test_a_connection_that_does_not_exist_is_not_found(http):
    answer = http.post(ACCEPT.format("pump"), json=OTHER)
    assert answer.status_code == 404
    assert "plc" in answer.text
