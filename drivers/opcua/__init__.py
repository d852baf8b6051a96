"""OPC UA as client: sessions, security and trust, values of nodes. Drivers of OPC UA instruments build on it."""

from drivers.opcua.client import OpcUaClient, as_driver_errors
from drivers.opcua.points import Pulse, Reading, reading, sample, send
from drivers.opcua.settings import OpcUaSettings, read_settings
from drivers.opcua.slow import SlowOptions, SlowReader, slow_addresses
from drivers.opcua.tree import Tree

__all__ = [
    "OpcUaClient",
    "OpcUaSettings",
    "Pulse",
    "Reading",
    "SlowOptions",
    "SlowReader",
    "Tree",
    "as_driver_errors",
    "read_settings",
    "reading",
    "sample",
    "send",
    "slow_addresses",
]
