"""A Bronkhorst EL-FLOW mass-flow controller, whichever way it is spoken to: its parameters by process and number.

Source: manual 9.17.027 and the parameter list of the vendor's Python package.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.instrument import Context, Json, SpecError
from simulators.propar import Denied

LAG_S = 0.4
"""Time constant with which the flow follows."""
FULL_WORD = 32000
FULL_VALVE = 1 << 24
OPEN_SHARE = 1.2
"""Of the capacity, that flows through a valve which is fully open."""
PER_HOUR = 0.06
"""ln/h per mln/min: the other unit."""


@dataclass(slots=True)
class Meter:
    """What flows, as a share of the capacity, and how much has flowed, in minutes of full flow."""

    clock: Callable[[], float]
    share: float = 0.0
    total_min: float = 0.0
    at: float = math.nan

    def follow(self, target: float) -> None:
        """Go on to now, `target` having been asked for since the last call."""
        now = self.clock()
        if not math.isnan(self.at):
            self.total_min += self.share * (now - self.at) / 60.0
            self.share += (target - self.share) * -math.expm1(-(now - self.at) / LAG_S)
        self.at = now


class Instrument:
    """One controller; `flow` measures in its unit, `drive` is told what it steers for."""

    def __init__(
        self,
        node: int,
        spec: Mapping[str, Json],
        meter: Meter,
        flow: Callable[[], float],
        drive: Callable[[float], None],
    ) -> None:
        self.node, self.capacity = node, float(str(spec.get("capacity", 500.0)))
        self._meter, self._flow, self._drive = meter, flow, drive
        self._unit, self._serial = str(spec.get("unit", "mln/min")), str(spec.get("serial", f"M2021{node:04d}A"))
        self._mode, self._alarm = int(str(spec.get("control_mode", 0))), int(str(spec.get("alarm", 0)))
        self._analog = float(str(spec.get("analog", 0.0)))
        self._temperature = float(str(spec.get("temperature", 23.5)))
        without = spec.get("without", [])
        self._without = without if isinstance(without, list) else []
        self._share, self._slope = 0.0, 0
        self.other_unit = False

    def power_up(self) -> None:
        """The setpoint is gone, the control mode is kept."""
        self._share = 0.0
        self.step()

    def step(self) -> None:
        """Go on to now."""
        target = self._target()
        self._drive(target * self.capacity)
        self._meter.follow(target)

    def get(self, process: int, number: int) -> bytes:
        """A parameter's value as it is sent. Raises :class:`Denied`."""
        place = f"{process}/{number}"
        found = self._numbers().get(place) or self._texts().get(place)
        if found is None or place in self._without:
            raise Denied(4 if process in {0, 1, 33, 104, 113, 114} else 3)
        return found

    def put(self, process: int, number: int, data: bytes) -> None:
        """Store a parameter. Raises :class:`Denied`."""
        match (process, number):
            case (1, 1):
                word = int.from_bytes(data)
                if word > FULL_WORD:
                    raise Denied(6)
                self._share = word / FULL_WORD
            case (33, 3):
                (asked,) = struct.unpack(">f", data)
                self._share = min(max(asked / (self.capacity * self._scale), 0.0), 1.0)
            case (1, 4):
                if data[0] > 24:
                    raise Denied(6)
                self._mode = data[0]
            case (1, 2):
                self._slope = int.from_bytes(data)
            case _:
                self.get(process, number)
                raise Denied(13)

    @property
    def _scale(self) -> float:
        return PER_HOUR if self.other_unit else 1.0

    def _target(self) -> float:
        """The share of the capacity that the control mode asks for."""
        others = {1: self._analog, 3: 0.0, 7: 1.0, 8: OPEN_SHARE, 12: 0.0}
        return self._share if self._mode in {0, 11, 18} else others.get(self._mode, self._meter.share)

    def _numbers(self) -> dict[str, bytes]:
        flow = self._flow()
        word = round(flow / self.capacity * FULL_WORD)
        return {
            "0/1": bytes([self.node]),
            "0/3": bytes([0]),
            "0/18": bytes([1]),
            "1/0": (word & 0xFFFF).to_bytes(2),
            "1/1": round(self._share * FULL_WORD).to_bytes(2),
            "1/2": self._slope.to_bytes(2),
            "1/3": round(self._analog * FULL_WORD).to_bytes(2),
            "1/4": bytes([self._mode]),
            "1/13": struct.pack(">f", self.capacity * self._scale),
            "1/16": bytes([0]),
            "1/20": bytes([self._alarm]),
            "33/0": struct.pack(">f", flow * self._scale),
            "33/3": struct.pack(">f", self._share * self.capacity * self._scale),
            "33/7": struct.pack(">f", self._temperature),
            "104/1": struct.pack(">f", self._meter.total_min * self.capacity),
            "114/1": round(min(max(flow / self.capacity / OPEN_SHARE, 0.0), 1.0) * (FULL_VALVE - 1)).to_bytes(4),
        }

    def _texts(self) -> dict[str, bytes]:
        unit = "ln/h" if self.other_unit else self._unit
        texts = {
            "0/0": f"7{self._serial}",
            "1/17": f"{'AIR':10}",
            "1/31": f"{unit:7}",
            "113/1": "DMFC",
            "113/2": "F-201CV-500-AAD-33-V",
            "113/3": self._serial,
            "113/5": "V1.21",
            "113/6": "USERTAG",
        }
        return {place: text.encode() for place, text in texts.items()}


def instruments_of(context: Context, usual: str) -> list[Instrument]:
    """Those that the setting `nodes` wants; without it one with the usual address."""
    nodes = context.spec.get("nodes", {usual: {}})
    if not isinstance(nodes, dict):
        raise SpecError(f'{context.name}: nodes must be an object, such as {{"{usual}": {{}}}}')
    return [_instrument(context, place, node, spec) for place, (node, spec) in enumerate(nodes.items())]


def _instrument(context: Context, place: int, node: str, spec: Json) -> Instrument:
    settings = spec if isinstance(spec, dict) else {}
    capacity = float(str(settings.get("capacity", 500.0)))
    meter = Meter(context.clock)
    suffix = f".{node}" if place else ""

    def alone() -> float:
        """What flows where nothing else says so."""
        return meter.share * capacity

    flow, drive = context.source(f"flow{suffix}", alone), context.sink(f"setpoint{suffix}")
    return Instrument(int(node), settings, meter, flow, drive)
