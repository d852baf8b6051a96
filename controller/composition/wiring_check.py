"""What drivers say of a site's files, before anything is connected: options they do not take, points their instruments
do not have, and outputs that range beyond what their points can be written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from os.path import normpath
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from controller.config.source import Document, read_document
from controller.model.build import build
from drivers.contract import BadAddress, ConnectionSpec, Driver
from drivers.registry import UnknownDriver, create

if TYPE_CHECKING:
    from controller.commands import Json
    from controller.config.load import LoadedSite
    from controller.config.problems import Path, Problem
    from controller.model.tags import Tag

REPLY_S = 1.0
SLACK = 1e-9
"""A range that ends where the point's does may differ by a rounding."""
SECTIONS = {"measurement": "measurements", "output": "outputs"}


def problems(
    path: FilePath,
    loaded: LoadedSite,
    urls: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, Json]] | None = None,
) -> list[Problem]:
    """What is wrong with the site of a file and its classes, by line of these. ``urls``, by connection, and
    ``options``, by driver, go before those of the file. Makes the drivers that can be made; nothing is sent.
    """
    site, found = read_document(path), []
    documents: dict[str, Document] = {}
    for vessel, entry in loaded.config.vessels.items():
        documents[vessel] = read_document(FilePath(normpath(path.parent / entry.class_)))
    drivers: dict[str, Driver] = {}
    for name, one in loaded.config.connections.items():
        chosen = {**one.options, **(options or {}).get(one.driver, {})}
        try:
            url = (urls or {}).get(name, one.url)
            drivers[name] = create(one.driver, ConnectionSpec(name, url, dict(chosen), REPLY_S))
        except ValueError as error:
            found.append(site.problem(("connections", name, "options"), f"{one.driver}: {error}"))
        except (UnknownDriver, ImportError, AttributeError):
            continue  # told where names of drivers are checked, or by the start that it ends
    for tag in build(loaded).tags.tags:
        if driver := drivers.get(tag.connection or ""):
            entry_of = (SECTIONS[tag.kind], tag.name)
            found += [documents[tag.vessel].problem((*entry_of, *key), text) for key, text in _wrong(tag, driver)]
    return found


def _wrong(tag: Tag, driver: Driver) -> Iterator[tuple[Path, str]]:
    """What is wrong with a tag's point: where in its entry, and what."""
    point = tag.point
    assert point is not None, "a tag with a connection has one"
    if point.access != "w":
        try:
            driver.plan([point])
        except BadAddress as error:
            yield ("source", "point"), f"point: {str(error).removeprefix(f'{point.key}: ')}"
            return
    entry = driver.entry(point.address) if tag.kind == "output" and hasattr(driver, "entry") else None
    if entry is None:
        return
    if "w" not in entry.access:
        yield ("source", "point"), f"point: {point.address} can only be read"
        return
    for key, value in (("low", tag.low), ("high", tag.high)):
        raw = (value - point.offset) / point.gain
        if not entry.low - SLACK * abs(entry.low) <= raw <= entry.high + SLACK * abs(entry.high):
            what = f"{key}: {value:.6g} {tag.unit} is {raw:.6g} at {point.address} of the instrument"
            yield ("range", key), f"{what}, which takes {entry.low:.6g} .. {entry.high:.6g}"
