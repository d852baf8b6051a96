"""A supervisor with a real scan over a vessel that is heated, behind the real HTTP server.

The time of the vessel goes on only as somebody looks at the experiment or commands something: nothing that a test
means to do while an experiment runs comes after its end, however long the machine takes for it.
"""

import threading
from contextlib import contextmanager

from controller.api.server import Server
from controller.composition.site_info import site_info
from controller.publish import Publisher
from controller.stages.health_report import HealthReport
from controller.stages.tuning_report import TuningReport
from tests.api.conftest import Bench, listening
from tests.control.test_tuner import Vessel

SCANS_A_LOOK = 50


class Watched(TuningReport):
    """Keeps in mind that the experiment was looked at."""

    def __init__(self, *args):
        super().__init__(*args)
        self.looked = threading.Event()

    def experiment(self, vessel, name, *, samples=True):
        found = super().experiment(vessel, name, samples=samples)
        self.looked.set()
        return found


class TuningBench(Bench):
    """The small supervisor, but what it scans is a vessel at rest at 37 °C."""

    def __init__(self, path, noise=0.01):
        self.vessel = Vessel(noise=noise).at_rest()
        self.vessel.scan.applied = 0
        scan, site = self.vessel.scan, self.vessel.site
        self.watched = Watched(site, scan.tuning.sets, scan.tuning.tuner)
        super().__init__(path)
        self.tuning = self.watched
        self.why = scan.view().why.loop
        self.health = HealthReport(site, scan.health)

    def described(self):
        columns = self.vessel.scan.columns.described
        site = site_info(self.vessel.site, {}, simulated=True)
        return site, Publisher({"name": "bench", "simulated": True}, columns)

    def scan(self):
        scan, begun = self.vessel.scan, self.clock.now_ns()
        commands, outcomes = self.door.take(), []
        looked = self.watched.looked.is_set()
        self.watched.looked.clear()
        for _ in range(SCANS_A_LOOK if looked else min(1, len(commands))):
            result = self.vessel.step(*commands)
            outcomes += result.outcomes
            self.store.append(result.events)
            commands = ()
        view, utc = scan.view(), self.clock.utc()
        state = {"vessels": view.vessels, "batches": [], "alarms": view.alarms, "connections": []}
        self.publisher.publish(utc, self.vessel.now, view.value, view.quality, view.reason, view.age, state)
        self.door.settle(outcomes)
        self.stats.completed(begun, begun, 0.0)


@contextmanager
def serving(folder, noise=0.02):
    """A bench at rest, and its URL."""
    bench = TuningBench(folder / "store.sqlite", noise)
    with listening() as listener:
        server = Server(bench, listener)
        server.start()
        try:
            yield bench, f"http://127.0.0.1:{server.port}"
        finally:
            server.stop()
            bench.close()
