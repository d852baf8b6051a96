"""The model of a site file: connections, vessels, and what is simulated in their place."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from controller.commands import Json
from controller.config.quantity import (
    AnyQuantity,
    Date,
    Identifier,
    Name,
    Options,
    Parsed,
    StrictModel,
    Text,
    Version,
    empty_dict,
    quantity,
    refuse,
    text_of,
)
from controller.config.url import UrlError, parse_url
from controller.units import Quantity


def _url(value: Any) -> str:
    text = text_of(value, "a URL", "opc.tcp://192.168.10.101:4840")
    try:
        parse_url(text)
    except UrlError as error:
        raise refuse(error.message, error.hint) from error
    return text


Url = Annotated[str, Parsed(_url, lambda: {"type": "string", "pattern": r"^(opc\.tcp|modbuss?|tcp|serial)://\S+$"})]
ScanPeriod = Annotated[Quantity, quantity("s", least=0.1)]


class Expected(StrictModel):
    """What an instrument must say of itself, as far as it is given."""

    vendor: Text | None = None
    model: Text | None = None
    serial: Text | None = None
    firmware: Text | None = None


class Connection(StrictModel):
    """One wire to one instrument. ``heartbeat`` is the point this program counts up after every scan, so that the
    instrument goes safe without it; ``expect`` keeps another instrument from being taken for this one; ``options`` are
    the driver's, ``simulation`` the simulator's.
    """

    driver: Name
    url: Url
    heartbeat: Text | None = None
    expect: Expected | None = None
    options: Options = Field(default_factory=empty_dict)
    simulation: Options = Field(default_factory=empty_dict)


class Calibration(StrictModel):
    """``tag = factor * instrument's number + offset``, as found on ``date``."""

    factor: AnyQuantity
    offset: AnyQuantity | None = None
    date: Date


class Vessel(StrictModel):
    """One vessel: its class file (relative to the site file), the connection that fills each of the class's roles,
    and calibrations by the name of the tag or of the measurement's ``calibration``.
    """

    title: Text
    class_: Text = Field(alias="class")
    instruments: dict[Name, Identifier]
    calibration: dict[Name, Calibration] = Field(default_factory=empty_dict)
    simulation: Options = Field(default_factory=empty_dict)


class SiteConfig(StrictModel):
    """A site file. Mappings are by name."""

    placeholders: ClassVar[Mapping[str, Any]] = {"site": "unknown", "version": "0.0.0", "title": "unknown"}

    site: Identifier
    version: Version
    title: Text
    scan_period: ScanPeriod = Quantity(1.0, "s")
    connections: Annotated[dict[Identifier, Connection], Field(min_length=1)]
    vessels: Annotated[dict[Identifier, Vessel], Field(min_length=1)]


def simulated_vessels(connection: Connection) -> list[Json]:
    """The vessels that a connection's simulation names under ``vessel`` or ``vessels``."""
    several = connection.simulation.get("vessels", [])
    one = connection.simulation.get("vessel")
    return [*(several if isinstance(several, list) else [several]), *([] if one is None else [one])]
