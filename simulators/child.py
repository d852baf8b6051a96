"""The life of one forked process: it dies with its parent, ends on SIGTERM, and takes wire faults over a socket."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable, Coroutine, Mapping

from simulators.faults import Fault, Faults
from simulators.instrument import Json

PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15


def become_child(name: str, parent: int) -> None:
    """Tie this process to `parent` (its pid) by the kernel, which also reaches a stopped process, and name it."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    prctl(PR_SET_NAME, name.encode()[:15])
    if os.getppid() != parent:
        os._exit(0)  # the parent died before the kernel knew of our wish
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us in order
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.close(silence)


def run_until_terminated(work: Callable[[], Coroutine[None, None, None]]) -> None:
    """Run `work()` in an event loop until SIGTERM cancels it or it ends by itself."""

    async def main() -> None:
        """The work, with SIGTERM as its end."""
        task = asyncio.ensure_future(work())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())


def announce(pipe: int, name: str, address: Mapping[str, Json]) -> None:
    """Tell the parent that `name` answers and where; one line, written at once."""
    os.write(pipe, json.dumps({"name": name, "address": {**address, "pid": os.getpid()}}).encode() + b"\n")


async def take_faults(link: socket.socket, faults: Faults) -> None:
    """Serve fault requests, one JSON line each, until cancelled; every one is answered under its id."""
    reader, writer = await asyncio.open_connection(sock=link)
    while line := await reader.readline():
        writer.write(json.dumps(_inject(json.loads(line), faults)).encode() + b"\n")
        await writer.drain()


def _inject(request: Mapping[str, object], faults: Faults) -> dict[str, Json]:
    identifier = int(str(request["id"]))
    magnitude = request.get("magnitude")
    try:
        faults.inject(
            Fault(str(request["fault"])),
            float(str(request["duration_s"])),
            None if magnitude is None else float(str(magnitude)),
        )
    except (ValueError, KeyError) as error:
        known = f"; known: {', '.join(Fault)}" if str(request.get("fault")) not in set(Fault) else ""
        return {"id": identifier, "ok": False, "error": f"{error}{known}"}
    return {"id": identifier, "ok": True}
