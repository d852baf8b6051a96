"""Build hook of the wheel: the page's third-party modules are carried in it, so they are fetched by lock file first.

Imported by the build backend only; ``pip install --editable`` leaves the page to ``make setup``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):
    """Builds ``static/vendor`` unless it is there already. Needs npm then."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make sure that the wheel is complete. Raises ``RuntimeError`` when npm is missing."""
        del build_data
        page = Path(self.root) / "controller" / "page"
        if version == "editable" or (page / "static" / "vendor" / "LICENCES.txt").exists():
            return
        npm = shutil.which("npm")
        if npm is None:
            raise RuntimeError(
                "the operator's page is built with npm: install it (Debian: apt install npm) and try again"
            )
        subprocess.run([npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=page, check=True)
        subprocess.run([sys.executable, "-m", "controller.page.build"], cwd=self.root, check=True)
