"""A third-party client sees the same world as Biovisor, on the same wires."""

import asyncio
import math
import struct
import time

import minimalmodbus
import pytest
from asyncua import Client

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]
S7 = "http://www.siemens.com/simatic-s7-opcua"


async def plc_node(client, symbol):
    index = await client.get_namespace_index(S7)
    quoted = ".".join(f'"{part}"' for part in ("DB_Reactor", *symbol.split(".")))
    return client.get_node(f"ns={index};s={quoted}")


def arc(pty, address):
    """An independent Modbus client on the simulated probe's line."""
    instrument = minimalmodbus.Instrument(pty, address)
    instrument.serial.baudrate, instrument.serial.stopbits, instrument.serial.timeout = 19200, 2, 0.5
    return instrument


def test_temperature_over_opc_ua_is_what_biovisor_shows(shared_bench):
    instruments, supervisor = shared_bench

    async def read():
        async with Client(instruments.url("plc-101")) as client:
            return await (await plc_node(client, "Temp.PV")).read_value()

    shown = supervisor.tag("temperature")
    assert shown["quality"] == "good"
    assert asyncio.run(read()) == pytest.approx(shown["value"], abs=0.15)


def test_ph_over_modbus_is_the_plants_and_a_partial_block_is_refused(instruments):
    probe = arc(instruments.addresses["instruments"]["probes-101"]["pty"], 1)
    block = probe.read_registers(2089, 10)
    value = struct.unpack(">f", struct.pack(">HH", block[3], block[2]))[0]
    assert value == pytest.approx(instruments.state()["true_ph"], abs=0.05)
    with pytest.raises(minimalmodbus.IllegalRequestError):
        probe.read_registers(2091, 2)


def test_a_setpoint_is_on_the_wire_within_two_scans(shared_bench):
    """From the answer (accepted and committed) to the PLC's own register: at most two periods of 1 s."""
    instruments, supervisor = shared_bench
    supervisor.http.put(
        "/api/v1/vessels/BR-101/loops/agitation/mode",
        json={"mode": "auto", "reason": "test"},
        headers={"Prefer": "wait=5"},
    )

    async def watch():
        async with Client(instruments.url("plc-101")) as client:
            node = await plc_node(client, "Agit.SP")
            accepted = supervisor.setpoint("agitation", 73.0, "{rev}/min")
            assert accepted.status_code == 202, accepted.text
            assert accepted.json()["journal"] > 0
            begun = time.monotonic()
            seen = math.nan
            while time.monotonic() - begun < 5 and seen != pytest.approx(73.0):
                seen = await node.read_value()
            return seen, time.monotonic() - begun

    seen, waited = asyncio.run(watch())
    assert seen == pytest.approx(73.0)
    assert waited <= 2.0


def test_a_setpoint_says_when_the_device_has_read_it_back(shared_bench):
    _, supervisor = shared_bench
    answer = supervisor.setpoint("air", 80.0, "mL/min", wait=8)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["accepted"] is True
    assert body["state"] == "read_back"
    assert body["read_back"]["value"] == pytest.approx(80.0, abs=0.5)
