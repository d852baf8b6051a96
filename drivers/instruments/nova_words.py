"""The words of the FLEX2: what each result is called on the instrument, and in which unit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from drivers.contract import BadAddress, Point

TOP = "OPCSystemObjects"
RESULTS = (TOP, "HistoricalSampleResults")
COMMANDS = "OPCSystemCommands"
UPTIME = (TOP, "CoreHeartbeat", "UpTime")
ANALYZER_ID = (TOP, "Settings", "AnalyzerID")
SAMPLE_TIME, MODIFIED_TIME = (*RESULTS, "SampleTime"), (*RESULTS, "ModifiedTime")
SAMPLE_ID = (*RESULTS, "StartTags", "SampleInformation", "SampleID")
START, SAMPLE = "start", "sample"


class Analyte(NamedTuple):
    """A branch of the result tree, and the unit the instrument must give, "" where the spelling is not known."""

    branch: tuple[str, ...]
    unit: str = ""


ANALYTES: Mapping[str, Analyte] = {
    "ph": Analyte(("Gas", "pH")),
    "pco2": Analyte(("Gas", "pCO2"), "mmHg"),
    "po2": Analyte(("Gas", "pO2"), "mmHg"),
    "sodium": Analyte(("Chem", "Na"), "mmol/L"),
    "potassium": Analyte(("Chem", "K"), "mmol/L"),
    "calcium": Analyte(("Chem", "Ca"), "mmol/L"),
    "ammonium": Analyte(("Chem", "NH4"), "mmol/L"),
    "glutamine": Analyte(("Chem", "Gln"), "mmol/L"),
    "glutamate": Analyte(("Chem", "Glu"), "mmol/L"),
    "glucose": Analyte(("Chem", "Gluc"), "g/L"),
    "lactate": Analyte(("Chem", "Lac"), "g/L"),
    "osmolality": Analyte(("Osmo",), "mOsm/kg"),
    "total_density": Analyte(("CellDensity", "TotalDensity")),
    "viable_density": Analyte(("CellDensity", "ViableDensity")),
    "viability": Analyte(("CellDensity", "Viability")),
    "diameter": Analyte(("CellDensity", "AvgLiveDiameter")),
    "bicarbonate": Analyte(("CalculatedResults", "HCO3")),
    "o2_saturation": Analyte(("CalculatedResults", "O2Saturation")),
    "co2_saturation": Analyte(("CalculatedResults", "CO2Saturation")),
    "ph_corrected": Analyte(("CalculatedResults", "pHCorrected")),
    "pco2_corrected": Analyte(("CalculatedResults", "pCO2Corrected"), "mmHg"),
    "po2_corrected": Analyte(("CalculatedResults", "pO2Corrected"), "mmHg"),
}
WORDS = (START, SAMPLE, *ANALYTES)


class Word(NamedTuple):
    """A point's vessel and what of it."""

    vessel: str
    name: str


def word_of(point: Point) -> Word:
    """What a point's address means. Raises :class:`BadAddress`."""
    vessel, _, name = point.address.rpartition(".")
    if not vessel or name not in WORDS:
        raise BadAddress(f"{point.key}: {point.address!r} is not <vessel>.{{{'|'.join(WORDS)}}}")
    return Word(vessel, name)


def nodes_of(name: str) -> tuple[tuple[str, ...], ...]:
    """The paths of a result, of its unit and of its error."""
    branch = (*RESULTS, *ANALYTES[name].branch)
    return tuple((*branch, leaf) for leaf in ("Result", "Units", "ErrorStatus"))


def split(sample: str) -> tuple[str, int]:
    """Vessel and number of a sample called ``<vessel>-<number>``; "" and 0 when it is not one of ours."""
    match = re.fullmatch(r"(.+)-(\d{1,10})", sample)
    return (match[1], int(match[2])) if match else ("", 0)
