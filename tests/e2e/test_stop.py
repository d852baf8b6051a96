"""The orderly end, when something is not in order: it is said, on record and in the exit code."""

import subprocess
import sys

import pytest

from controller.store import Store
from tests.e2e.conftest import BENCH, CAR_T, ROOT, Instruments

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(90)]


def texts(data):
    """Every line of the record in a data directory."""
    store = Store(data / "biovisor.sqlite")
    try:
        return [entry["text"] for entry in store.entries(limit=1000)]
    finally:
        store.close()


def test_a_frozen_pump_at_the_end_is_named_on_record_and_in_the_exit_code(bench, tmp_path):
    instruments, supervisor = bench
    with instruments.frozen("feed-pump-101"):
        supervisor.popen.terminate()
        assert supervisor.popen.wait(6) == 1
    said = texts(tmp_path / "data")
    assert any("BR-101.feed_flow" in text and "safe" in text for text in said), said[-8:]
    assert not any("BR-101.heater" in text and "not known" in text for text in said), "what is safe is not accused"


def run_refused(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "controller.cli.main", "run", *map(str, arguments), "--port", "0"],
        cwd=ROOT, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_wrong_recipe_is_refused_with_its_lines_and_no_traceback(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(CAR_T.read_text().replace("then: inoculate", "then: inoculat"))
    done = run_refused(BENCH, "--simulate", "--data", tmp_path / "data", "--recipe", wrong, "--vessel", "BR-101")
    assert done.returncode == 1
    assert "wrong.yaml:" in done.stderr
    assert "inoculat" in done.stderr


def test_an_unknown_vessel_and_a_missing_recipe_are_refused_at_once(tmp_path):
    data = ("--data", tmp_path / "data")
    done = run_refused(BENCH, "--simulate", *data, "--recipe", CAR_T, "--vessel", "BR-9")
    assert (done.returncode, "BR-101" in done.stderr) == (1, True)
    done = run_refused(BENCH, "--simulate", *data, "--recipe", tmp_path / "no.yaml", "--vessel", "BR-101")
    assert (done.returncode, "no.yaml does not exist" in done.stderr) == (2, True)


def test_instruments_that_are_not_the_sites_are_refused(start, tmp_path):
    instruments = start(Instruments, BENCH, tmp_path / "instruments")
    other = tmp_path / "other.json"
    other.write_text(instruments.text.replace("feed-pump-102", "feed-pump-109"))
    done = run_refused(BENCH, "--instruments", other, "--data", tmp_path / "data")
    assert done.returncode == 1
    assert "missing: feed-pump-102" in done.stderr
