"""OPC UA servers for simulated instruments: loopback only, without encryption, never with an administrator.

Filling the standard address space (some 7000 nodes) takes over a second of processor time. It is done once, before
the instruments' processes are forked; each of them inherits the finished server and adds its own nodes in
milliseconds.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from asyncua import ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_server import InternalServer
from asyncua.server.server import Server
from asyncua.server.user_managers import UserManager
from asyncua.ua.attribute_ids import AttributeIds

from simulators.faults import Faults
from simulators.tcp_tap import TcpTap
from simulators.wall import utc_now

MAX_CONNECTIONS = 10
"""Sessions of the small controllers that are simulated here."""


class OneUser(UserManager):
    """Lets in whoever knows the one name and password, or everybody when there is none; never as administrator."""

    def __init__(self, name: str = "", password: str = "") -> None:
        self._name = name
        self._password = password

    def get_user(
        self,
        iserver: InternalServer,
        username: str | None = None,
        password: str | None = None,
        certificate: object = None,
    ) -> User | None:
        """The user of a session that is being opened, or None to refuse it."""
        if self._name and (username, password) != (self._name, self._password):
            return None
        return User(role=UserRole.User, name=username)


def warm_server() -> Server:
    """A server whose standard address space is complete. To be called before forking, outside any event loop."""
    logging.getLogger("asyncua").setLevel(logging.ERROR)  # it warns of the missing encryption at every start
    gc.disable()  # some 10**6 objects are built that all stay: collecting in between costs a third of the time
    server = Server()
    asyncio.run(server.init())
    gc.freeze()  # kept out of later collections, so that the forked processes go on sharing their memory
    gc.enable()
    return server


@asynccontextmanager
async def serving(
    server: Server, path: str, users: OneUser, faults: Faults, *, login: bool, port: int | None = None
) -> AsyncIterator[str]:
    """Serve until the block is left; gives the URL, at `port` or a free one. With `login` a session needs name
    and password.

    Leaving ends the connections, not the server behind them: its own stop takes a second, and the process ends anyway.
    """
    server.allow_remote_admin(False)
    server.iserver.user_manager = users
    server.iserver.max_connections = MAX_CONNECTIONS
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    server.set_identity_tokens([ua.UserNameIdentityToken if login else ua.AnonymousIdentityToken])
    server.set_endpoint(f"opc.tcp://127.0.0.1:0{path}")
    await server.start()
    if server.bserver is None:
        raise RuntimeError("the server has started without a listener")
    tap = TcpTap(server.bserver.port, faults, port or 0)
    await tap.open()
    try:
        yield f"opc.tcp://127.0.0.1:{tap.port}{path}"
    finally:
        await tap.close()


async def publish(server: Server, node: ua.NodeId, value: float | int | bool | str, kind: ua.VariantType) -> None:
    """Set a node's value as the instrument itself does it: status Good, times now."""
    now = cast("ua.DateTime", utc_now())
    data = ua.DataValue(ua.Variant(value, kind), ua.StatusCode(), now, now)
    await server.write_attribute_value(node, data)


def current(server: Server, node: ua.NodeId) -> object:
    """The value a node holds now, whoever wrote it; None when a client wrote an empty one."""
    value = server.iserver.aspace.read_attribute_value(node, AttributeIds.Value).Value
    return None if value is None else value.Value
