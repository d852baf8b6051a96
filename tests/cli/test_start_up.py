"""What a start may import before it answers, or before it scans: a limit that holds on any machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli.main import COMMANDS, build_parser

ROOT = Path(__file__).parents[2]
HEAVY = {"asyncua", "fastapi", "prometheus_client", "pymodbus", "serial", "starlette", "uvicorn"}
"""Libraries that cost tenths of a second; none of them has a part in the first scan."""

LATER = {
    "controller.composition.gateway",
    "controller.config.calculated_balance",
    "controller.explain.telling",
    "controller.model.pid_forms",
    "controller.recipe.freeze",
    "controller.recipe.phase",
    "controller.stages.experiment",
    "controller.stages.health_report",
    "controller.stages.tuning_orders",
    "importlib.metadata",
}
"""What is imported when somebody needs it, which is not before the first scan."""
AT_FIRST_SCAN = """
import gc, os, sys
def stop():
    print(*sys.modules, sep="\\n", flush=True)
    os._exit(0)
gc.enable = stop  # the first that happens after the first scan
from controller.cli.main import main
main(["demo", "--data", sys.argv[1], "--port", "0"])
"""


def imported(program):
    """The top-level modules that a fresh interpreter has imported after ``program``."""
    program += "\nimport json, sys\nprint(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_help_imports_neither_arrays_nor_models():
    program = "import contextlib\nfrom controller.cli.main import main\nwith contextlib.suppress(SystemExit):\n"
    seen = imported(program + "    main(['--help'])")
    assert not seen & (HEAVY | {"asyncio", "numpy", "orjson", "pydantic", "sqlite3", "yaml"})


@pytest.mark.timeout(30)
def test_the_first_scan_needs_neither_the_event_loop_nor_the_web_nor_the_wires(tmp_path):
    program = f"""
from pathlib import Path
from controller.clock import ScaledClock
from controller.composition import supervisor
from controller.composition.assembly import Assembly
from controller.composition.options import Options

clock = ScaledClock(60)
assembly = Assembly(Options(Path("configs/sites/bench.yaml"), Path({str(tmp_path)!r})), clock, simulated=True)
assembly.runtime.tick(clock.now_ns())
assert assembly.runtime.stats.scans == 1
assembly.close(clean=False)
"""
    seen = imported(program)
    assert "numpy" in seen
    assert not seen & (HEAVY | {"asyncio", "ssl"})


@pytest.mark.timeout(30)
def test_the_first_scan_imports_nothing_that_can_wait(tmp_path):
    command = [sys.executable, "-c", AT_FIRST_SCAN, str(tmp_path)]
    seen = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    assert "controller.scan" in seen
    assert not LATER & set(seen)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_parses_alike_alone_and_among_the_others(command):
    alone = build_parser([command]).parse_args
    among = build_parser().parse_args
    given = {"demo": [], "run": ["site.yaml"], "simulate": ["site.yaml"], "schema": ["site"], "check": ["a.yaml"]}
    given["loop"] = given["device"] = given["fault"] = ["list"]
    given["rehearse"] = ["recipe.yaml"]
    arguments = [command, *given.get(command, [])]
    assert alone(arguments) == among(arguments)
