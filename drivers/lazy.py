"""Libraries that take half a second to import: only when an instrument needs them, and beside the event loop."""

from __future__ import annotations

import asyncio
import importlib
import threading

_LOCK = threading.Lock()
_LOADED: set[str] = set()


async def load(*modules: str) -> None:
    """Import ``modules`` in a thread, so that whoever shares the event loop goes on; at once if they are there."""
    for module in modules:
        if module not in _LOADED:
            await asyncio.to_thread(_import, module)


def _import(module: str) -> None:
    """One thread at a time: a library with circular imports is seen half done by a second one."""
    with _LOCK:
        importlib.import_module(module)
        _LOADED.add(module)
