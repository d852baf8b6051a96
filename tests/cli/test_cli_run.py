"""``biovisor run``: what it refuses before it starts anything, and what it makes of its arguments."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from controller.cli import run
from controller.cli.main import build_parser, main
from controller.composition.lease import Lease

ROOT = Path(__file__).parents[2]
SITE = str(ROOT / "configs/sites/bench.yaml")
RECIPE = str(ROOT / "configs/recipes/car-t-expansion.yaml")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--recipe", RECIPE], "--recipe and --vessel belong together"),
        (["--vessel", "BR-101"], "--recipe and --vessel belong together"),
        (["--simulate", "--instruments", SITE], "choose one"),
        (["--instruments", "absent.json"], "absent.json does not exist"),
        (["--instruments", SITE, "--speed", "60"], "the instruments' own speed counts"),
        (["--simulate", "--speed", "0"], "--speed must be above 0, not 0"),
        (["--simulate", "--speed", "-1"], "--speed must be above 0, not -1"),
        (["--simulate", "--speed", "nan"], "--speed must be above 0, not nan"),
        (["--speed", "60"], "hardware runs in real time"),
        (["--scenario", RECIPE], "--scenario is for simulated instruments"),
        (["--simulate", "--scenario", "absent.yaml"], "absent.yaml does not exist"),
        (["--simulate", "--formula", "target_density"], "--formula takes NAME=VALUE, not"),
        (["--simulate", "--formula", "a=1", "--formula", "target_density"], "target_density"),
    ],
)
def test_a_combination_that_makes_no_sense_is_refused(arguments, complaint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["run", SITE, *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("biovisor run: ")
    assert complaint in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--simulate"],
        ["--simulate", "--speed", "60"],
        ["--speed", "1"],
        ["--instruments", SITE],
        ["--simulate", "--recipe", RECIPE, "--vessel", "BR-101", "--formula", "target_density=2 10*6/mL"],
    ],
)
def test_a_combination_that_makes_sense_is_taken(arguments):
    assert run.complain(build_parser().parse_args(["run", SITE, *arguments])) == ""


def test_the_formula_is_names_and_texts():
    line = ["run", SITE, "--recipe", RECIPE, "--vessel", "BR-101", "--formula", "a = 1 h", "--formula", "b=2=3"]
    order = run.order(build_parser().parse_args(line))
    assert (order.recipe, order.vessel, order.formula) == (Path(RECIPE), "BR-101", {"a": "1 h", "b": "2=3"})
    assert order.begin_at is None


def refused(tmp_path, *arguments):
    """What a process that refuses to run says; it ends by itself with exit code 1."""
    command = [sys.executable, "-m", "controller.cli.main", "run", *map(str, arguments), "--port", "0"]
    done = subprocess.run(
        [*command, "--data", str(tmp_path / "data")], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.e2e
@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "::"])
def test_another_address_than_loopback_is_refused(host, tmp_path):
    assert "loopback" in refused(tmp_path, SITE, "--host", host)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.e2e
def test_a_site_with_mistakes_is_refused_with_all_of_them(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("site: bench\nversion: 1\ntitel: x\n")
    assert refused(tmp_path, site).count(f"{site}:") >= 3


@pytest.mark.e2e
@pytest.mark.parametrize("simulate", [[], ["--simulate"]])
def test_what_an_instrument_does_not_have_is_refused_with_its_place(simulate, tmp_path):
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    kind = tmp_path / "configs/classes/stirred-tank-2l.yaml"
    before, _, after = kind.read_text().partition("point: 1.PMC1.pH")
    kind.write_text(f"{before}point: 1.PMC1.ph{after}")
    place = f"{kind}:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10)) + len('point: ')}:"
    assert f"{place} point: '1.PMC1.ph' is not" in refused(tmp_path, tmp_path / "configs/sites/bench.yaml", *simulate)


@pytest.mark.e2e
def test_a_data_directory_in_use_is_refused(tmp_path):
    lease = Lease(tmp_path / "data")
    try:
        assert f"process {os.getpid()}" in refused(tmp_path, SITE)
    finally:
        lease.release()


@pytest.mark.e2e
def test_instruments_that_are_no_addresses_are_refused(tmp_path):
    line = tmp_path / "addresses.json"
    line.write_text("{}\n")
    assert "not the line that `biovisor simulate` prints" in refused(tmp_path, SITE, "--instruments", line)


@pytest.mark.e2e
def test_an_empty_file_of_addresses_never_means_the_hardware(tmp_path):
    line = tmp_path / "addresses.json"
    line.touch()
    assert "the file with the addresses is empty" in refused(tmp_path, SITE, "--instruments", line)


def test_simulate_refuses_a_site_with_mistakes(tmp_path, capsys):
    site = tmp_path / "site.yaml"
    site.write_text("site: bench\n")
    assert main(["simulate", str(site), "--data", str(tmp_path)]) == 1
    assert f"{site}:" in capsys.readouterr().err
