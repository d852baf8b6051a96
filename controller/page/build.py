"""Copies the page's third-party modules out of ``node_modules`` into ``static/vendor``.

There is no bundler. Browsers resolve bare names such as ``preact/hooks`` only with an import map, which the page's
content security policy forbids, so every bare name becomes a relative path here. The result depends on the installed
files alone: the same lock file gives the same bytes. Run as ``python -m controller.page.build``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOM = Path(__file__).parent
SOURCE_MAP = re.compile(r"^//# sourceMappingURL=.*\n?", re.MULTILINE)
BARE_IMPORT = re.compile(r"""(?P<before>\b(?:from|import)\s*)(?P<quote>["'])(?P<name>[^."'][^"']*)(?P=quote)""")


@dataclass(frozen=True, slots=True)
class Module:
    """One file to copy: ``name`` is what other modules import it as, ``source`` its place under ``node_modules``."""

    name: str
    source: str
    target: str
    package: str
    tail: str = ""


MODULES = (
    Module("preact", "preact/dist/preact.mjs", "preact.js", "preact"),
    Module("preact/hooks", "preact/hooks/dist/hooks.mjs", "hooks.js", "preact"),
    Module("htm", "htm/dist/htm.mjs", "htm.js", "htm"),
    Module(
        "@preact/signals-core", "@preact/signals-core/dist/signals-core.mjs", "signals-core.js", "@preact/signals-core"
    ),
    Module("@preact/signals", "@preact/signals/dist/signals.mjs", "signals.js", "@preact/signals"),
    # The minified build is a classic script of half the size of the ES module; one export makes it a module.
    Module("uplot", "uplot/dist/uPlot.iife.min.js", "uplot.js", "uplot", tail="export default uPlot;\n"),
)
ASSETS = (
    Module("", "uplot/dist/uPlot.min.css", "uplot.css", "uplot"),
    Module(
        "",
        "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
        "inter.woff2",
        "@fontsource-variable/inter",
    ),
)


class BuildError(Exception):
    """The vendor folder cannot be built; the message says what is missing and how to get it."""


def build(modules: Path, vendor: Path) -> list[str]:
    """Fill ``vendor`` from the npm folder ``modules``; returns the names of the files that changed.

    Idempotent. Raises :class:`BuildError` when a package is missing or a bare import has no relative path.
    """
    if not modules.is_dir():
        raise BuildError(f"{modules} is missing: run `npm --prefix {ROOM} ci` first")
    vendor.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, bytes] = {}
    for module in MODULES:
        wanted[module.target] = _javascript(_read(modules, module.source).decode(), module).encode()
        wanted[module.target.removesuffix(".js") + ".d.ts"] = _declaration(module.name).encode()
    for asset in ASSETS:
        wanted[asset.target] = _read(modules, asset.source)
    wanted["LICENCES.txt"] = licences(modules).encode()
    return [name for name, content in wanted.items() if _write(vendor / name, content)]


def licences(modules: Path) -> str:
    """The licence list of everything the page carries: package, version, SPDX name, then the licence's own text."""
    parts = []
    for package in sorted({module.package for module in (*MODULES, *ASSETS)}):
        about = json.loads(_read(modules, f"{package}/package.json"))
        text = _read(modules, f"{package}/LICENSE").decode().strip()
        parts.append(f"{package} {about['version']} ({about['license']})\n\n{text}\n")
    return ("\n" + "=" * 100 + "\n\n").join(parts)


def _javascript(text: str, module: Module) -> str:
    paths = {other.name: f"./{other.target}" for other in MODULES}

    def _relative(match: re.Match[str]) -> str:
        name = match["name"]
        if name not in paths:
            raise BuildError(f"{module.source} imports {name!r}, which is not part of the page")
        return f"{match['before']}{match['quote']}{paths[name]}{match['quote']}"

    body = SOURCE_MAP.sub("", text).rstrip() + "\n"
    return (BARE_IMPORT.sub(_relative, body) if "import" in body else body) + module.tail


def _declaration(name: str) -> str:
    return (
        f'export * from "{name}";\nexport {{ default }} from "{name}";\n'
        if name in {"htm", "uplot"}
        else f'export * from "{name}";\n'
    )


def _read(modules: Path, path: str) -> bytes:
    try:
        return (modules / path).read_bytes()
    except OSError as error:
        raise BuildError(f"{path} is missing: run `npm --prefix {ROOM} ci` again") from error


def _write(path: Path, content: bytes) -> bool:
    if path.is_file() and path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True


def main(arguments: Sequence[str] = ()) -> int:
    """Build beside this file; 0 when it is done, 1 with one line on standard error when it cannot be."""
    if arguments:
        sys.stderr.write("usage: python -m controller.page.build\n")
        return 2
    try:
        build(ROOM / "node_modules", ROOM / "static" / "vendor")
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
