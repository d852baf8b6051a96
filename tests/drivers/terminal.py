"""A pseudo-terminal behind a path of its own.

The kernel gives the number of a closed terminal to the next one that is opened, by whatever process: who opens
``/dev/pts/7`` again after its end is gone may disturb another test. A path that goes with its terminal does not.
"""

from __future__ import annotations

import os
import tempfile
import termios
import tty
from pathlib import Path


class Terminal:
    """``master`` is the instrument's end, open until it is closed; the host opens ``path``."""

    def __init__(self) -> None:
        self.master, self._slave = os.openpty()
        tty.setraw(self._slave, termios.TCSANOW)
        self._room = tempfile.TemporaryDirectory(prefix="line-")
        link = Path(self._room.name) / "tty"
        link.symlink_to(os.ttyname(self._slave))
        self.path = str(link)

    def close(self) -> None:
        """Take the path away, then the terminal."""
        self._room.cleanup()
        os.close(self.master)
        os.close(self._slave)
