"""The simulated site as processes, seen through independent clients: asyncua, minimalmodbus, mbpoll, pyserial."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import minimalmodbus
import pytest
import serial
from asyncua import Client, ua

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

SIEMENS = "http://www.siemens.com/simatic-s7-opcua"
SPEED = 60
SPEC = {
    "site": "bench",
    "speed": SPEED,
    "seed": 1,
    "vessels": {
        "BR-101": {"model": "tc_m", "seed": 101, "volume_l": 1.0, "temperature_c": 36.0, "vcd": 2.0},
        "BR-102": {"model": "tc_m", "seed": 102, "volume_l": 1.0, "temperature_c": 22.0},
    },
    "instruments": {
        "plc-101": {"kind": "generic_plc", "vessel": "BR-101", "db": "DB_Reactor"},
        "plc-102": {"kind": "generic_plc", "vessel": "BR-102"},
        "probes-101": {"kind": "hamilton_arc", "vessel": "BR-101", "units": {"1": "ph", "2": "do"}},
        "base-pump-101": {"kind": "watson_marlow", "vessel": "BR-101", "pump": "base", "number": 1},
        "feed-pump-101": {"kind": "watson_marlow", "vessel": "BR-101", "pump": "feed", "number": 3},
        "counter": {"kind": "vicell_blu", "vessels": ["BR-101", "BR-102"], "user": "biovisor", "password": "secret"},
    },
}


class Site:
    """A running site and the shortest ways to its wires."""

    def __init__(self, directory: Path, program: Sequence[str] = ("-m", "simulators"), **changes: object) -> None:
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({**SPEC, "directory": str(directory), **changes}) + "\n")
        self.process.stdin.flush()
        self.line = self.process.stdout.readline()
        self.started_in_s = time.monotonic() - started
        self.document: dict[str, Any] = json.loads(self.line)

    def instrument(self, name: str) -> dict[str, Any]:
        entry: dict[str, Any] = self.document["instruments"][name]
        return entry

    def control(self, **request: object) -> dict[str, Any]:
        host, port = self.document["control"].split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sock, sock.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            answer: dict[str, Any] = json.loads(stream.readline())
            return answer

    def state(self, vessel: str = "BR-101") -> dict[str, Any]:
        return self.control(op="state", vessel=vessel)

    def fault(self, instrument: str, fault: str, duration_s: float, **more: float) -> None:
        request = {"op": "fault", "instrument": instrument, "fault": fault, "duration_s": duration_s, **more}
        assert self.control(**request) == {"ok": True}

    def pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(10)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        return code


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("ptys"))
    yield running
    assert running.stop() == 0


def probe(site: Site, unit: int) -> minimalmodbus.Instrument:
    instrument = minimalmodbus.Instrument(site.instrument("probes-101")["pty"], unit, close_port_after_each_call=True)
    instrument.serial.baudrate = 19200
    instrument.serial.stopbits = 2
    instrument.serial.timeout = 0.3
    return instrument


def measured(registers: list[int]) -> float:
    value: float = struct.unpack(">f", struct.pack(">HH", registers[3], registers[2]))[0]
    return value


@contextlib.contextmanager
def pump(site: Site, name: str) -> Iterator[serial.Serial]:
    with serial.Serial(site.instrument(name)["pty"], 9600, stopbits=2, timeout=0.5, exclusive=True) as port:
        yield port


def ask(port: serial.Serial, command: str) -> str:
    port.write(command.encode() + b"\r")
    reply: bytes = port.read_until(b"\r")
    return reply.decode("latin-1").rstrip("\r")


def eventually(check: Callable[[], bool], within_s: float = 5.0) -> float:
    """Wall seconds until `check` holds."""
    started = time.monotonic()
    while not check():
        assert time.monotonic() - started < within_s, "did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - started


async def plc_nodes(client: Client, *tags: str) -> list[Any]:
    index = await client.get_namespace_index(SIEMENS)
    paths = (".".join(f'"{part}"' for part in ("DB_Reactor", *tag.split("."))) for tag in tags)
    return [client.get_node(f"ns={index};s={path}") for path in paths]


def real(value: float) -> ua.DataValue:
    return ua.DataValue(ua.Variant(value, ua.VariantType.Float))


def test_the_ready_line(site: Site):
    assert site.started_in_s < 15  # under 4 s on two free cores; tests share theirs
    assert {key: site.document[key] for key in ("site", "speed", "pid")} == {
        "site": "bench",
        "speed": SPEED,
        "pid": site.process.pid,
    }
    assert site.document["instruments"].keys() == SPEC["instruments"].keys()  # type: ignore[attr-defined]  # a dict
    assert site.instrument("plc-101")["url"] == f"opc.tcp://127.0.0.1:{site.instrument('plc-101')['port']}"
    pty = site.instrument("probes-101")["pty"]
    assert site.instrument("probes-101")["url"] == f"serial://{pty}?baudrate=19200&stopbits=2"
    pids = {site.instrument(name)["pid"] for name in site.document["instruments"]}
    assert len(pids) == 6
    assert pids < set(site.pids())


async def test_the_plc_shows_the_plant(site: Site):
    async with Client(site.instrument("plc-101")["url"]) as client:
        tags = ("Temp.PV", "Jacket.PV", "Agit.PV", "Air.PV", "O2.PV", "CO2.PV", "N2.PV", "Weight.PV", "Pressure.PV")
        values = await client.read_attributes(await plc_nodes(client, *tags), attr=ua.AttributeIds.Value)
        by_tag = dict(zip(tags, values, strict=True))
        assert all(value.StatusCode.is_good() for value in values)
        assert all(value.Value.VariantType is ua.VariantType.Float for value in values)
        assert all(abs(datetime.now(UTC) - value.SourceTimestamp) < timedelta(seconds=2) for value in values)
        assert by_tag["Temp.PV"].Value.Value == pytest.approx(site.state()["temperature"], abs=1.0)
        assert by_tag["Weight.PV"].Value.Value == pytest.approx(site.state()["weight"], abs=20)
        manual = client.get_node(
            f'ns={await client.get_namespace_index(SIEMENS)};s="DeviceManual"."Plc"."SerialNumber"'
        )
        serial_number, *_ = await plc_nodes(client, "Plc.SerialNumber")
        assert await manual.read_value() == await serial_number.read_value() == "SIMULATED"


async def test_the_plc_takes_outputs_of_the_right_type_only(site: Site):
    async with Client(site.instrument("plc-102")["url"]) as client:
        heater, measured_value = await plc_nodes(client, "Heater.OP", "Temp.PV")
        await heater.write_value(real(35.0))
        for wrong in (ua.Variant(35, ua.VariantType.Int32), ua.Variant(35.0, ua.VariantType.Double)):
            with pytest.raises(ua.uaerrors.BadTypeMismatch):
                await heater.write_value(ua.DataValue(wrong))
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await measured_value.write_value(real(37.0))
        assert await heater.read_value() == 35.0
        eventually(lambda: site.state("BR-102")["heater"] == 35.0)
        await heater.write_value(real(0.0))


async def test_a_silent_host_finds_its_outputs_safe(site: Site):
    async with Client(site.instrument("plc-101")["url"], watchdog_intervall=30) as client:
        heater, agitation, host, own, safe = await plc_nodes(
            client, "Heater.OP", "Agit.SP", "Host.Heartbeat", "Plc.Heartbeat", "Plc.Safe"
        )
        before = await own.read_value()
        await heater.write_value(real(20.0))
        await agitation.write_value(real(120.0))
        for beat in (1, 2):
            await host.write_value(ua.DataValue(ua.Variant(beat, ua.VariantType.Int32)))
            eventually(lambda: site.state()["agitation_sp"] == 120.0)
            await asyncio.sleep(0.1)  # longer than a PLC cycle: two beats must be seen as two
        took = eventually(lambda: site.state()["agitation_sp"] == 60.0, within_s=8)
        assert 4.0 < took <= 5.3
        assert await safe.read_value() is True
        assert [await node.read_value() for node in (heater, agitation)] == [0.0, 60.0]
        assert await own.read_value() > before
        await host.write_value(ua.DataValue(ua.Variant(3, ua.VariantType.Int32)))
        await asyncio.sleep(0.2)
        assert await safe.read_value() is False
        assert site.state()["agitation_sp"] == 60.0
        await agitation.write_value(real(100.0))
        eventually(lambda: site.state()["agitation_sp"] == 100.0)


def test_a_probe_that_lost_power_knows_no_specialist_any_more(site: Site):
    sensor = probe(site, 2)
    sensor.write_registers(4287, [0x30, 0, 0x79CE, 0x00F4])
    assert sensor.read_registers(4287, 4) == [0x30, 0, 0, 0]
    site.fault("probes-101", "reboot", 0.05)

    def is_user() -> bool:
        """Whether it answers again, and as to a user."""
        with contextlib.suppress(minimalmodbus.NoResponseError):
            return bool(sensor.read_registers(4287, 4) == [0x03, 0, 0, 0])
        return False

    eventually(is_user)
    with pytest.raises(minimalmodbus.ModbusException):
        sensor.write_registers(2409, [1 << 1, 0])


def test_minimalmodbus_reads_both_probes(site: Site):
    ph, oxygen = probe(site, 1), probe(site, 2)
    registers = ph.read_registers(2089, 10)
    assert registers[:2] == [1 << 12, 0]
    assert measured(registers) == pytest.approx(site.state()["ph"], abs=0.1)
    assert measured(oxygen.read_registers(2089, 10, functioncode=4)) == pytest.approx(site.state()["do"], abs=10)
    assert measured(ph.read_registers(2409, 10)) == pytest.approx(site.state()["temperature"], abs=1.0)
    assert ph.read_string(1567, 8).rstrip("\0") == "SIMULATED"


def test_partial_reads_and_foreign_functions_are_refused(site: Site):
    ph = probe(site, 1)
    for address, count in ((2089, 2), (2091, 2), (2089, 11)):
        with pytest.raises(minimalmodbus.IllegalRequestError):
            ph.read_registers(address, count)
    with pytest.raises(minimalmodbus.IllegalRequestError):
        ph.write_register(1567, 1, functioncode=6)
    with pytest.raises(minimalmodbus.NoResponseError):
        probe(site, 9).read_registers(2089, 10)


def mbpoll(site: Site, first: int, count: int) -> subprocess.CompletedProcess[str]:
    options = ["-m", "rtu", "-a", "1", "-b", "19200", "-P", "none", "-s", "2", "-t", "4", "-1", "-q", "-o", "0.5"]
    command = ["mbpoll", *options, "-r", str(first), "-c", str(count), site.instrument("probes-101")["pty"]]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)


def test_mbpoll_reads_whole_blocks_only(site: Site):
    whole, partial = mbpoll(site, 2090, 10), mbpoll(site, 2090, 2)
    assert whole.returncode == 0, whole.stderr
    assert "[2090]: \t4096" in whole.stdout
    assert "Illegal data address" in partial.stdout + partial.stderr


def test_the_pump_turns_and_counts(site: Site):
    with pump(site, "feed-pump-101") as port:
        assert ask(port, "3ZY") == "0"
        assert ask(port, "1ZY") == ""
        port.write(b"3TC\r3SP30.0\r3GO\r")
        fields = ask(port, "3RS").split()
        assert fields[4:8] == ["30.0", "CW", "P/N", "3"]
        assert fields[9:] == ["1", "!"]
        before = site.state()
        eventually(lambda: site.state()["feed_revolutions"] > before["feed_revolutions"] + 60)  # 2 s at 60x
        port.write(b"3ST\r")
        assert ask(port, "3ZY") == "0"
        eventually(lambda: site.state()["feed_rpm"] == 0.0)
        time.sleep(0.3)  # the plant's step in which the pump stopped
        after = site.state()
        assert int(ask(port, "3RT")) == pytest.approx(after["feed_revolutions"] * 10982, rel=0.001)
        assert after["feed_ml"] == pytest.approx(after["feed_revolutions"] * 0.10, rel=1e-3)


async def test_the_counter_counts_what_is_in_the_vessel(site: Site):
    client = Client(site.instrument("counter")["url"])
    client.set_user("biovisor")
    client.set_password("secret")
    async with client:
        await client.load_data_type_definitions()
        types: Any = ua
        index = await client.get_namespace_index("ViCellBlu")
        top = await client.nodes.objects.get_child(f"{index}:ViCellBluStateObject")
        methods, play = [await top.get_child(f"{index}:{name}") for name in ("Methods", "PlayControl")]
        sample = types.SampleConfig(
            SampleName="BR-101-1",
            SamplePosition=types.SamplePosition(Row="Y", Column=1),
            Dilution=1,
            CellType=types.CellType(CellTypeName="Mammalian"),
        )
        refused = await play.call_method(f"{index}:StartSample", sample)
        assert (refused.MethodResult.name, refused.ErrorLevel.name) == ("Failure", "Warning")
        assert "lock" in refused.ResponseDescription
        lock = await methods.call_method(f"{index}:RequestLock")
        assert (lock.MethodResult.name, lock.LockState.name) == ("Success", "Locked")
        assert (await play.call_method(f"{index}:StartSample", sample)).MethodResult.name == "Success"
        started = time.monotonic()
        truth = site.state()
        assert "being processed" in (await play.call_method(f"{index}:StartSample", sample)).ResponseDescription
        while (found := await results(methods, index))[0].SampleStatus.name != "Completed":
            assert found[0].ViableCellsPerMilliliter == 0
            assert time.monotonic() - started < 10
            await asyncio.sleep(0.05)
        assert 1.5 < time.monotonic() - started < 4  # 120 s of process time
        assert found[0].SampleId == "BR-101-1"
        assert found[0].ViableCellsPerMilliliter == pytest.approx(truth["vcd"], rel=0.06)
        assert found[0].ViabilityPercent == pytest.approx(truth["viability"], abs=2)
        assert (await methods.call_method(f"{index}:ReleaseLock")).LockState.name == "Unlocked"


async def results(methods: Any, index: int) -> list[Any]:
    text = ua.Variant("", ua.VariantType.String)
    now = datetime.now(UTC)
    span = [ua.Variant(now + timedelta(days=days), ua.VariantType.DateTime) for days in (-1, 1)]
    sample = ua.Variant(1, ua.VariantType.Int32)
    answer = await methods.call_method(f"{index}:GetSampleResults", text, *span, sample, text, text, text)
    found: list[Any] = answer.SampleResults
    return found


@pytest.mark.parametrize(("user", "password"), [("biovisor", "wrong"), ("admin", "secret"), ("", "")])
async def test_the_counter_knows_its_user(site: Site, user: str, password: str):
    client = Client(site.instrument("counter")["url"])
    client.set_user(user)
    client.set_password(password)
    with pytest.raises(ua.UaError):
        await client.connect()


def test_a_frozen_instrument_leaves_the_others_alone(site: Site):
    pid = site.instrument("probes-101")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(minimalmodbus.NoResponseError):
            probe(site, 1).read_registers(2089, 10)
        with pump(site, "base-pump-101") as port:
            assert ask(port, "1ZY") == "0"
        answer = site.control(op="fault", instrument="probes-101", fault="silence", duration_s=0.1)
        assert answer == {"ok": False, "error": "the instrument does not answer"}
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: answers(site, 1))


def answers(site: Site, unit: int) -> bool:
    try:
        return len(probe(site, unit).read_registers(2089, 10)) == 10
    except (OSError, minimalmodbus.ModbusException):
        return False


def test_an_unplugged_line_comes_back_on_the_same_path(site: Site):
    path = Path(site.instrument("base-pump-101")["pty"])
    with pump(site, "base-pump-101") as port:
        assert ask(port, "1ZY") == "0"
        site.fault("base-pump-101", "disconnect", 0.5)
        assert not path.is_symlink()
        with pytest.raises(serial.SerialException):
            ask(port, "1ZY")
    eventually(path.is_symlink)
    with pump(site, "base-pump-101") as port:
        assert ask(port, "1ZY") == "0"


async def test_an_unplugged_network_comes_back_on_the_same_port(site: Site):
    url = site.instrument("plc-102")["url"]
    async with Client(url, timeout=1) as client:
        (node,) = await plc_nodes(client, "Temp.PV")
        assert await node.read_value() > 0
        site.fault("plc-102", "disconnect", 0.5)
        with pytest.raises((ConnectionError, TimeoutError, ua.UaError)):
            await node.read_value()
        with pytest.raises((ConnectionError, OSError)):
            await Client(url, timeout=1).connect()
    await asyncio.sleep(0.6)
    async with Client(url) as client:
        (node,) = await plc_nodes(client, "Temp.PV")
        assert await node.read_value() > 0


async def test_a_silent_network(site: Site):
    async with Client(site.instrument("plc-102")["url"], timeout=0.5, watchdog_intervall=30) as client:
        (node,) = await plc_nodes(client, "Temp.PV")
        site.fault("plc-102", "silence", 1.0)
        with pytest.raises((ConnectionError, TimeoutError)):
            await node.read_value()


async def test_garbage_on_the_network(site: Site):
    async with Client(site.instrument("plc-102")["url"], timeout=0.5, watchdog_intervall=30) as client:
        (node,) = await plc_nodes(client, "Temp.PV")
        site.fault("plc-102", "garbage", 0.5)
        with pytest.raises((ConnectionError, TimeoutError, ua.UaError)):
            await node.read_value()


FAULTS: Mapping[str, type[Exception]] = {
    "garbage": minimalmodbus.InvalidResponseError,
    "crc": minimalmodbus.InvalidResponseError,
    "truncate": minimalmodbus.InvalidResponseError,
    "wrong_address": minimalmodbus.InvalidResponseError,
    "silence": minimalmodbus.NoResponseError,
    "delay": minimalmodbus.NoResponseError,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_on_the_serial_line(site: Site, fault: str):
    site.fault("probes-101", fault, 0.4, **({"magnitude": 0.6} if fault == "delay" else {}))
    with pytest.raises(FAULTS[fault]):
        probe(site, 1).read_registers(2089, 10)
    eventually(lambda: answers(site, 1))


def test_a_probe_set_to_another_unit_says_so(site: Site):
    ph = measured(probe(site, 1).read_registers(2089, 10))
    site.fault("probes-101", "wrong_unit", 0.5)
    registers = probe(site, 1).read_registers(2089, 10)
    assert registers[:2] == [0, 1 << 21 - 16]
    assert measured(registers) == pytest.approx((7.0 - ph) * 59.16, abs=2)
    time.sleep(0.5)
    assert probe(site, 1).read_registers(2089, 10)[:2] == [1 << 12, 0]


def test_garbage_from_the_pump(site: Site):
    site.fault("base-pump-101", "garbage", 0.4)
    with pump(site, "base-pump-101") as port:
        assert not ask(port, "1RS").endswith("!")
        time.sleep(0.4)
        port.reset_input_buffer()
        assert ask(port, "1RS").endswith("!")


def test_the_control_port_refuses_nonsense(site: Site):
    assert "unknown op" in site.control(op="dance")["error"]
    assert "BR-999" in site.control(op="state", vessel="BR-999")["error"]
    unknown = site.control(op="fault", instrument="probe-101", fault="crc", duration_s=1)["error"]
    assert unknown.startswith("there is no instrument 'probe-101'; known: ")
    assert "probes-101" in unknown
    assert (
        "; known: silence, " in site.control(op="fault", instrument="plc-101", fault="silense", duration_s=1)["error"]
    )
    assert "cannot show crc" in site.control(op="fault", instrument="plc-101", fault="crc", duration_s=1)["error"]
    assert not site.control(op="fault", instrument="plc-101", fault="silence", duration_s="long")["ok"]
    assert not site.control(op="hands", id="x", vessel="BR-101", action="pour", volume_ml=1)["ok"]
    assert not site.control(op="set", vessel="BR-101", state={"ph": True})["ok"]
    host, port = site.document["control"].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as sock:
        sock.sendall(b'POST / HTTP/1.1\r\n\r\n{"op":"stop"}\n')
        assert sock.recv(100) == b""


def test_hands_and_set_change_the_vessel(site: Site):
    before = site.state("BR-102")
    for _ in range(2):  # the second one is the same deed told twice
        done = site.control(op="hands", id="i-1", vessel="BR-102", action="inoculate", volume_ml=50, density=10.5)
        assert done["ok"], done
    told = site.control(op="hands_done")
    assert told["ids"] == ["i-1"]
    assert told["deeds"] == {"BR-101": {}, "BR-102": {"inoculate": {"times": 1, "volume_ml": pytest.approx(50.0)}}}
    eventually(lambda: site.state("BR-102")["volume_l"] > before["volume_l"] + 0.04)
    after = site.state("BR-102")
    assert after["volume_l"] == pytest.approx(before["volume_l"] + 0.05, abs=0.005)
    assert after["vcd"] == pytest.approx(before["vcd"] + 0.5, abs=0.1)
    assert site.control(op="set", vessel="BR-102", state={"temperature_c": 30.0})["ok"]
    eventually(lambda: abs(site.state("BR-102")["true_temperature"] - 30.0) < 1.0)


def test_time_runs_at_the_speed_asked_for(site: Site):
    first, started = site.state()["process_s"], time.monotonic()
    time.sleep(1.0)
    second, ended = site.state()["process_s"], time.monotonic()
    assert (second - first) / (ended - started) == pytest.approx(SPEED, rel=0.2)


def gone(pids: list[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() and "zombie" not in status(pid) for pid in pids)


def status(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return "zombie"


SMALL = {name: SPEC["instruments"][name] for name in ("probes-101", "feed-pump-101")}  # type: ignore[index]  # a dict


def test_a_pump_with_echo_repeats_what_it_hears(tmp_path: Path):
    site = Site(tmp_path, instruments={"feed-pump-101": {**SMALL["feed-pump-101"], "echo": True}})
    with pump(site, "feed-pump-101") as port:
        assert ask(port, "3ZY") == "3ZY"
        assert port.read_until(b"\r") == b"0\r"
    assert site.stop() == 0


def test_sigterm_leaves_no_process_even_when_one_is_frozen(tmp_path: Path):
    site = Site(tmp_path, instruments=SMALL)
    pids = site.pids()
    assert len(pids) == 4
    os.kill(site.instrument("probes-101")["pid"], signal.SIGSTOP)
    assert site.stop() == 0
    assert gone(pids)
    assert not list(tmp_path.iterdir())


def test_a_killed_parent_takes_its_children_along(tmp_path: Path):
    site = Site(tmp_path, instruments=SMALL)
    pids = site.pids()
    os.kill(pids[-1], signal.SIGSTOP)
    site.process.kill()
    assert site.stop() == -signal.SIGKILL
    eventually(lambda: gone(pids))


IMPATIENT = "import simulators.process as p, simulators.__main__ as m; p.START_S = {}; raise SystemExit(m.main())"


def test_patience_ends_with_the_start_and_not_later(tmp_path: Path):
    site = Site(tmp_path, program=("-c", IMPATIENT.format(3)), instruments=SMALL)
    time.sleep(max(3.2 - site.started_in_s, 0.0))
    assert answers(site, 1)
    assert site.stop() == 0
    late = subprocess.run(
        [sys.executable, "-c", IMPATIENT.format(0)],
        input=json.dumps({**SPEC, "directory": str(tmp_path)}),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert (late.returncode, late.stdout) == (1, "")
    assert "not every instrument answered" in late.stderr


def test_the_control_port_stops_the_site(tmp_path: Path):
    site = Site(tmp_path, instruments=SMALL)
    assert site.control(op="stop") == {"ok": True}
    assert site.process.wait(10) == 0
    site.stop()


@pytest.mark.parametrize("with_parent", [True, False])
def test_only_a_site_told_so_ends_with_its_parent(tmp_path: Path, with_parent: bool):
    site = Site(tmp_path, instruments=SMALL, with_parent=with_parent)
    assert site.process.stdin is not None
    site.process.stdin.close()
    if with_parent:
        assert site.process.wait(10) == 0
    else:
        time.sleep(0.3)
        assert site.process.poll() is None
        assert answers(site, 1)
    assert site.stop() == 0


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ("{", "complete JSON"),
        ("[]", "JSON object"),
        ('{"vessels":{"V":{}},"instruments":{"x":{"kind":"toaster","vessel":"V"}}}', "kind must be one of"),
        ('{"vessels":{"V":{}},"instruments":{"x":{"kind":"generic_plc","vessel":"W"}}}', "no vessel 'W'"),
        ('{"vessels":{"V":{}},"instruments":{"../x":{"kind":"generic_plc","vessel":"V"}}}', "name of a file"),
        ('{"speed":0,"vessels":{"V":{}},"instruments":{"x":{}}}', "speed"),
    ],
)
def test_wrong_documents_are_refused(document: str, complaint: str):
    done = subprocess.run(
        [sys.executable, "-m", "simulators"], input=document, capture_output=True, text=True, timeout=10, check=False
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""
