"""Libraries that take half a second to import: only when an instrument needs them, and beside the event loop."""

from __future__ import annotations

import asyncio
import importlib
import sys


async def load(*modules: str) -> None:
    """Import ``modules`` in a thread, so that whoever shares the event loop goes on; at once if they are there."""
    for module in modules:
        if module not in sys.modules:
            await asyncio.to_thread(importlib.import_module, module)
