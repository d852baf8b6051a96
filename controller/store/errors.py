"""What can be wrong with the store, in words an operator understands."""

from __future__ import annotations


class StoreError(Exception):
    """Base of everything the store raises."""


class StoreUnavailable(StoreError):
    """Nothing can be made durable now: locked, full, broken or closed. The command it answers did not act."""


class StoreTooNew(StoreError):
    """The file was written by a newer version of this program, which is the one to open it with."""
