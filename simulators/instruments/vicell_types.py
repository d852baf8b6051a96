"""Data types of the Vi-CELL BLU's OPC UA model, as far as the simulator offers its methods.

Names follow the instrument's public client; where the sheet and the client differ (`SampleStatus`), the sheet is right.
Types depend on each other, so their order matters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asyncua import ua
from asyncua.common.node import Node
from asyncua.common.structures104 import load_custom_struct, load_enums, new_enum, new_struct, new_struct_field
from asyncua.server.server import Server

STRING, NUMBER, REAL = ua.VariantType.String, ua.VariantType.UInt32, ua.VariantType.Double
TIME = ua.VariantType.DateTime

ENUMERATIONS: Mapping[str, Sequence[str]] = {
    "MethodResultEnum": ("Success", "Failure"),
    "ErrorLevelEnum": ("NoError", "Warning", "RequiresUserInteraction"),
    "LockStateEnum": ("Unlocked", "Locked"),
    "WashTypeEnum": ("NormalWash", "FastWash"),
    "ViCellStatusEnum": ("Idle", "ProcessingSample", "Pausing", "Paused", "Stopping", "Stopped", "Faulted"),
    "SampleStatusEnum": (
        "NotProcessed",
        "InProcessAspirating",
        "InProcessMixing",
        "InProcessImageAcquisition",
        "InProcessCleaning",
        "AcquisitionComplete",
        "Completed",
        "SkipManual",
        "SkipError",
    ),
}

RESULT: Mapping[str, ua.VariantType | str] = {
    "MethodResult": "MethodResultEnum",
    "ResponseDescription": STRING,
    "ErrorLevel": "ErrorLevelEnum",
}

STRUCTURES: Mapping[str, Mapping[str, ua.VariantType | str]] = {
    "SamplePosition": {"Row": STRING, "Column": NUMBER},
    "CellType": {"CellTypeName": STRING},
    "QualityControl": {"QualityControlName": STRING},
    "SampleConfig": {
        "SampleName": STRING,
        "SamplePosition": "SamplePosition",
        "Tag": STRING,
        "Dilution": NUMBER,
        "CellType": "CellType",
        "QualityControl": "QualityControl",
        "SaveEveryNthImage": NUMBER,
        "WashType": "WashTypeEnum",
    },
    "SampleResult": {
        "SampleDataUuid": STRING,
        "SampleId": STRING,
        "SampleStatus": "SampleStatusEnum",
        "Position": "SamplePosition",
        "Tag": STRING,
        "Dilution": NUMBER,
        "WashType": "WashTypeEnum",
        "CellType": STRING,
        "QualityControlName": STRING,
        "CellCount": NUMBER,
        "ViableCells": NUMBER,
        "TotalCellsPerMilliliter": REAL,
        "ViableCellsPerMilliliter": REAL,
        "ViabilityPercent": REAL,
        "AverageDiameter": REAL,
        "AverageViableDiameter": REAL,
        "AverageCircularity": REAL,
        "AverageViableCircularity": REAL,
        "AnalysisDateTime": TIME,
        "AnalysisBy": STRING,
    },
    "VcbResult": RESULT,
    "VcbResultRequestLock": {**RESULT, "LockState": "LockStateEnum"},
    "VcbResultReleaseLock": {**RESULT, "LockState": "LockStateEnum"},
    "VcbResultGetSampleResults": {**RESULT, "SampleResults": "SampleResult[]"},
    "VcbResultGetCellTypes": {**RESULT, "CellTypes": "CellType[]"},
}
"""Fields by structure: a built-in type, or the name of another type (with `[]` for an array)."""


async def add_types(server: Server, namespace: int) -> dict[str, Node]:
    """Create every type on the server and its Python class in :mod:`asyncua.ua`; gives the type nodes by name."""
    nodes: dict[str, Node] = {}
    for name, members in ENUMERATIONS.items():
        nodes[name] = await new_enum(server, namespace, name, list(members))
    await load_enums(server)
    for name, members_by_name in STRUCTURES.items():
        fields = [_field(member, kind, nodes) for member, kind in members_by_name.items()]
        nodes[name], _ = await new_struct(server, namespace, name, fields)
        await load_custom_struct(nodes[name])
    return nodes


def _field(name: str, kind: ua.VariantType | str, nodes: Mapping[str, Node]) -> ua.StructureField:
    if isinstance(kind, ua.VariantType):
        return new_struct_field(name, kind)
    return new_struct_field(name, nodes[kind.removesuffix("[]")], array=kind.endswith("[]"))
