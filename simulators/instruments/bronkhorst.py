"""Bronkhorst EL-FLOW mass-flow controllers on one line: ProPar, text and binary, each answered as it was asked.

Source: manual 9.17.027 and the parameter list of the vendor's Python package. Settings: `nodes`, an object of node
address to the settings of the instrument with it ({"3": {}}): `capacity` (500), `unit` (mln/min), `serial`,
`control_mode` (0), `analog` (the share of its capacity that its analog input asks for, 0), `alarm` (bits),
`temperature` (23.5 Cel), `without` (list of parameters it does not have, such as "33/7"). Signals: `flow` and
`setpoint` of the first node, `flow.4` and `setpoint.4` of another; alone, the flow follows the setpoint with a lag.
"""

from __future__ import annotations

from simulators.byte_server import ByteServer
from simulators.faults import SERIAL_FAULTS, Fault
from simulators.instrument import Context
from simulators.instruments.bronkhorst_meter import instruments_of
from simulators.propar import Frames, Message, carry_out, decode, encode

FAULTS = SERIAL_FAULTS | {Fault.WRONG_UNIT}
LOCAL = 128


async def run(context: Context) -> None:
    """Be the instruments of one line until cancelled."""
    instruments = instruments_of(context, "3")

    def answer(frame: bytes) -> bytes | None:
        """The reply to one message."""
        message = decode(frame)
        for instrument in instruments if message is not None else ():
            if message is not None and message.node in {instrument.node, LOCAL}:
                instrument.other_unit = context.faults.active(Fault.WRONG_UNIT) is not None
                instrument.step()
                data = carry_out(message.data, instrument)
                instrument.step()
                return None if data is None else encode(Message(message.sequence, instrument.node, data))
        return None

    def power_up() -> None:
        """All of them."""
        for instrument in instruments:
            instrument.power_up()

    wire = ByteServer(context, Frames(), answer, readdress=_readdress)
    context.faults.on_reboot = power_up
    await wire.serve(context, "baudrate=38400")


def _readdress(reply: bytes, shift: int) -> bytes:
    """The same from another node."""
    message = decode(reply)
    return reply if message is None else encode(message._replace(node=message.node + shift))
