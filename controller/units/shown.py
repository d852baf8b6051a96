"""Units as people read them. The operator's page has the same forms in ``format.js``."""

from __future__ import annotations

import re
from collections.abc import Mapping

SHOWN: Mapping[str, str] = {
    "Cel": "°C",
    "[pH]": "pH",
    "{rev}/min": "rpm",
    "10*6/mL": "10⁶/mL",
    "mL/h/10*9": "mL/h/10⁹",
    "1": "",
    "{rev}": "rev",
}
_POWERS: Mapping[str, str] = {"10*6": "10⁶", "10*9": "10⁹"}
_IN_TEXT = re.compile(r"\{rev\}/min|10\*[69]|\[pH\]|\bCel\b|[{}]")


def unit_text(ucum: str) -> str:
    """A UCUM code as people write it: ``°C``, ``rpm``, ``10⁶/mL``; what has no other form stays as it is."""
    known = SHOWN.get(ucum)
    return in_text(ucum) if known is None else known


def in_text(text: str) -> str:
    """A text in which UCUM codes stand after their numbers."""
    return _IN_TEXT.sub(_form, text)


def _form(found: re.Match[str]) -> str:
    code = found[0]
    return "" if code in "{}" else SHOWN.get(code) or _POWERS[code]
