"""The supervisor's own numbers in Prometheus' form, in a registry of their own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from controller.api.gateway import Gateway
    from controller.publish.hub import Hub

BUCKETS = (0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
QUALITIES = ("good", "uncertain", "bad")


class Metrics:
    """Observes every scan from construction on; everything else is looked up when asked."""

    def __init__(self, gateway: Gateway, hub: Hub) -> None:
        self._registry = CollectorRegistry()
        self._duration = Histogram(
            "biovisor_scan_duration_seconds", "Time one scan took.", buckets=BUCKETS, registry=self._registry
        )
        self._lateness = Histogram(
            "biovisor_scan_lateness_seconds", "How late a scan began.", buckets=BUCKETS, registry=self._registry
        )
        self._stats = gateway.stats
        self._stats.observers.append(self._observe)
        ProcessCollector(registry=self._registry)
        self._registry.register(_Supervisor(gateway, hub))

    def render(self) -> tuple[bytes, str]:
        """The exposition text and its media type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def _observe(self, duration_s: float, late_s: float) -> None:
        self._duration.observe(duration_s)
        self._lateness.observe(late_s)

    def close(self) -> None:
        """Observe no more scans."""
        self._stats.observers.remove(self._observe)


class _Supervisor(Collector):
    def __init__(self, gateway: Gateway, hub: Hub) -> None:
        self._gateway = gateway
        self._hub = hub

    def collect(self) -> Iterator[Metric]:
        """Every family but the histograms, as it is now."""
        yield CounterMetricFamily("biovisor_scans", "Scans completed.", self._gateway.stats.scans)
        first = self._gateway.stats.first_scan_s
        yield GaugeMetricFamily(
            "biovisor_first_scan_seconds", "From the start of the process to its first scan.", first
        )
        yield CounterMetricFamily("biovisor_scan_overruns", "Scans that were missed.", self._gateway.stats.overruns)
        yield GaugeMetricFamily("biovisor_stream_clients", "Open live streams.", self._hub.clients)
        yield self._samples()
        yield self._connections()
        yield from self._store()

    def _samples(self) -> Metric:
        samples = CounterMetricFamily("biovisor_samples", "Samples used by scans.", labels=("connection", "quality"))
        for (connection, quality), count in self._gateway.publisher.samples().items():
            samples.add_metric((connection, QUALITIES[quality]), count)
        return samples

    def _connections(self) -> Metric:
        up = GaugeMetricFamily("biovisor_connection_up", "1 while the instrument answers.", labels=("connection",))
        tick = self._gateway.publisher.latest
        connections = tick.state.get("connections", []) if tick is not None else []
        for connection in connections if isinstance(connections, list) else []:
            if isinstance(connection, dict):
                up.add_metric((str(connection["name"]),), float(str(connection["state"]).lower() == "up"))
        return up

    def _store(self) -> Iterator[Metric]:
        health = self._gateway.store.health()
        yield GaugeMetricFamily("biovisor_store_up", "1 while the record can be written.", float(health.ok))
        yield CounterMetricFamily("biovisor_journal_commits", "Transactions made durable.", health.commits)
        yield CounterMetricFamily("biovisor_journal_entries", "Journal rows made durable.", health.entries)
        yield CounterMetricFamily("biovisor_history_rows", "Scans made durable.", health.rows)
        yield CounterMetricFamily(
            "biovisor_store_failures", "Transactions that failed and were repeated.", health.failures
        )
        yield CounterMetricFamily("biovisor_history_rows_dropped", "Scans given up.", health.dropped_rows)
        yield GaugeMetricFamily("biovisor_store_waiting_rows", "Scans waiting for the disk.", health.waiting_rows)
