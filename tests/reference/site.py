"""Sites made for a test: several vessels of one class, each with instruments of its own."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from controller.config.load import load_site
from controller.model.build import build

ROOT = Path(__file__).parents[2]
CLASSES = ROOT / "configs/classes"


@cache
def site_of(name, count=1):
    """A site with ``count`` vessels V0, V1 … of the class ``name``, whose instruments are all PLCs."""
    text = (CLASSES / f"{name}.yaml").read_text()
    listed = next(line for line in text.splitlines() if line.startswith("instruments:"))
    instruments = [word.strip() for word in listed.partition("[")[2].partition("]")[0].split(",")]
    connections, vessels = [], []
    for vessel in range(count):
        bound = ", ".join(f"{instrument}: {instrument.replace('_', '-')}-{vessel}" for instrument in instruments)
        vessels.append(
            f"  V{vessel}: {{title: Vessel {vessel}, class: {CLASSES / name}.yaml, instruments: {{{bound}}}}}"
        )
        connections += [
            f"  {instrument.replace('_', '-')}-{vessel}: "
            f"{{driver: generic_plc, url: 'opc.tcp://10.0.{place}.{vessel + 1}:4840'}}"
            for place, instrument in enumerate(instruments)
        ]
    lines = ["site: made", "version: 1.0.0", "title: Made for a test", "scan_period: 1 s", "connections:", *connections,
             "vessels:", *vessels]  # fmt: skip
    with TemporaryDirectory() as directory:
        path = Path(directory) / "site.yaml"
        path.write_text("\n".join(lines))
        return build(load_site(path))
