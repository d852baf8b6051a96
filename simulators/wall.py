"""The instruments' own clocks, kept apart from the plant's process time and from the supervisor's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def utc_now() -> datetime:
    """The real-time clock inside an instrument: aware UTC. Used for time stamps on the wire, never for control."""
    return datetime.fromtimestamp(time.clock_gettime(time.CLOCK_REALTIME), UTC)
