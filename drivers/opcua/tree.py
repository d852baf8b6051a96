"""Nodes by the path of their browse names below Objects, whatever namespace a server has put them into."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from drivers.opcua.client import OpcUaClient
from drivers.opcua.points import MAX_NODES
from drivers.planning import portions

if TYPE_CHECKING:
    from asyncua import ua

Path: TypeAlias = tuple[str, ...]

OBJECTS, HIERARCHICAL = "i=85", "i=33"
OBJECTS_AND_VARIABLES = 3


class Tree:
    """What is known of one server's address space; folders are browsed once, many in one request.

    With a ``separator`` a browse name may also be the whole path up to the node, of which the last part counts. A name
    that two children share is no name: it could be either.
    """

    def __init__(self, wire: OpcUaClient, separator: str = "") -> None:
        from asyncua import ua

        self._wire = wire
        self._separator = separator
        self._known: dict[Path, ua.NodeId] = {(): ua.NodeId.from_string(OBJECTS)}
        self._browsed: set[Path] = set()

    async def find(self, paths: Iterable[Path]) -> dict[Path, ua.NodeId]:
        """The nodes of those paths that exist. Raises :class:`DriverError`."""
        wanted = set(paths)
        for depth in range(max(map(len, wanted), default=0)):
            parents = {path[:depth] for path in wanted if len(path) > depth and path not in self._known}
            await self._browse(sorted(path for path in parents - self._browsed if path in self._known))
        return {path: self._known[path] for path in wanted if path in self._known}

    def forget(self) -> None:
        """Browse again what is asked for next: a server may have got new nodes."""
        self._browsed.clear()

    async def _browse(self, folders: Sequence[Path]) -> None:
        for some in portions(folders, MAX_NODES):
            results = await self._wire.within("browsing", self._children([self._known[folder] for folder in some]))
            for folder, references in zip(some, results, strict=True):
                self._take(folder, references)
            self._browsed.update(some)

    def _take(self, folder: Path, references: Sequence[ua.ReferenceDescription]) -> None:
        found: dict[str, set[ua.NodeId]] = {}
        for reference in references:
            name = str(reference.BrowseName.Name)
            short = name.rpartition(self._separator)[2] if self._separator else name
            found.setdefault(short, set()).add(reference.NodeId)
        self._known.update({(*folder, name): nodes.pop() for name, nodes in found.items() if len(nodes) == 1})

    async def _children(self, nodes: Sequence[ua.NodeId]) -> list[list[ua.ReferenceDescription]]:
        from asyncua import ua

        client = self._wire.client.uaclient
        view = ua.BrowseParameters()
        view.RequestedMaxReferencesPerNode = 0
        for node in nodes:
            wanted = ua.BrowseDescription()
            wanted.NodeId = node
            wanted.BrowseDirection = ua.BrowseDirection.Forward
            wanted.ReferenceTypeId = ua.NodeId.from_string(HIERARCHICAL)
            wanted.IncludeSubtypes = True
            wanted.NodeClassMask = OBJECTS_AND_VARIABLES
            wanted.ResultMask = ua.BrowseResultMask.All
            view.NodesToBrowse.append(wanted)
        children = []
        for result in await client.browse(view):
            references, more = list(result.References or ()), result.ContinuationPoint
            while more:
                following = ua.BrowseNextParameters()
                following.ContinuationPoints = [more]
                (result,) = await client.browse_next(following)  # noqa: PLW2901 - the next part of the same
                references += result.References or ()
                more = result.ContinuationPoint
            children.append(references)
        return children
