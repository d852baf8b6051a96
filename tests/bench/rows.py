"""The rows of the ratio table: what races against whom, and which ratio is the goal."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from controller.config.load import load_site
from controller.model.build import build
from tests.bench import peers, rehearsed, simulated, wires
from tests.bench.opcua import NODES, Acquisition
from tests.bench.race import Time, race
from tests.bench.sites import FOUND, Plant, site

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "configs/sites/bench.yaml"


@dataclass(frozen=True)
class Row:
    """A race that ``prepare`` sets up: functions of product and peer, and what ends them if anything must. ``needs`` is
    the package of the peer, ``clock`` what is measured.

    With ``at_least`` the product has to be so many times faster; with ``at_most`` it may take so many times as long.
    Without either it is shown only. A call that lives through ``covers_s`` of process time has real time as its peer
    and none that runs. ``rounds`` where a call takes long; ``clock`` where it waits for another process.
    """

    name: str
    peer: str
    prepare: Callable
    needs: str = "numpy"
    at_least: float | None = None
    at_most: float | None = None
    covers_s: float | None = None
    rounds: int = 60
    clock: Callable = time.process_time

    @property
    def possible(self):
        """Whether the peer is installed."""
        return find_spec(self.needs) is not None

    @property
    def goal(self):
        """The goal in words, "" without one."""
        if self.at_least is not None:
            if self.covers_s is not None:
                return f"≥ {self.at_least:,.0f}×"
            return f"≥ {self.at_least:g}× faster" if self.at_least > 1.0 else "never slower"
        return "" if self.at_most is None else f"≤ {self.at_most:.3g}× the time"

    def measure(self, **options):
        """Race. ``options`` are those of :func:`tests.bench.race.race`."""
        run, other, *ends = self.prepare()
        competitors = {"product": run} | ({"peer": other} if other else {})
        try:
            times = race(competitors, **{"rounds": self.rounds, "clock": self.clock, **options})
        finally:
            for end in ends:
                end()
        real = Time(self.covers_s, self.covers_s) if self.covers_s is not None else None
        return Result(self, times["product"], times.get("peer", real))


@dataclass(frozen=True)
class Result:
    """The times of one race."""

    row: Row
    product: Time
    peer: Time | None

    def ratio(self, of="median"):
        """How many times faster the product is or, where it may take longer, how many times as long it takes."""
        product, peer = getattr(self.product, of), getattr(self.peer, of)
        return product / peer if self.row.at_most is not None else peer / product

    @property
    def met(self):
        """Whether the goal is met by the medians; ``None`` without a goal."""
        if self.row.at_least is not None:
            return self.ratio() >= self.row.at_least
        return None if self.row.at_most is None else self.ratio() <= self.row.at_most


def bank_row(n, peer, name, needs, **goal):
    """A bank of ``n`` controllers against the same number of a peer's."""

    def prepare():
        pvs = peers.measurements(n) if n < 100_000 else peers.measurements(n)[:2]
        return peers.product(n, pvs), peer(n, pvs)

    return Row(f"{n:,} PID controllers", name, prepare, needs, **goal)


def jitter_row(n, **goal):
    """The bank when every scan has another dt: what the runtime spares it as long as scans are on time."""

    def prepare():
        pvs = peers.measurements(n)
        return peers.product(n, pvs, jitter=0.1), peers.simple_pid(n, pvs)

    return Row(f"{n:,} PID controllers, another dt every time", "simple-pid", prepare, "simple_pid", **goal)


def scan_row(vessels, tags, loops, **goal):
    """The whole scan and its record on a site against bare updates of as many controllers."""

    def prepare():
        plant, n = Plant(site(vessels, tags, loops)), vessels * loops
        return plant.scan_and_record, peers.simple_pid(n, peers.measurements(n))

    n = vessels * loops
    return Row(f"whole scan and record, {vessels * tags:,} tags, {n:,} loops", f"{n:,} bare updates of simple-pid",
               prepare, "simple_pid", **goal)  # fmt: skip


def control_row(vessels, tags, loops, **goal):
    """The control stage of a site: setpoints, cascades, controllers, legs, tracking."""

    def prepare():
        plant, n = Plant(site(vessels, tags, loops)), vessels * loops
        return plant.control, peers.simple_pid(n, peers.measurements(n))

    n = vessels * loops
    return Row(f"control stage, {vessels * tags:,} tags, {n:,} loops", f"{n:,} bare updates of simple-pid", prepare,
               "simple_pid", **goal)  # fmt: skip


def bench_site_row():
    """The scan of the repository's bench site."""

    def prepare():
        return Plant(build(load_site(BENCH)), base=FOUND).scan_and_record, None

    return Row("whole scan and record, bench site (52 tags, 12 loops)", "", prepare)


def modbus_row(name, peer, prepare, **goal):
    """The driver for any Modbus device against other ways to the same registers."""
    return Row(name, peer, prepare, "pymodbus", rounds=30, clock=time.perf_counter, **goal)


def simulated_row(prepare, peer, **how):
    """The simulated plant alone, without a supervisor."""
    return Row(
        f"{simulated.VESSELS} simulated vessels, a step of {simulated.LONG_S:g} s", peer, prepare, rounds=30, **how
    )


def rehearsed_row(donors, period_s, **goal):
    """The whole supervisor closed over the plant, against real time."""
    name = "a donor rehearsed" if donors == 1 else f"{donors} donors rehearsed together"

    def prepare():
        return rehearsed.growing(donors, period_s)

    return Row(f"{name}, a scan every {period_s:g} s", "real time", prepare, covers_s=period_s, **goal)


SCATTERED = f"{wires.REGISTERS} scattered registers over Modbus TCP"
DISTANT = f"{len(wires.DISTANT)} distant registers over RTU at {wires.BAUDRATE} baud"


def opcua_row(peer, name, rounds, **goal):
    """Reading the nodes of a server through the driver against ``peer``, a way of asyncua's client."""

    def prepare():
        acquisition = Acquisition()
        return acquisition.product, getattr(acquisition, peer)

    what = f"{NODES} OPC UA nodes, wall time"
    return Row(what, name, prepare, "asyncua", rounds=rounds, clock=time.perf_counter, **goal)


ROWS = (
    bank_row(8, peers.simple_pid, "simple-pid", "simple_pid", at_least=1.0),
    bank_row(64, peers.simple_pid, "simple-pid", "simple_pid", at_least=10.0),
    bank_row(512, peers.simple_pid, "simple-pid", "simple_pid", at_least=50.0),
    jitter_row(64),
    bank_row(512, peers.compiled, "a loop compiled by numba", "numba", at_most=6.0),
    bank_row(1_000_000, peers.naive_numpy, "plain numpy", "numpy", at_least=2.0, rounds=30),
    bank_row(1_000_000, peers.bare_numpy, "plain numpy without modes and bad values", "numpy", rounds=30),
    scan_row(8, 64, 8, at_most=1.5),
    control_row(128, 32, 8, at_least=13.0),
    scan_row(128, 32, 8),
    bench_site_row(),
    simulated_row(simulated.alone, "real time", covers_s=simulated.LONG_S, at_least=5000.0),
    simulated_row(simulated.side_by_side, "one by one, in floats"),
    Row(f"a simulated vessel, a step of {simulated.STEP_S:g} s", "LSODA of scipy", simulated.against_solver, "scipy"),
    rehearsed_row(1, 1.0, at_least=10_000.0),
    rehearsed_row(1, 20.0, at_least=10_000.0),
    rehearsed_row(256, 20.0, at_least=3000.0, rounds=30),
    modbus_row(SCATTERED, "one by one, pymodbus' client", wires.one_by_one_by_pymodbus, at_least=50.0),
    modbus_row(SCATTERED, "one by one, on the driver's own line", wires.one_by_one, at_least=50.0),
    modbus_row(SCATTERED, "the same blocks, pymodbus' client", wires.blocks_by_pymodbus, at_most=1.15),
    modbus_row(SCATTERED, "the same blocks, bare asyncio streams", wires.blocks_by_streams, at_most=1.15),
    modbus_row(DISTANT, "the line itself", wires.paced_line, at_most=1 / 0.9),
    modbus_row(DISTANT, "a loop that only waits for bytes", wires.paced_loop),
    opcua_row("single", "asyncua, node by node", 30, at_least=10.0),
    opcua_row("bulk", "asyncua, one bare Read", 300, at_most=1.1),
)
