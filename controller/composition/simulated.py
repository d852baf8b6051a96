"""Simulated instruments: from a site file to running simulators, and from their answer to addresses.

``--simulate`` starts one wire-level simulator for each connection and replaces the URLs; nothing else differs.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

from controller.commands import Json
from controller.config.problems import Key
from controller.config.simulation_words import QUANTITIES, Word
from controller.units import convert, parse_quantity

if TYPE_CHECKING:
    import asyncio

    from controller.config.load import LoadedSite

COUNTER_PASSWORD = "simulated"
"""Password of the simulated cell counter; a real one comes from the environment variable the site names."""
PLAIN: Mapping[str, Json] = {"endpoints": [], "security": "", "trusted": "", "revoked": "", "user_certificate": ""}
"""A simulator has one address and no certificates; the other endpoints of the site are those of a real instrument."""
NOBODY: Mapping[str, Json] = {**PLAIN, "user": "", "password_env": ""}
SIMULATED_OPTIONS: Mapping[str, Mapping[str, Json]] = {
    "generic_plc": NOBODY,
    "nova_flex2": NOBODY,
    "vicell_blu": {**PLAIN, "password": COUNTER_PASSWORD},
}
"""Options by driver that replace the site's while the instruments are simulators: a secret is never told to one, and
no other instrument is asked in its place.
"""

LONGEST_ANSWER = 1 << 20
"""Bytes of the control port's line: a thousand process faults and what became of them."""
NO_LINE = "the file with the addresses is empty: `biovisor simulate` has not started yet, or has failed and said why"


class SimulatorError(Exception):
    """The simulators did not start, or answered nonsense."""


class Addresses(NamedTuple):
    """Where the simulated instruments answer: connection name → URL, the control port, and their speed."""

    urls: Mapping[str, str]
    control: tuple[str, int]
    speed: float
    document: Mapping[str, Json]

    def check(self, connections: Collection[str]) -> None:
        """Refuse instruments that are not exactly the site's: a missing one would be looked for on hardware, at this
        speed. Raises :class:`SimulatorError`.
        """
        missing, unknown = set(connections) - set(self.urls), set(self.urls) - set(connections)
        if missing or unknown:
            raise SimulatorError(
                "the running instruments are not those of the site; "
                f"missing: {', '.join(sorted(missing)) or 'none'}; unknown: {', '.join(sorted(unknown)) or 'none'}"
            )

    @classmethod
    def parse(cls, line: str) -> Addresses:
        """Read the one JSON line that ``biovisor simulate`` prints. Raises :class:`SimulatorError`."""
        if not line.strip():
            raise SimulatorError(NO_LINE)
        try:
            document = json.loads(line)
            host, port = document["control"].rsplit(":", 1)
            urls = {name: str(entry["url"]) for name, entry in document["instruments"].items()}
            return cls(urls, (host, int(port)), float(document["speed"]), document)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SimulatorError(f"not the line that `biovisor simulate` prints: {line.strip()[:60]!r}") from error


def simulation_spec(
    site: LoadedSite, *, speed: float, directory: Path, initial: Mapping[str, Mapping[str, Json]] | None = None
) -> dict[str, Json]:
    """What ``python -m simulators`` reads: every connection's simulation part and every vessel's plant.

    ``initial`` overrides a vessel's starting state, in the plant's own names and units.
    """
    vessels = {
        name: {**plant_state(dict(vessel.simulation)), **dict((initial or {}).get(name, {}))}
        for name, vessel in site.config.vessels.items()
    }
    instruments: dict[str, Json] = {}
    for name, connection in site.config.connections.items():
        shared = {"number", "db"} | ({"user"} if connection.driver == "vicell_blu" else set())
        options = {key: value for key, value in dict(connection.options).items() if key in shared}
        spec: dict[str, Json] = {"kind": connection.driver, **options, **dict(connection.simulation)}
        if "units" in spec:
            spec["units"] = {str(unit): what for unit, what in cast("dict[str, Json]", spec["units"]).items()}
        if connection.driver == "vicell_blu":
            spec["password"] = COUNTER_PASSWORD
        instruments[name] = spec
    return {
        "site": site.config.site,
        "speed": speed,
        "seed": 1,
        "directory": str(directory.resolve()),
        "vessels": cast("Json", vessels),
        "instruments": instruments,
    }


def plant_state(section: Mapping[str, Json]) -> dict[str, Json]:
    """A vessel's ``simulation`` section in the plant's own names and units."""
    state: dict[str, Json] = {}
    for key, value in section.items():
        name, unit = QUANTITIES.get(key, Word(key, ""))
        if unit:
            quantity = parse_quantity(str(value))
            state[name] = convert(quantity.value, quantity.unit, unit)
        else:
            state[name] = value
    return state


def check_simulation(section: Mapping[str, Json]) -> list[tuple[tuple[Key, ...], str]]:
    """Where a vessel's ``simulation`` section asks for what the plant refuses or its model does not know, and why."""
    from simulators.plant import complaints

    words = {word.name: key for key, word in QUANTITIES.items()}
    return [
        ((words.get(key[0], key[0]), *key[1:]), message.replace(key[0], words.get(key[0], key[0]), 1))
        for key, message in complaints(plant_state(section))
    ]


def exec_simulators(site: LoadedSite, *, speed: float, directory: Path) -> int:
    """Become the simulator process: its stdin is the spec, its stdout and lifetime are ours."""
    return exec_spec(simulation_spec(site, speed=speed, directory=directory))


def exec_spec(spec: Mapping[str, Json]) -> int:
    """Become the simulator process of a document; see :mod:`simulators.spec`. Errors are told by that process."""
    Path(str(spec["directory"])).mkdir(parents=True, exist_ok=True)
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as pipe:
        pipe.write(json.dumps(spec).encode())
    os.dup2(reading, 0)
    os.execv(sys.executable, [sys.executable, "-m", "simulators"])


async def start_simulators(spec: Mapping[str, Json]) -> tuple[asyncio.subprocess.Process, Addresses]:
    """Start the simulators beside us; they end with us. Raises :class:`SimulatorError`."""
    import asyncio

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "simulators",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
        limit=1 << 20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({**spec, "with_parent": True}).encode() + b"\n")
    await process.stdin.drain()
    line = await process.stdout.readline()
    if not line:
        raise SimulatorError(f"the simulators ended with code {await process.wait()} before they answered")
    return process, Addresses.parse(line.decode())


async def ask(address: tuple[str, int], request: Mapping[str, Json], timeout_s: float = 5.0) -> dict[str, Json]:
    """One request to the simulators' control port. Raises :class:`SimulatorError` when it is refused or silent."""
    import asyncio

    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(*address, limit=LONGEST_ANSWER)
            try:
                writer.write(json.dumps(request).encode() + b"\n")
                answer = json.loads(await reader.readline())
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError) as error:
        raise SimulatorError(f"the simulators' control port did not answer {request.get('op')!r}: {error!r}") from error
    if not answer.get("ok", True):
        raise SimulatorError(str(answer.get("error", answer)))
    return cast("dict[str, Json]", answer)
