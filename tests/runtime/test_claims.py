"""Claims of wires never stand in a supervisor's way, and are only of its own."""

from __future__ import annotations

import resource
import socket

import pytest

from controller.composition.claims import Claims, owner_of, places, wires_of
from controller.composition.instruments import wires_by_name
from controller.config.site import Connection

URL, REAL = "tcp://127.0.0.1:4001", "opc.tcp://plc.example:4841"


def test_where_nothing_can_be_claimed_a_supervisor_goes_on() -> None:
    """As with a limit on open files, or a service that may not use such sockets."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        claims = Claims("bench", [URL], 0.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert owner_of([URL]) is None
    claims.release()


def test_a_name_that_is_no_claim_of_ours_says_nothing() -> None:
    """As of another version, or of somebody who plays."""
    claims = Claims("bench", [URL], 7.0)
    address = claims._sockets[0].getsockname()
    claims.release()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(b"\0" + bytes(address).lstrip(b"\0").rpartition(b"/")[0] + b"-what")
        assert owner_of([URL]) is None
        claims = Claims("bench", [URL], 7.0)
        owner = owner_of([URL])
        assert owner is not None
        assert (owner.since, owner.site) == (7.0, "bench")
        claims.release()


@pytest.mark.parametrize("url", ["opc.tcp://plc:48a0", "opc.tcp://[plc:4840", ""])
def test_an_endpoint_that_is_no_url_claims_no_wire_of_others(url: str) -> None:
    """Its connection has other endpoints, which are tried all the same."""
    assert not places(url) & places(URL)
    assert owner_of(wires_of(URL, {"endpoints": [url]})) is None
    Claims("bench", wires_of(URL, {"endpoints": [url]}), 0.0).release()


def test_the_real_instruments_other_endpoints_are_not_ours_while_it_is_simulated() -> None:
    connections = {
        "plc": Connection(driver="generic_plc", url="opc.tcp://plc.example:4840", options={"endpoints": [REAL]})
    }
    assert wires_by_name(connections, {}, simulated=False) == {"plc": ["opc.tcp://plc.example:4840", REAL]}
    assert wires_by_name(connections, {"plc": URL}, simulated=True) == {"plc": [URL]}
