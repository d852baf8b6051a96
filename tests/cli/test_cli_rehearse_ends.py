"""How a rehearsal in several processes ends when somebody ends it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import until
from tests.rehearsal.conftest import BENCH, CAR_T

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]
BEGIN_S = 30.0


class Team:
    """A rehearsal of two donors in two processes, on its way."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "controller.cli.main", "rehearse", str(CAR_T), "--site", str(BENCH)]
        self.process = subprocess.Popen(
            [*command, "--donors", "2", "--processes", "2", "--data", str(folder)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.workers = until(self._busy, BEGIN_S, "two processes at work")

    def _busy(self):
        """The workers once they have all that they import behind them, which takes half a second of their time."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        workers = [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        busy = [pid for pid in workers if _seconds(pid) > 1.0]
        return busy if len(busy) == 2 else None

    def told(self):
        """What it wrote to standard error, once it has ended."""
        return self.process.communicate(timeout=20)[1].strip().splitlines()


def _seconds(pid):
    """Processor time that a process has used."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def team(tmp_path):
    team = Team(tmp_path)
    yield team
    if team.process.poll() is None:
        os.killpg(team.process.pid, signal.SIGKILL)
    team.process.stderr.close()


def test_ctrl_c_ends_all_processes_in_one_line(team):
    os.killpg(team.process.pid, signal.SIGINT)
    assert team.told() == ["biovisor rehearse: interrupted"]
    assert team.process.returncode == 1
    assert not [pid for pid in team.workers if Path(f"/proc/{pid}").exists()]


def test_a_process_that_is_killed_is_told_by_its_donors(team):
    os.kill(team.workers[0], signal.SIGKILL)
    (line,) = team.told()
    assert line.startswith("biovisor rehearse: the process that rehearsed donors D000")
    assert line.endswith("ended early, as if it was killed")
    assert team.process.returncode == 1
    assert not Path(f"/proc/{team.workers[1]}").exists()
