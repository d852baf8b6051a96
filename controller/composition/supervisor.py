"""A supervisor's start: lease, configuration, record and first scan; then it lives on in an event loop.

The first scan runs before anything slow is imported, so that values are judged (Bad, never read) from the first
moment. Not even the event loop is there yet: what this module imports must not import asyncio.
"""

from __future__ import annotations

import gc
import logging
import sys
from typing import TYPE_CHECKING

from controller.composition.http import bind
from controller.composition.lease import Lease, LeaseTaken
from controller.composition.simulated import Addresses, SimulatorError
from controller.config.problems import Problems
from controller.store import StoreTooNew, StoreUnavailable

if TYPE_CHECKING:
    import socket

    from controller.composition.assembly import Assembly
    from controller.composition.options import Options

log = logging.getLogger("biovisor")


def supervise(options: Options) -> int:
    """Run one supervisor until SIGTERM or Ctrl-C. Exit code 0: orderly; 1: refused, the reason on stderr.

    Whoever calls it may have switched the search for garbage off: it is on again after the first scan.
    """
    configure_log()
    try:
        listener = bind(options.host, options.port)
    except OSError as error:
        return refuse(f"cannot listen on {options.host}:{options.port}: {error.strerror}; choose another with --port")
    except ValueError as error:
        return refuse(str(error))
    host, port = listener.getsockname()[:2]
    sys.stdout.write(f"Biovisor  http://{host}:{port}  site {options.site}  data {options.data}\n")
    sys.stdout.flush()
    try:
        lease = Lease(options.data)
    except LeaseTaken as error:
        return refuse(str(error))
    try:
        return begin(options, listener)
    except (Problems, SimulatorError, StoreUnavailable, StoreTooNew, ValueError) as error:
        return refuse(str(error))
    finally:
        lease.release()


def begin(options: Options, listener: socket.socket) -> int:
    """Make the first scan, then import the event loop and live in it; the exit code."""
    from controller.clock import ScaledClock
    from controller.composition.assembly import Assembly

    addresses = Addresses.parse(options.instruments) if options.instruments is not None else None
    clock = ScaledClock(addresses.speed if addresses else options.speed)
    assembly = Assembly(options, clock, simulated=options.simulate or addresses is not None)
    check(options, assembly, addresses)
    assembly.runtime.tick(clock.now_ns())
    gc.freeze()
    gc.enable()
    import asyncio

    from controller.composition.life import live

    return asyncio.run(live(options, assembly, addresses, listener))


def check(options: Options, assembly: Assembly, addresses: Addresses | None) -> None:
    """Refuse what the site's file shows to be wrong, and read the scenario. Raises :class:`SimulatorError`,
    :class:`Problems`, ``ValueError``.
    """
    vessels = assembly.loaded.config.vessels
    unknown = [order.vessel for order in options.batches if order.vessel not in vessels]
    if unknown:
        raise ValueError(f"there is no vessel {unknown[0]}; the site has {', '.join(vessels)}")
    if addresses is not None:
        addresses.check(assembly.loaded.config.connections)
    if options.scenario is not None:
        from controller.composition.scenario import load_scenario, with_signals

        assembly.scenario = load_scenario(options.scenario, with_signals(vessels))


def refuse(reason: str) -> int:
    """Say why on stderr; the exit code of a refusal."""
    sys.stderr.write(f"biovisor: {reason}\n")
    return 1


def configure_log() -> None:
    """One line per transition on stderr; the libraries' own chatter only from warnings up."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format='{"level":"%(levelname)s","logger":"%(name)s","message":"%(message)s"}',
    )
    for library in ("asyncua", "pymodbus", "uvicorn"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
