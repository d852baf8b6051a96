"""Reading a driver's own options: a mistake becomes a ``ValueError`` that says which option, and what is allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from drivers.contract import ConnectionSpec


class Options:
    """The options of one connection. Each is taken once; :meth:`end` refuses what nobody took."""

    def __init__(self, spec: ConnectionSpec) -> None:
        self._name = spec.name
        self._left = dict(spec.options)

    def text(self, key: str, default: str = "") -> str:
        """A text option. Raises ``ValueError`` when it is something else."""
        value = self._left.pop(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, value, "a text")
        return value

    def texts(self, key: str, default: Sequence[str] = ()) -> tuple[str, ...]:
        """A list of different texts, none of them empty. Raises ``ValueError``."""
        value = self._left.pop(key, list(default))
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise self._wrong(key, value, "a list of texts")
        if len(set(value)) != len(value):
            raise self._wrong(key, value, "a list without repetition")
        return tuple(value)

    def choice(self, key: str, default: str, allowed: Sequence[str]) -> str:
        """One of some texts. Raises ``ValueError``."""
        value = self._left.pop(key, default)
        if not isinstance(value, str) or value not in allowed:
            raise self._wrong(key, value, f"one of {', '.join(allowed)}")
        return value

    def choices(self, key: str, default: Sequence[str], allowed: Sequence[str]) -> tuple[str, ...]:
        """A list of different ones of some texts, at least one. Raises ``ValueError``."""
        value = self._left.pop(key, list(default))
        if not isinstance(value, list) or not value or any(one not in allowed for one in value):
            raise self._wrong(key, value, f"a list of {', '.join(allowed)}")
        if len(set(value)) != len(value):
            raise self._wrong(key, value, "a list without repetition")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        """True or false. Raises ``ValueError``."""
        value = self._left.pop(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def integer(self, key: str, default: int, low: int, high: int) -> int:
        """A whole number within ``low..high``. Raises ``ValueError``."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._wrong(key, value, f"a whole number from {low} to {high}")
        return value

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """A finite number within ``low..high``. Raises ``ValueError``."""
        value = self._left.pop(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._wrong(key, value, f"a number from {low} to {high}")
        if not low <= value <= high:
            raise self._wrong(key, value, f"a number from {low} to {high}")
        return float(value)

    def integers(self, key: str, default: Iterable[int], low: int, high: int) -> tuple[int, ...]:
        """A whole number, or a list of different ones, within ``low..high``, at least one. Raises ``ValueError``."""
        value = self._left.pop(key, list(default))
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value]
        wanted = f"a list of different whole numbers from {low} to {high}"
        if not isinstance(value, list) or not value or len(set(map(str, value))) != len(value):
            raise self._wrong(key, value, wanted)
        numbers = [number for number in value if isinstance(number, int) and not isinstance(number, bool)]
        if len(numbers) != len(value) or not all(low <= number <= high for number in numbers):
            raise self._wrong(key, value, wanted)
        return tuple(numbers)

    def end(self) -> None:
        """Raises ``ValueError`` when options are left that this driver does not know."""
        if self._left:
            unknown = ", ".join(sorted(self._left))
            raise ValueError(f"connection {self._name!r}: this driver has no option {unknown}")

    def _wrong(self, key: str, value: object, wanted: str) -> ValueError:
        return ValueError(f"connection {self._name!r}: option {key!r} must be {wanted}, not {value!r}")
