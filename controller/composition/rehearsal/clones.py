"""One vessel of a site, as often as there are donors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.config.load import LoadedSite

APART = "/"
"""Between a connection's name and the vessel that the copy is for."""
REPRESENTATIVE = "tc_m"
"""The model of a vessel that names none."""


def cloned(loaded: LoadedSite, vessel: str, names: Sequence[str]) -> LoadedSite:
    """A site of vessels like ``vessel``, one for each name, each with instruments of its own."""
    config, original = loaded.config, loaded.config.vessels[vessel]
    connections, vessels = {}, {}
    for name in names:
        copies = {role: f"{connection}{APART}{name}" for role, connection in original.instruments.items()}
        for role, copy in copies.items():
            connections[copy] = config.connections[original.instruments[role]]
        vessels[name] = original.model_copy(update={"title": name, "instruments": copies})
    classes = dict.fromkeys(names, loaded.classes[vessel])
    calibrations = {
        (name, what): found for name in names for (owner, what), found in loaded.calibrations.items() if owner == vessel
    }
    renewed = config.model_copy(update={"connections": connections, "vessels": vessels})
    return loaded._replace(config=renewed, classes=classes, calibrations=calibrations)


def vessel_of(loaded: LoadedSite, vessel_class: str, culture: str | None = None) -> str:
    """The first vessel of a class, simulated with the model ``culture`` if given. Raises ``LookupError`` where there is
    none.
    """
    vessels = [name for name, kind in loaded.classes.items() if kind.vessel_class == vessel_class]
    for name in vessels:
        if culture in {None, model_of(loaded, name)}:
            return name
    site = loaded.config.site
    if vessels:
        models = ", ".join(f"{name} with {model_of(loaded, name)}" for name in vessels)
        raise LookupError(f"no {vessel_class} of the site {site} is simulated with {culture}; there are: {models}")
    known = sorted({kind.vessel_class for kind in loaded.classes.values()})
    raise LookupError(f"no vessel of the site {site} is a {vessel_class}; there are: {', '.join(known)}")


def model_of(loaded: LoadedSite, vessel: str) -> str:
    """The model with which a vessel's culture is simulated."""
    return str(loaded.config.vessels[vessel].simulation.get("model", REPRESENTATIVE))
