"""The operator's page: ES modules and style sheets served as they are, third-party modules copied at build time."""

from __future__ import annotations

from pathlib import Path

STATIC = Path(__file__).parent / "static"
"""The folder that the HTTP server publishes as the page."""
