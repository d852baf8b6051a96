"""The page listens on loopback only."""

import pytest

from controller.composition.http import bind


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "example.org"])
def test_other_addresses_are_refused_with_the_reason(host):
    with pytest.raises(ValueError, match=r"loopback|no TLS"):
        bind(host, 0)


def test_a_taken_port_is_an_os_error():
    first = bind("localhost", 0)
    try:
        with pytest.raises(OSError, match="in use"):
            bind("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()
