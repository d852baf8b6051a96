"""The recorder: hands every finished scan to the store, the page and the simulated hands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from controller.commands import Json

if TYPE_CHECKING:
    from controller.composition.hands import Hands
    from controller.composition.read_back import ReadBacks
    from controller.publish import Publisher
    from controller.scan import Scan, ScanResult
    from controller.store import Store


class ScanRecorder:
    """What happens to a scan after its writes are handed over. Waits for nobody.

    ``beside`` gives what the scan does not know, by its name in the live JSON; ``kept`` is what a restart compares: the
    hash of the configuration, and the calibrations.
    """

    def __init__(
        self,
        scan: Scan,
        store: Store,
        publisher: Publisher,
        read_backs: ReadBacks,
        hands: Hands,
        beside: Mapping[str, Callable[[], Json]],
        kept: Mapping[str, Json],
    ) -> None:
        self._scan = scan
        self._store = store
        self._publisher = publisher
        self._read_backs = read_backs
        self._hands = hands
        self._beside = beside
        self._kept = kept

    def scanned(self, result: ScanResult, utc: float, process_s: float) -> None:
        """Record and publish one scan."""
        view = self._scan.view()
        self._store.append(result.events)
        self._store.record(utc, view.value, view.quality)
        self.checkpoint(utc, process_s, clean=False)
        self._hands.notice(result.events)
        state: dict[str, Json] = {
            "vessels": [*view.vessels],
            "batches": [*view.batches],
            "alarms": [*view.alarms],
            **{name: told() for name, told in self._beside.items()},
        }
        arrays = (view.value, view.quality, view.reason, view.age)
        self._publisher.publish(utc, process_s, *arrays, state, view.why.loop)
        self._read_backs.scanned(result, utc)

    def checkpoint(self, utc: float, process_s: float, *, clean: bool) -> None:
        """Store the state that a restart continues from; ``clean`` marks an orderly stop."""
        state: dict[str, Json] = {**self._kept, "clean": clean, "scan": self._scan.state()}
        self._store.checkpoint(state, process_s, utc)
