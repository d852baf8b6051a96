"""Drivers by name: only the one asked for is imported, and nothing heavy with it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from drivers import registry
from drivers.contract import ConnectionSpec, Driver

KINDS = {
    "generic_plc": "opc.tcp://127.0.0.1:4840",
    "hamilton_arc": "serial:///dev/null?baudrate=19200&stopbits=2",
    "watson_marlow": "serial:///dev/null",
    "vicell_blu": "opc.tcp://127.0.0.1:62641/ViCellBlu/Server",
}
HEAVY = ("asyncua", "pymodbus", "serial", "fastapi", "numpy")


@pytest.mark.parametrize("kind", KINDS)
def test_creates_our_drivers(kind: str) -> None:
    assert isinstance(registry.create(kind, ConnectionSpec("c", KINDS[kind])), Driver)
    assert kind in registry.names()


def test_unknown_driver_lists_what_exists() -> None:
    with pytest.raises(registry.UnknownDriver, match=r"no driver 'plc'.*generic_plc.*watson_marlow"):
        registry.create("plc", ConnectionSpec("c", "x"))


def test_creating_all_drivers_imports_nothing_heavy() -> None:
    code = (
        "import sys, json\nfrom drivers import registry, link\nfrom drivers.contract import ConnectionSpec\n"
        f"for kind, url in {KINDS!r}.items(): registry.create(kind, ConnectionSpec('c', url))\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert json.loads(done.stdout) == []


def test_only_the_driver_asked_for_is_imported() -> None:
    code = (
        "import sys\nfrom drivers import registry\nfrom drivers.contract import ConnectionSpec\n"
        "registry.create('watson_marlow', ConnectionSpec('c', 'serial:///dev/null'))\n"
        "print(*[m for m in sys.modules if m.startswith('drivers.instruments.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.split() == ["drivers.instruments.watson_marlow"]


def test_options_of_another_driver_are_refused() -> None:
    with pytest.raises(ValueError, match="connection 'c': this driver has no option number"):
        registry.create("generic_plc", ConnectionSpec("c", KINDS["generic_plc"], {"number": 1}))
