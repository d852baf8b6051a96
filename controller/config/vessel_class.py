"""The model of a vessel class file: what a kind of vessel can do, and what it must never do.

Attributes are the YAML keys (``from`` is ``from_``). What one object can't know alone is in
:mod:`controller.config.crosscheck`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controller.config.calculated_class import Calculated
from controller.config.guard_class import Alarm, Interlock
from controller.config.loop_class import Loop
from controller.config.mixer_class import GasMixer
from controller.config.quantity import Identifier, Name, StrictModel, Text, Version, empty_dict
from controller.config.tag_class import Measurement, Output, VolumeBand


class VesselClassConfig(StrictModel):
    """A vessel class file. Mappings are by name; ``instruments`` are the roles that a vessel of this class fills."""

    placeholders: ClassVar[Mapping[str, Any]] = {
        "vessel_class": "unknown",
        "version": "0.0.0",
        "title": "unknown",
        "working_volume": {"low": "0 L", "high": "1 L"},
        "instruments": ["unknown"],
        "measurements": {},
    }

    vessel_class: Identifier
    version: Version
    title: Text
    working_volume: VolumeBand
    instruments: Annotated[list[Name], Field(min_length=1)]
    measurements: dict[Name, Measurement]
    calculated: dict[Name, Calculated] = Field(default_factory=empty_dict)
    outputs: dict[Name, Output] = Field(default_factory=empty_dict)
    loops: dict[Name, Loop] = Field(default_factory=empty_dict)
    gas_mixers: dict[Name, GasMixer] = Field(default_factory=empty_dict)
    interlocks: dict[Name, Interlock] = Field(default_factory=empty_dict)
    alarms: dict[Name, Alarm] = Field(default_factory=empty_dict)

    def unit(self, tag: str) -> str | None:
        """The unit of a measurement, calculated tag or output; ``None`` when there is none of that name."""
        entry = self.measurements.get(tag) or self.calculated.get(tag) or self.outputs.get(tag)
        return entry.unit if entry else None
