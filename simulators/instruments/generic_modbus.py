"""Any Modbus device: tables of coils and registers, on a serial line, behind a device server, or on Modbus TCP.

Source: Modbus Application Protocol V1.1b3. Settings:

- `units`: the numbers under which the device answers, ``[1]``
- `registers`: ``{"holding": {"100": 17}, "coil": {"5": 1}}``, tables being `coil`, `discrete`, `holding`, `input`
- `pattern`: true, where every register holds its own number and every coil the last bit of its own
- `limits`: of holding registers, ``{"100": [0, 500]}``; values outside are refused with exception 3
- `refusals`: exceptions by table and address, ``{"input": {"7": 4}}``
- `vendor`, `product`, `revision`: what function 43/14 says; `identity`: false, where it is not known
- those of the wire, see :mod:`simulators.modbus_wire`
"""

from __future__ import annotations

from collections.abc import Mapping

from simulators.faults import SERIAL_FAULTS
from simulators.instrument import Context, Json, SpecError
from simulators.modbus_tables import TABLES, Pattern, Table, Tables
from simulators.modbus_wire import serve_modbus

FAULTS = SERIAL_FAULTS
SERIAL = "baudrate=19200&parity=N"
"""A pseudo-terminal cannot have parity."""
IDENTITY = {"vendor": "Simulated", "product": "MB-1", "revision": "1.0"}


def tables_of(spec: Mapping[str, Json]) -> dict[str, Table]:
    """The content of the tables as the settings want it."""
    tables: dict[str, Table] = {
        table: Pattern(0xFFFF if table in {"holding", "input"} else 1) if spec.get("pattern") else {}
        for table in TABLES
    }
    for table, content in _by_table(spec, "registers").items():
        tables[table].update({address: int(str(value)) for address, value in content.items()})
    return tables


def device_of(spec: Mapping[str, Json]) -> Tables:
    """The device as the settings want it."""
    identity = [str(spec.get(key, word)) for key, word in IDENTITY.items()] if spec.get("identity", True) else []
    limits = {}
    for address, pair in _by_address(spec.get("limits", {}), "limits").items():
        if not isinstance(pair, list):
            raise SpecError('limits are pairs, such as {"100": [0, 500]}')
        low, high = (int(str(number)) for number in pair)
        limits[address] = (low, high)
    refusals = {
        (table, address): int(str(code))
        for table, content in _by_table(spec, "refusals").items()
        for address, code in content.items()
    }
    return Tables(tables_of(spec), identity, limits, refusals)


async def run(context: Context) -> None:
    """Be the device until cancelled."""
    spec, device = context.spec, device_of(context.spec)

    def power_up() -> None:
        """What was written is forgotten."""
        device.tables = tables_of(spec)

    context.faults.on_reboot = power_up
    units = spec.get("units", [1])
    if not isinstance(units, list):
        raise SpecError(f"{context.name}: units must be a list")
    await serve_modbus(context, {int(str(unit)): device for unit in units}, SERIAL)


def _by_table(spec: Mapping[str, Json], key: str) -> dict[str, dict[int, Json]]:
    content = spec.get(key, {})
    if not isinstance(content, dict) or not set(content) <= set(TABLES):
        raise SpecError(f"{key} must be an object of {', '.join(TABLES)}")
    return {table: _by_address(entries, key) for table, entries in content.items()}


def _by_address(entries: Json, key: str) -> dict[int, Json]:
    if not isinstance(entries, dict):
        raise SpecError(f'{key} must be an object, such as {{"100": 17}}')
    return {int(address): value for address, value in entries.items()}
