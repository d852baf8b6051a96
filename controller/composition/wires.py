"""The links of a running supervisor: made once addresses are known, shown on the page, their changes on record."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from controller.clock import ScaledClock, iso_utc
from controller.commands import Event, EventType, Json
from controller.composition.heartbeats import Heartbeats
from controller.composition.messages import Messages
from controller.composition.point_faults import PointFaults
from controller.composition.simulated import SIMULATED_OPTIONS
from controller.link_io import LinkIo

if TYPE_CHECKING:
    from controller.config.site import SiteConfig
    from controller.model.site import Site
    from controller.store import Store
    from drivers.contract import Point
    from drivers.link import Link
    from drivers.link_state import LinkEvent

log = logging.getLogger("biovisor.wires")
DEADLINE_S = 1.0
"""How long a device may take to answer, in wall time."""


class Wires:
    """One link per connection of the site, and the frame they fill. ``period_s`` is the scan's, in wall seconds."""

    def __init__(
        self, config: SiteConfig, site: Site, store: Store, clock: ScaledClock, period_s: float, *, simulated: bool
    ) -> None:
        self._faults = PointFaults(site.bindings, self._tell_fault)
        self._messages = Messages(store, clock.now_ns)
        self._beats = Heartbeats(lambda name: self.links[name].state == "up", self._tell_fault)
        self.io = LinkIo(
            len(site.tags), site.bindings, site.heartbeats, simulated=simulated, look=self._faults.look,
            beaten=self._beats.take,
        )  # fmt: skip
        self.links: Mapping[str, Link] = {}
        self._verified: Mapping[str, Sequence[str]] = {}
        self._config = config
        self._simulated = simulated
        self._site = site
        self._store = store
        self._clock = clock
        self._period_s = period_s

    def build(self, urls: Mapping[str, str]) -> Mapping[str, Link]:
        """Make the links, with ``urls`` in place of the site's addresses where given. Imports the drivers.

        Raises what :func:`controller.composition.links.build_links` raises.
        """
        from controller.composition.links import build_links, verified_on

        self.links = build_links(
            self._config.connections,
            {name: self._points(name) for name in self._config.connections},
            urls,
            SIMULATED_OPTIONS if self._simulated else {},
            deadline_s=DEADLINE_S,
            period_s=self._period_s,
            now_ns=self._clock.now_ns,
            on_event=self._record,
            on_message=self._messages.take,
        )
        self._verified = verified_on(connection.driver for connection in self._config.connections.values())
        self.io.attach(self.links)
        return self.links

    def view(self) -> Json:
        """Every connection's state, in the shape of the live JSON; the record joins them while it cannot be written."""
        entries: list[Json] = [self._entry(name) for name in self._config.connections]
        health = self._store.health()
        if not health.ok:
            entries.append(_connection("record", "down", "", health.detail, []))
        return entries

    def not_ready(self, scanned_ns: int) -> Sequence[str]:
        """Why vessels cannot be operated: the record, and every connection that is not up, each with its reason. One
        that came up after ``scanned_ns``, the process time of the last scan's values, is not yet in what is shown.
        """
        health = self._store.health()
        record = [] if health.ok else [f"the record cannot be written: {health.detail}"]
        return record + [
            f"{name}: {missing}" for name in self._config.connections if (missing := self._missing(name, scanned_ns))
        ]

    def _missing(self, name: str, scanned_ns: int) -> str:
        link = self.links.get(name)
        if link is None:
            return "not yet started"
        if link.state != "up":
            return link.detail
        return "" if link.since_ns < scanned_ns else "no scan has used its values yet"

    def tell(self, name: str, text: str) -> None:
        """Put on record, and into the log, what is wrong with a connection as a whole."""
        self._tell_fault(name, text, wrong=True)

    def _points(self, name: str) -> Sequence[Point]:
        points = [point for _, point in self._site.bindings.get(name, ())]
        heartbeat = self._site.heartbeats.get(name)
        return [*points, heartbeat] if heartbeat else points

    def _entry(self, name: str) -> Json:
        link, faults = self.links.get(name), [*self._faults.shown(name), *self._beats.shown(name)]
        if link is None:
            return _connection(name, "connecting", "", "not yet started", faults)
        ago_s = (self._clock.now_ns() - link.since_ns) / 1e9 / self._clock.speed
        since = iso_utc(round(self._clock.utc() - ago_s))
        verified = self._verified.get(self._config.connections[name].driver, ())
        return _connection(name, str(link.state), since, link.detail, faults, verified, link.stranger)

    def _record(self, event: LinkEvent) -> None:
        text = f"{event.link}: {event.previous} → {event.state}: {event.detail}"
        log.info(text)
        entry = Event(
            EventType.EQUIPMENT, "Status Change", event.link, text, value=str(event.state), previous=str(event.previous)
        )
        self._store.append([entry])

    def _tell_fault(self, link: str, text: str, wrong: bool) -> None:
        log.log(logging.WARNING if wrong else logging.INFO, text)
        self._store.append([Event(EventType.EQUIPMENT, "Status Change", link, text)])


def _connection(
    name: str,
    state: str,
    since: str,
    detail: str,
    faults: Json,
    verified: Sequence[str] | None = None,
    stranger: str = "",
) -> dict[str, Json]:
    """A connection in the shape of the live JSON; ``verified`` is ``None`` before its driver is loaded, ``stranger`` by
    what another instrument is seen that is not accepted.
    """
    return {
        "name": name,
        "state": state,
        "since": since,
        "detail": detail,
        "faults": faults,
        "stranger": stranger,
        "verified_on": None if verified is None else [*verified],
    }
