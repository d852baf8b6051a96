"""The package of the page on adding an instrument: built, installed, tested and used as it is printed."""

import os
import subprocess
import sys

import pytest
import yaml

from tests.docs.conftest import ALL, ROOT

PAGE = "docs/how-to/add-an-instrument.md"
FILES = {block.word: block.text for block in ALL if block.page == PAGE and block.word}
SITE, CLASS = ROOT / "configs/sites/bench.yaml", ROOT / "configs/classes/stirred-tank-2l.yaml"
MOST_LINES = 100

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]


def run(*arguments, path, cwd):
    """A Python module with folders in front of the module path; what it prints goes with a failure."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd, env=environment, capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """The folder with the page's files, and the one where the package is installed."""
    folder, installed = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("installed")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    offline = ("--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet")
    done = run("pip", "install", *offline, "--target", installed, ".", path=[], cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder, installed


def test_it_has_fewer_lines_than_the_page_says():
    lines = [line for text in FILES.values() for line in text.splitlines() if line.strip()]
    assert set(FILES) == {"pyproject.toml", "biovisor_dripper.py", "test_dripper.py"}
    assert 50 < len(lines) < MOST_LINES


def test_its_conformance_test_passes(package):
    folder, installed = package
    test = ("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "test_dripper.py")
    done = run(*test, path=[ROOT, installed], cwd=folder)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_driver_that_believes_everything_does_not_pass(package, tmp_path):
    """The page's test finds the mistake of not looking at the check sum."""
    _, installed = package
    careless = FILES["biovisor_dripper.py"].replace("reply != framed(body) or ", "")
    assert careless != FILES["biovisor_dripper.py"]
    for name, text in {**FILES, "biovisor_dripper.py": careless}.items():
        (tmp_path / name).write_text(text)
    test = ("pytest", "-q", "-p", "no:cacheprovider", "-k", "damaged", "test_dripper.py")
    done = run(*test, path=[ROOT, tmp_path, installed], cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "1 failed" in done.stdout


def test_a_site_may_use_it_once_it_is_installed(package, tmp_path):
    (shown,) = (yaml.safe_load(block.text) for block in ALL if block.page == PAGE and block.language == "yaml")
    site = yaml.safe_load(SITE.read_text().replace("../classes/", f"{CLASS.parent}/"))
    del site["connections"]["feed-pump-101"]
    site["connections"] |= shown["connections"]
    (site["vessels"]["BR-101"]["instruments"]["feed_pump"],) = shown["connections"]
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(site))
    check = ("controller.cli.main", "check", file)
    other = run(*check, path=[ROOT, package[1]], cwd=tmp_path)
    assert "'revolutions' is not one of volume, rate, dose" in other.stdout, "another kind of pump"
    dripping = CLASS.read_text()
    for old, new in (("feed_pump, point: revolutions", "volume"), ("feed_pump, point: speed", "rate")):
        dripping = dripping.replace(old, f"feed_pump, point: {new}")
    (tmp_path / "dripping.yaml").write_text(dripping)
    site["vessels"]["BR-101"]["class"] = "dripping.yaml"
    file.write_text(yaml.safe_dump(site))
    done = run(*check, path=[ROOT, package[1]], cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 file checked, no problems\n")
    without = run(*check, path=[ROOT], cwd=tmp_path)
    assert without.returncode == 1
    assert "'dripper'" in without.stdout
