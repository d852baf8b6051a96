"""A PLC of the S7-1200/1500 family on OPC UA, profile ``generic_plc``: one data block for one vessel.

Source: Siemens communication manual A5E03735815 (namespace, node ids); the block's layout is ours. Variables are typed
(a wrongly typed write gets BadTypeMismatch), the namespace index must be found by its URI.

Settings: ``vessel``, ``db`` (name of the block), ``pumps`` (those that the PLC drives: ``Antifoam.SP`` in rev/min and
``Antifoam.Total`` in revolutions for a list with ``antifoam``; mL/h and mL for ``{"antifoam": 0.025}``, the mL of a
revolution that are entered in the PLC), ``ranges`` of outputs (``{"Air.SP": 2500}``), and those of
:mod:`simulators.opcua_access`.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from asyncua import ua
from asyncua.common.node import Node
from asyncua.server.event_generator import EventGenerator
from asyncua.server.server import Server
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.status_codes import StatusCodes

from simulators.bus import AT_START
from simulators.faults import STREAM_FAULTS, Fault
from simulators.instrument import Context
from simulators.instruments.plc_layout import Layout, layout_of
from simulators.instruments.plc_program import PlcProgram
from simulators.opcua_access import access_of
from simulators.opcua_server import current, publish, serving

NAMESPACE = "http://www.siemens.com/simatic-s7-opcua"
DEVICE_NAMESPACE = "http://opcfoundation.org/UA/DI/"
CYCLE_S = 0.05
"""Wall seconds between two cycles: 20 Hz."""

HOST_GONE = "the host's heartbeat is gone, outputs are safe"

FAULTS = STREAM_FAULTS | {Fault.REBOOT, Fault.CLOCK}

REAL = ua.VariantType.Float

IDENTITY: Mapping[str, str] = {
    "Plc.OrderNumber": "6ES7 215-1AG40-0XB0",
    "Plc.SerialNumber": "SIMULATED",
    "Plc.FwVersion": "V4.6.1",
}


@dataclass(slots=True)
class DataBlock:
    """A global data block: variables by tag, with the node ids and the tree an S7 shows. `fast_s` says by how much its
    clock is fast.
    """

    server: Server
    namespace: int
    folder: Node
    name: str
    ids: dict[str, ua.NodeId] = field(default_factory=dict)
    fast_s: float = 0.0
    _structs: dict[str, Node] = field(default_factory=dict)

    async def add(self, tag: str, value: float | str | bool, kind: ua.VariantType, *, writable: bool = False) -> None:
        """Add a variable such as ``Temp.PV``."""
        struct, member = tag.split(".")
        parent = await self._struct(struct)
        node_id = self._id(struct, member)
        node = await parent.add_variable(node_id, ua.QualifiedName(member, self.namespace), value, kind)
        if writable:
            await node.set_writable()
        self.ids[tag] = node_id

    async def show(self, tag: str, value: float | bool, kind: ua.VariantType = REAL) -> None:
        """Set a variable from inside the PLC. The input module says that a wire is broken: no number, status Bad."""
        status = 0 if math.isfinite(value) else StatusCodes.BadSensorFailure
        await publish(self.server, self.ids[tag], value, kind, status=status, fast_s=self.fast_s)

    def value(self, tag: str) -> object:
        """What a variable holds now."""
        return current(self.server, self.ids[tag])

    async def _struct(self, name: str) -> Node:
        if not self._structs:
            self._structs[""] = await self.folder.add_object(self._id(), ua.QualifiedName(self.name, self.namespace))
        if name not in self._structs:
            parent = self._structs[""]
            self._structs[name] = await parent.add_object(self._id(name), ua.QualifiedName(name, self.namespace))
        return self._structs[name]

    def _id(self, *parts: str) -> ua.NodeId:
        path = ".".join(f'"{part}"' for part in (self.name, *parts))
        return ua.NodeId(ua.String(path), ua.Int16(self.namespace))


class HostAlarm:
    """The alarm of the PLC: its outputs are safe because the host is gone."""

    def __init__(self, alarm: EventGenerator) -> None:
        self._alarm = alarm
        self._active = False

    async def show(self, active: bool) -> None:
        """Report it when it comes and when it goes."""
        if active is self._active:
            return
        self._active = active
        setattr(self._alarm.event, "ActiveState/Id", active)
        self._alarm.event.Severity = ua.UInt16(800 if active else 200)
        await self._alarm.trigger(message=HOST_GONE)


async def build(server: Server, block_name: str, layout: Layout) -> DataBlock:
    """The address space of the PLC: the vessel's block, and the identity in it and in ``DeviceManual``."""
    await server.register_namespace(DEVICE_NAMESPACE)
    namespace = await server.register_namespace(NAMESPACE)
    plc = await server.nodes.objects.add_folder(namespace, "PLC_1")
    folder = await plc.add_folder(namespace, "DataBlocksGlobal")
    block = DataBlock(server, namespace, folder, block_name)
    for tag in layout.measured:
        await block.add(tag, 0.0, REAL)
    for tag, output in layout.outputs.items():
        await block.add(tag, output.start, REAL, writable=True)
    await block.add("Host.Heartbeat", 0, ua.VariantType.Int32, writable=True)
    await block.add("Plc.Heartbeat", 0, ua.VariantType.Int32)
    await block.add("Plc.Safe", False, ua.VariantType.Boolean)
    manual = DataBlock(server, namespace, folder, "DeviceManual")
    for tag, text in IDENTITY.items():
        await block.add(tag, text, ua.VariantType.String)
        await manual.add(tag, text, ua.VariantType.String)
    return block


async def cycle(
    block: DataBlock, program: PlcProgram, layout: Layout, context: Context, now_s: float, since_s: float
) -> None:
    """One PLC cycle: host's words in, outputs out, measured values and state shown."""
    vessel = context.vessel
    block.fast_s = context.faults.active(Fault.CLOCK) or 0.0
    heartbeat = block.value("Host.Heartbeat")
    written = {tag: block.value(tag) for tag in layout.outputs}
    forced = program.scan(heartbeat if isinstance(heartbeat, int) else 0, written, now_s)
    for tag, output in layout.outputs.items():
        vessel.write(output.actuator, program.drives[tag] * output.scale)
    for tag, value in forced.items():
        await block.show(tag, value)
    for tag, signal in layout.measured.items():
        await block.show(tag, vessel.read(signal) * layout.scales.get(tag, 1.0))
    await block.show("Plc.Heartbeat", int(since_s), ua.VariantType.Int32)
    await block.show("Plc.Safe", program.safe, ua.VariantType.Boolean)


async def power_up(block: DataBlock, layout: Layout) -> None:
    """The power is back: every word of the host is forgotten."""
    for tag, output in layout.outputs.items():
        await block.show(tag, output.start)
    await block.show("Host.Heartbeat", 0, ua.VariantType.Int32)


def stand_still(context: Context, layout: Layout) -> None:
    """Without power nothing is driven; a spring opens the vent."""
    for output in layout.outputs.values():
        context.vessel.write(output.actuator, AT_START.get(output.actuator, 0.0))


async def run(context: Context, server: Server) -> None:
    """Be the PLC until cancelled. `server` comes from :func:`simulators.opcua_server.warm_server`."""
    layout = layout_of(context)
    block = await build(server, str(context.spec.get("db", "DB_Reactor")), layout)
    alarm = HostAlarm(await server.get_event_generator(ObjectIds.OffNormalAlarmType))
    program = PlcProgram(layout.outputs)
    started = deadline = time.monotonic()
    was_dark = False
    await cycle(block, program, layout, context, started, 0.0)
    async with serving(server, "", access_of(context), context.faults, context.port) as address:
        context.ready(address)
        while True:
            deadline = max(deadline + CYCLE_S, time.monotonic())
            await asyncio.sleep(deadline - time.monotonic())
            if context.faults.active(Fault.REBOOT) is not None:
                stand_still(context, layout)
                was_dark = True
                continue
            if was_dark:
                await power_up(block, layout)
                program, started, was_dark = PlcProgram(layout.outputs), time.monotonic(), False
            now_s = time.monotonic()
            await cycle(block, program, layout, context, now_s, now_s - started)
            await alarm.show(program.safe)
