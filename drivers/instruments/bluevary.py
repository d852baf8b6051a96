"""BlueSens BlueVary off-gas analysers, Modbus RTU or TCP (addresses as a public logger's driver has them).

Every channel is a Modbus device of its own with its value in holding registers 0 and 1, the low word first. Points:
``co2`` (channel 1) and ``gas2`` (the second gas) in vol-%, ``humidity`` in %. Nothing is written. What identifies an
analyser is not known, so none can be told from another. A BlueVCount gas meter has another map: see generic_modbus.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from drivers.contract import (
    BadAddress,
    ConnectionSpec,
    DriverError,
    Identity,
    Malformed,
    Plan,
    Point,
    Quality,
    Reason,
    Refused,
    Sample,
    Timeout,
)
from drivers.modbus import READ_HOLDING, Ask
from drivers.modbus_driver import ModbusDriver
from drivers.modbus_plan import Item
from drivers.options import Options
from drivers.planning import Span
from drivers.registers import Form

VERIFIED_ON: tuple[str, ...] = ("its simulator, over RTU and TCP, which pymodbus reads alike",)

CHANNELS = {"co2": 2, "gas2": 3, "humidity": 4}
VALUE = Form("float32", "CDAB")
LOW, HIGH = -2.0, 102.0
"""All channels are in per cent; what is far outside is another map, or another order of words."""
LEAST = 1e-6
"""What is nearer to 0 without being 0 is no gas: words in another order make such numbers as often as huge ones."""


class BlueVary(ModbusDriver):
    """One analyser.

    Options: ``co2`` (2), ``gas2`` (3) and ``humidity`` (4), the Modbus addresses of the channels, 0 for one that is not
    there; and those of :class:`ModbusDriver`.
    """

    recognises: ClassVar[bool] = False

    def __init__(self, spec: ConnectionSpec) -> None:
        options = Options(spec)
        super().__init__(spec, options, baudrate=19200, stopbits=1, parity="N")
        units = {name: options.integer(name, unit, 0, 247) for name, unit in CHANNELS.items()}
        self._units = {name: unit for name, unit in units.items() if unit}
        options.end()
        if not self._units or len(set(self._units.values())) < len(self._units):
            raise ValueError(f"connection {spec.name!r}: every channel needs an address of its own")

    async def identify(self) -> Identity:
        """Whether any channel answers. Raises DriverError if none does."""
        failure: DriverError = Timeout("no channel answers")
        for unit in self._units.values():
            try:
                await self.probe(unit)
            except (Timeout, Malformed) as error:
                failure = error
            else:
                return Identity("BlueSens", "BlueVary")
        raise failure

    async def probe(self, unit: int) -> None:
        """Half of the value: no measurement is that short."""
        try:
            await self.line.ask(Ask(unit, READ_HOLDING, 0, 1))
        except Refused:
            return

    async def read(self, plan: Plan) -> Sequence[Sample]:
        """As every Modbus driver does; what no gas can be is Bad."""
        return [_credible(sample) for sample in await super().read(plan)]

    def writing(self, point: Point, item: Item, value: float) -> Ask:
        """Nothing."""
        raise ValueError("read only")

    def item(self, point: Point) -> Item:
        """The value of a channel."""
        unit = self._units.get(point.address)
        if unit is None:
            raise BadAddress(f"{point.key}: {point.address!r} is not one of {', '.join(self._units)}")
        return Item(Span(unit, 0, VALUE.length, exact=True, table=READ_HOLDING), VALUE)


def _credible(sample: Sample) -> Sample:
    if sample.quality is Quality.BAD or (LOW <= sample.value <= HIGH and not 0.0 < abs(sample.value) < LEAST):
        return sample
    return Sample(math.nan, Quality.BAD, Reason.DEVICE, 0, None, f"{sample.value:g} % cannot be")
