"""Puts results, styles, the script and the chart library into one page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from string import Template

import orjson

from controller.commands import Json

HERE = Path(__file__).parent
STATIC = Path(__file__).parents[3] / "page" / "static"
CHARTS, FORMS = STATIC / "vendor", STATIC / "js" / "format.js"


def unbuilt() -> str:
    """Why no report can be made, in words; "" where it can."""
    missing = [name for name in ("uplot.js", "uplot.css") if not (CHARTS / name).is_file()]
    return f"the page's chart library is missing ({CHARTS / missing[0]}); run `make setup`" if missing else ""


def report_html(
    told: Mapping[str, Json], forecast: Mapping[str, Json], table: tuple[list[str], list[list[Json]]]
) -> str:
    """The page as text. Raises ``OSError`` where the operator's page was not built yet: its charts are used."""
    head, rows = table
    data = orjson.dumps({"summary": told, "forecast": forecast, "donors": {"head": head, "rows": rows}}).decode()
    page = Template((HERE / "report.html").read_text(encoding="utf-8"))
    return page.substitute(
        # Inside a script element only its end tag could be taken for something else.
        data=data.replace("<", "\\u003c"),
        style=(HERE / "report.css").read_text(encoding="utf-8"),
        charts_style=(CHARTS / "uplot.css").read_text(encoding="utf-8"),
        script=(HERE / "report.js")
        .read_text(encoding="utf-8")
        .replace("uplot:charts", _module((CHARTS / "uplot.js").read_bytes()))
        .replace("page:format", _module(FORMS.read_bytes())),
    )


def _module(code: bytes) -> str:
    """A module as an address that holds it."""
    return "data:text/javascript;base64," + base64.b64encode(code).decode()
