"""The driver contract as tests: what every driver must do, whoever wrote it.

Subclass :class:`DriverConformance` in a test module and give it a pytest fixture ``bench`` that yields a
:class:`Bench`: the driver under test and an instrument (a simulator, a byte-level responder, real hardware) that can be
made to fail. The tests are coroutines (pytest-asyncio, ``asyncio_mode = auto``) and use nothing of pytest themselves.
"""

from __future__ import annotations

from drivers.conformance.bench import LATE, Bench, Disturbance
from drivers.conformance.contract_checks import ContractChecks
from drivers.conformance.wire_checks import WireChecks

__all__ = ["LATE", "Bench", "Disturbance", "DriverConformance"]


class DriverConformance(ContractChecks, WireChecks):
    """All checks. Each opens its own driver and closes it."""
