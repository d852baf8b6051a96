"""The instruments that can be simulated, by the name of their driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from simulators.instrument import Json

NOTHING: Mapping[str, Json] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Kind:
    """A module of :mod:`simulators.instruments`. `opcua`: it is an OPC UA server. `on_vessel`: it measures or drives a
    vessel and cannot stand alone; `usual` is then how its spec looks for one.
    """

    opcua: bool = False
    on_vessel: bool = False
    usual: Mapping[str, Json] = field(default_factory=lambda: NOTHING)


KINDS: Mapping[str, Kind] = {
    "alicat": Kind(),
    "atlas_ezo": Kind(),
    "bluevary": Kind(),
    "bronkhorst": Kind(),
    "bronkhorst_modbus": Kind(),
    "generic_modbus": Kind(),
    "generic_plc": Kind(opcua=True, on_vessel=True),
    "hamilton_arc": Kind(on_vessel=True, usual={"units": {"1": "ph", "2": "do"}}),
    "huber": Kind(),
    "ika": Kind(),
    "ismatec_reglo": Kind(),
    "julabo": Kind(),
    "lauda": Kind(),
    "masterflex_ls": Kind(),
    "mettler_toledo": Kind(),
    "new_era": Kind(),
    "nova_flex2": Kind(opcua=True),
    "vicell_blu": Kind(opcua=True, on_vessel=True, usual={"user": "biovisor", "password": "simulated"}),
    "watson_marlow": Kind(on_vessel=True, usual={"pump": "feed"}),
}
