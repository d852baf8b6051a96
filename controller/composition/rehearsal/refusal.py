"""What a site asks of its instruments and the plant in process has not, told with the place in the site file."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from controller.config.problems import Path, Problems
from controller.config.source import read_document


class Unrehearsed(ValueError):
    """Something that the plant in process has not; ``path`` is the key in the connection that asks for it."""

    def __init__(self, path: Path, message: str, hint: str = "") -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.path, self.message, self.hint = path, message, hint


class Complaint(NamedTuple):
    """What one connection of a site asks for in vain."""

    connection: str
    why: Unrehearsed


class NotInProcess(ValueError):
    """A site that cannot be rehearsed, with everything that keeps it from that."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(f"{one.connection}: {one.why}" for one in complaints))
        self.complaints = complaints


@contextlib.contextmanager
def placed(site: pathlib.Path) -> Iterator[None]:
    """Turns :class:`NotInProcess` into :class:`Problems` with their lines in the site file."""
    try:
        yield
    except NotInProcess as refused:
        document = read_document(site)
        raise Problems(
            [
                document.problem(("connections", name, *why.path), why.message, why.hint)
                for name, why in refused.complaints
            ]
        ) from refused
