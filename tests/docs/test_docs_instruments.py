"""The pages about instruments against the drivers and the simulators: every one, every option, every fault."""

import importlib
import inspect
import re
import tomllib
from importlib.util import find_spec

import pytest

from drivers import options
from drivers.contract import ConnectionSpec
from simulators.faults import LINE_FAULTS, SERIAL_FAULTS, STREAM_FAULTS, Fault
from simulators.kinds import KINDS
from tests.docs.conftest import INLINE, ROOT, code, names, prose, table

INSTRUMENTS = ROOT / "docs/reference/instruments.md"
SIMULATORS = ROOT / "docs/how-to/use-the-simulators.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
DECLARED = {name: place.partition(":") for name, place in PROJECT["entry-points"]["biovisor.drivers"].items()}
DRIVERS = {name: (module, made) for name, (module, _, made) in DECLARED.items() if find_spec(module)}
SIMULATED = [kind for kind in KINDS if find_spec(f"simulators.instruments.{kind}")]
OPTIONS = [name for name, _ in inspect.getmembers(options.Options, inspect.isfunction) if name[0] != "_"]


def build(driver, url):
    module, made = DRIVERS[driver]
    return getattr(importlib.import_module(module), made)(ConnectionSpec("it", url, {}, 1.0))


def section(driver):
    """The part of the page below a driver's heading, to the next driver's."""
    return prose(INSTRUMENTS).split(f"\n## {driver}\n", 1)[1].split("\n## ", 1)[0]


def addresses(driver):
    """The URLs that the page gives for a driver, with something in the place of what it leaves open."""
    shown = [text for text in INLINE.findall(section(driver)) if re.match(r"[a-z.]+://", text)]
    urls = [re.sub("(?i)host:port|(?<=://)…", "host:4001", text).replace("…", "x") for text in shown]
    return [url for url in urls if not url.startswith("http")]


def test_every_driver_is_listed():
    assert sorted(names(table(INSTRUMENTS, "Driver"))) == sorted(DRIVERS)


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_driver_says_what_it_was_verified_on(driver):
    told = importlib.import_module(DRIVERS[driver][0]).VERIFIED_ON
    assert told
    assert all(isinstance(one, str) and one for one in told)


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_url_of_the_page_is_taken(driver):
    assert addresses(driver)
    for url in addresses(driver):
        build(driver, url)


@pytest.mark.parametrize("driver", DRIVERS)
def test_every_option_of_a_driver_is_described_with_its_default(driver, monkeypatch):
    taken = {}

    def recording(method):
        def take(self, key, *given, **named):
            bound = inspect.signature(method).bind(self, key, *given, **named)
            bound.apply_defaults()
            taken.setdefault(key, bound.arguments.get("default", ""))
            return method(self, key, *given, **named)

        return take

    for kind in set(OPTIONS) - {"end"}:
        monkeypatch.setattr(options.Options, kind, recording(getattr(options.Options, kind)))
    for url in addresses(driver):
        build(driver, url)
    rows = table(INSTRUMENTS, "Option", driver)
    described = {name: (code(row[1]) or [""])[0] for row in rows for name in code(row[0])}
    assert described.keys() == taken.keys()
    for key, default in taken.items():
        assert described[key].lower() == shown(default).lower(), key


def shown(default):
    """A default as the page writes it."""
    return str(list(default)) if isinstance(default, tuple | list) else str(default)


def test_every_simulated_instrument_has_a_driver_of_its_name():
    assert set(KINDS) <= set(DECLARED)


def test_every_fault_is_described_with_the_wires_that_show_it():
    wires = {
        "every wire": STREAM_FAULTS,
        "serial lines and PLCs": {Fault.REBOOT},
        "serial lines": LINE_FAULTS - STREAM_FAULTS - {Fault.REBOOT},
        "serial lines of devices that have a number": SERIAL_FAULTS - LINE_FAULTS,
        "instruments that say their unit": {Fault.WRONG_UNIT},
        "PLCs": {Fault.CLOCK},
    }
    described = {on: set() for on in wires}
    for fault, _, on in table(SIMULATORS, "Fault"):
        described[on] |= {Fault(name) for name in code(fault)}
    assert described == wires


@pytest.mark.parametrize("kind", SIMULATED)
def test_a_simulated_instrument_shows_all_faults_of_its_wire(kind):
    shown = importlib.import_module(f"simulators.instruments.{kind}").FAULTS - {Fault.WRONG_UNIT}
    if KINDS[kind].opcua:
        assert shown - {Fault.REBOOT, Fault.CLOCK} == STREAM_FAULTS
    else:
        assert shown in {LINE_FAULTS, SERIAL_FAULTS}
