"""What the world sees of a scan: an immutable tick, replaced atomically, and its encoding for the live stream."""

from controller.publish.publisher import Publisher, Tick, column_key

__all__ = ["Publisher", "Tick", "column_key"]
