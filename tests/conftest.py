"""For all tests: their order, and that Ctrl-C works in the programs that they start, also where they themselves run in
the background: a shell lets a program in the background ignore the signal, and what that program starts inherits it.
"""

import signal
from collections import defaultdict

signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Modules with the longest time limits come first: no worker begins with them when the others are nearly done."""
    limits = defaultdict(float)
    for item in items:
        limit = item.get_closest_marker("timeout")
        limits[item.path] = max(limits[item.path], float(limit.args[0]) if limit else 0.0)
    items.sort(key=lambda item: -limits[item.path])
