"""The page's files: what is installed, what is copied, what a first visit loads."""

import gzip
import json
import re

import pytest

from controller.page import STATIC, build

MODULES = build.ROOM / "node_modules"
LOCK = json.loads((build.ROOM / "package-lock.json").read_text())


def test_second_build_changes_nothing(tmp_path):
    first = build.build(MODULES, tmp_path / "vendor")
    assert {"preact.js", "uplot.js", "inter.woff2", "LICENCES.txt"} <= set(first)
    assert build.build(MODULES, tmp_path / "vendor") == []


def test_modules_import_each_other_by_relative_paths_only(tmp_path):
    build.build(MODULES, tmp_path)
    for file in tmp_path.glob("*.js"):
        for name in re.findall(r"""(?:from|import)\s*\(?["']([^"']+)["']""", file.read_text()):
            assert (tmp_path / name).is_file(), f"{file.name} imports {name}"


def test_our_modules_import_what_exists():
    for file in STATIC.glob("js/**/*.js"):
        for name in re.findall(r"""^(?:import|export) .*?from "([^"]+)";""", file.read_text(), re.MULTILINE):
            assert (file.parent / name).resolve().is_file(), f"{file.name} imports {name}"


def test_every_package_is_listed_with_its_licence():
    text = build.licences(MODULES)
    for package in json.loads((build.ROOM / "package.json").read_text())["dependencies"]:
        version = LOCK["packages"][f"node_modules/{package}"]["version"]
        assert re.search(
            rf"^{re.escape(package)} {re.escape(version)} \((MIT|Apache-2.0|OFL-1.1)\)$", text, re.MULTILINE
        )


def test_missing_packages_are_one_clear_error(tmp_path):
    with pytest.raises(build.BuildError, match="run `npm"):
        build.build(tmp_path / "node_modules", tmp_path / "vendor")
    (tmp_path / "node_modules").mkdir()
    with pytest.raises(build.BuildError, match=r"preact\.mjs is missing"):
        build.build(tmp_path / "node_modules", tmp_path / "vendor")


def test_lock_file_pins_by_hash_and_names_no_registry():
    packages = {name: about for name, about in LOCK["packages"].items() if name}
    assert all(about["integrity"].startswith("sha512-") for about in packages.values())
    assert not any("resolved" in about for about in packages.values())


def test_nothing_is_loaded_from_outside():
    for file in [*STATIC.glob("js/**/*.js"), *STATIC.glob("css/*.css"), STATIC / "index.html"]:
        assert not re.search(r"(?:https?:)?//[a-z0-9-]+\.[a-z]{2,}", file.read_text()), file.name


def test_first_load_is_at_most_120_kb_compressed():
    # Types are for the checker: no module imports them at run time.
    later = {"uplot.js", "worker.js", "source.js", "mirror.js", "types.js"}
    assert not any(re.search(r"^import .*types\.js", file.read_text(), re.M) for file in STATIC.glob("js/**/*.js"))
    files = [STATIC / "index.html", *STATIC.glob("css/*.css"), *STATIC.glob("js/**/*.js"), *STATIC.glob("vendor/*.js")]
    loaded = [file for file in files if file.name not in later] + [STATIC / "vendor/uplot.css"]
    script = sum(len(gzip.compress(file.read_bytes(), 9)) for file in loaded)
    assert script + (STATIC / "vendor/inter.woff2").stat().st_size <= 120_000


def test_files_are_small():
    sizes = {file.name: len(file.read_text().splitlines()) for file in STATIC.glob("js/**/*.js")}
    assert max(sizes.values()) <= 300
