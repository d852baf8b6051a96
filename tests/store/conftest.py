"""Stores for tests."""

import numpy as np
import pytest

from controller.clock import VirtualClock
from controller.commands import Command, Event, EventType, Verb
from controller.store import Store

COLUMNS = ["BR-101.temperature", "BR-101.ph", "BR-101.temperature.sp"]
UTC = 1_795_000_000.0


def command(value=37.0, **more):
    return Command(Verb.SETPOINT, "BR-101.temperature", {"value": value}, "operator", "api", "test", **more)


def event(text="something", **more):
    return Event(EventType.GENERAL, "System", "bench", text, **more)


def scan(store, second, value=37.0, quality=0):
    store.record(UTC + second, np.array([value, 7.2, 37.0]), np.full(3, quality, np.uint8))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "store.sqlite"


@pytest.fixture
def clock():
    return VirtualClock(UTC)


@pytest.fixture
def store(path, clock):
    """An open store of three columns."""
    store = Store(path, COLUMNS, clock=clock)
    yield store
    store.close()
