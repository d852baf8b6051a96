"""How long files take, in terms of a right file of about the size that is accepted: no machine's seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from controller.config.source import parse_text

RIGHT = "".join(f"key{number}: v\n" for number in range(20_000))
MOST = 10.0
"""Times the right file: work that grows with the square of the size takes hundreds of times as long."""


def cpu_s(work: Callable[[], object]) -> float:
    """Seconds of the processor for some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def right_file_s() -> float:
    """What a right file takes."""
    return min(cpu_s(lambda: parse_text(RIGHT)) for _ in range(3))
