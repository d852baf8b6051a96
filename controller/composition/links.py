"""One link for every connection of a site."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from controller.commands import Json
from drivers.contract import ConnectionSpec, Message, Point
from drivers.link import Link
from drivers.registry import about, create

if TYPE_CHECKING:
    from controller.config.site import Connection
    from drivers.link_state import LinkEvent

log = logging.getLogger("biovisor.links")


def verified_on(kinds: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By driver, what it was checked against; empty where its author does not tell. Imports the drivers.

    Raises :class:`drivers.registry.UnknownDriver`.
    """
    return {kind: about(kind).verified_on for kind in sorted(set(kinds))}


def build_links(
    connections: Mapping[str, Connection],
    points: Mapping[str, Sequence[Point]],
    urls: Mapping[str, str],
    options: Mapping[str, Mapping[str, Json]],
    *,
    deadline_s: float,
    now_ns: Callable[[], int],
    on_event: Callable[[LinkEvent], None],
    on_message: Callable[[str, Message], None],
    period_s: float,
) -> dict[str, Link]:
    """Links by connection name. ``urls`` replaces addresses and ``options``, by driver, options (for simulators).
    ``period_s`` and ``deadline_s`` are wall seconds. Imports the drivers that the site names, and no other.

    Raises ``ValueError`` for options a driver does not know, :class:`drivers.contract.BadAddress` for a wrong point,
    :class:`drivers.registry.UnknownDriver`.
    """
    links: dict[str, Link] = {}
    for name, connection in connections.items():
        url = urls.get(name, connection.url)
        chosen = {**connection.options, **options.get(connection.driver, {})}
        driver = create(connection.driver, ConnectionSpec(name, url, dict(chosen), deadline_s))
        # A simulator stands for an instrument and is not it: what it says of itself is compared with nothing.
        expected = connection.expect.model_dump(exclude_none=True) if connection.expect and not urls else {}
        links[name] = Link(
            name,
            driver,
            points.get(name, ()),
            period_s=period_s,
            deadline_s=deadline_s,
            now_ns=now_ns,
            on_event=on_event,
            on_message=on_message,
            expected=expected,
        )
    return links
