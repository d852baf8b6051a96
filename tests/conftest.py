"""For all tests: their order and kind, the patience of hypothesis on a busy machine, and that Ctrl-C works in the
programs that they start, also where they themselves run in the background: a shell lets a program in the background
ignore the signal, and what that program starts inherits it.
"""

import signal
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy machine")

HERE = Path(__file__).parent
COMPUTING = {"config", "control", "recipe", "rehearsal", "simulators", "tuning"}
"""The rooms whose tests, as long as they start no process, need the processor only, and need it at no certain time."""
HANGS_S = 1200.0
"""After so long such a test hangs; how long it takes is a matter of what runs beside it."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Marks each test by what it needs, so that a phase can be chosen by it. Modules with the longest time limits come
    first: no worker begins with them when the others are nearly done.
    """
    limits = defaultdict(float)
    for item in items:
        marker = item.get_closest_marker("timeout")
        limit = float(marker.args[0]) if marker else 0.0
        limits[item.path] = max(limits[item.path], limit)
        room = item.path.relative_to(HERE).parts[0]
        if not (item.get_closest_marker("e2e") or item.get_closest_marker("browser")):
            if room in COMPUTING:
                item.add_marker("computing")
                if not item.get_closest_marker("soak"):
                    item.add_marker(pytest.mark.timeout(max(HANGS_S, limit)), append=False)
            elif room == "drivers":
                item.add_marker("waiting")
    items.sort(key=lambda item: -limits[item.path])
