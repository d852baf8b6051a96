"""What the page on calibration tells the reader to type is typed in its order, on simulated instruments."""

import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest

from controller.cli.main import main
from controller.composition.calibration import job
from tests.cli.calibration_bench import INSTRUMENTS, Operator, Simulators
from tests.docs.conftest import ROOT, code, table
from tests.docs.test_docs_pages import biovisor
from tests.docs.test_docs_running import CALIBRATE, CALIBRATIONS

ON_PAGE = {name: one for name, one in INSTRUMENTS.items() if name != "scale"}
WINDOW_S = 1.0
"""For so long a reading stands still, in place of the 3 to 30 s of the page."""
PROBE_STEPS = {
    "buffer-1": ({"ph": 7.0, "temperature_c": 25.0}, "7.00"),
    "buffer-2": ({"ph": 4.01}, "4.01"),
    "zero": ({"do": 0.0}, ""),
    "span": ({"do": 100.0}, ""),
    "empty": ({"volume_l": 1.0}, ""),
    "weight": ({"volume_l": 1.5}, "504"),
}
"""What the reader does at a question, as a state of the simulated vessel, and types."""
TYPED = {"ready": "yes", "accept": "yes", "who": "Ann Lee", "reason": "weekly", "tolerance": "10", "volume": "6"}
TYPED |= dict.fromkeys(("temperature-1", "temperature-2", "speed", "density"), "")


class Technician(Operator):
    """Follows the page on simulated instruments, until ``gone``."""

    def __init__(self, simulators, amount, *, gone):
        answers = {key: [self._does(simulators, *what)] for key, what in PROBE_STEPS.items()} | TYPED
        super().__init__({} if gone else answers | {"amount": amount})

    def _does(self, simulators, state, answer):
        return lambda: simulators.set(**state) or answer


@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_the_page_on_calibration(tmp_path, capsys, monkeypatch):
    """Every line, in this order: what pumps runs fast, readings need not be still for as long as the page says."""
    speeds = (1.0, 20.0, 600.0)
    with ThreadPoolExecutor() as pool:
        started = pool.map(lambda speed: Simulators(tmp_path / str(speed), speed, ON_PAGE), speeds)
    running = dict(zip(speeds, started, strict=True))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(job, "STILL", {unit: one._replace(window_s=WINDOW_S) for unit, one in job.STILL.items()})

    def typed(command, *, gone=False):
        speed = 20.0 if "pump-volume" in command else 600.0 if "pump-balance" in command else 1.0
        amount = "60 {rev}" if speed == 20.0 else "2500 {rev}"
        technician = Technician(running[speed], amount, gone=gone)
        addresses = ["--data", str(tmp_path / "data"), "--instruments", str(running[speed].file)]
        with monkeypatch.context() as patch:
            patch.setattr("sys.stdin", technician)
            patch.setattr("sys.stdout", technician)
            words = re.sub(r"(?<=--window )10\b", str(WINDOW_S), shlex.join(biovisor(command)))
            return main([*shlex.split(words), *addresses]), technician

    try:
        for command in CALIBRATIONS:
            if "--resume" in command or "--abandon" in command:
                assert typed(CALIBRATIONS[0], gone=True)[0] == 1
            done, technician = typed(command)
            assert done == 0, (command, technician.text, capsys.readouterr().err)
            if command == CALIBRATIONS[0]:
                asked = [key for row in table(ROOT / CALIBRATE, "It asks") for key in code(row[0])]
                assert sorted(technician.asked) == sorted(asked)
    finally:
        for simulators in running.values():
            simulators.stop()
