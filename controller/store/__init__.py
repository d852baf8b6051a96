"""The one record: an append-only hash-chained journal, every scan, and the latest scan state, in one SQLite file."""

from controller.store.errors import StoreError, StoreTooNew, StoreUnavailable
from controller.store.store import Store

__all__ = ["Store", "StoreError", "StoreTooNew", "StoreUnavailable"]
