"""What the figures were measured on."""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = ("numpy", "scipy", "simple-pid", "numba", "pymodbus", "asyncua")


def version(package):
    """The installed version, "missing" without one."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "missing"


def processor():
    """What the processor calls itself."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def load():
    """The load average of the last minute, per core."""
    return os.getloadavg()[0] / (os.cpu_count() or 1)


def described():
    """Versions, processor and load, in one line each."""
    versions = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return [
        f"Python {platform.python_version()}, {versions}",
        f"{processor()}, {os.cpu_count()} cores, {sys.platform}",
        f"load per core {load():.2f}",
    ]
