"""A culture from a model of one: its state, what it lives through, and what is mixed into it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, Generic, Protocol, cast

from simulators.biology.culture import (
    Concentrations,
    Environment,
    Exchange,
    Inflow,
    Signals,
    State,
    Validity,
    runge_kutta,
)
from simulators.numeric import Real, Truth, filled, maximum, positive, where
from simulators.parameters import outside
from simulators.physics.mass import mixed

FRESH_VIABILITY = 0.95
TINY = 1e-300
TRUTH = (
    "vcd", "viability", "dead_density", "glucose", "glutamine", "lactate", "ammonia", "acetate", "biomass", "product",
)  # fmt: skip


class Kinetics(Protocol[Real]):
    """A model: equations with their parameters, nothing that changes.

    The first variables of a state are concentrations, those of :attr:`basal`: they are mixed and never negative. What
    follows them, such as an age, belongs to the cells and is neither.
    """

    interval_s: ClassVar[float]
    """Process seconds of one step, at most."""
    basal: ClassVar[Concentrations]
    """Fresh medium: the concentrations."""
    signals: ClassVar[Signals]
    valid: ClassVar[Validity]
    fed: ClassVar[tuple[str, ...]]
    """What is in the feed medium, by signals."""

    @property
    def feed(self) -> Concentrations:
        """How much of it, in the order of :attr:`fed` and in the state's units."""
        ...

    def fresh(self) -> State[Real]:
        """Medium without cells, in every vessel."""
        ...

    def slope(self, state: State[Real], here: Environment[Real], inflow: Inflow[Real]) -> State[Real]:
        """Time derivatives of a state, per hour."""
        ...

    def exchange(self, state: State[Real], here: Environment[Real]) -> Exchange[Real]:
        """What a state exchanges with the liquid."""
        ...


def fed_with(model: Kinetics[Real], feed: Mapping[str, float]) -> Kinetics[Real]:
    """The model with another feed, in mM by signals; what is not named stays as it is."""
    both = zip(model.fed, model.feed, strict=True)
    given = tuple(feed[name] * model.signals[name][1] if name in feed else usual for name, usual in both)
    changed: Kinetics[Real] = replace(cast("Any", model), feed=given)  # each model is a dataclass
    return changed


class Suspension(Generic[Real]):
    """Cells in a well-mixed liquid, as a model says; a :class:`simulators.biology.culture.Culture`."""

    state: State[Real]
    _model: Kinetics[Real]

    def __init__(self, model: Kinetics[Real]) -> None:
        """Fresh medium without cells."""
        self._model = model
        self.state = model.fresh()

    @property
    def interval_s(self) -> float:
        """Process seconds between two advances, at most."""
        return self._model.interval_s

    def advance(self, hours: float, here: Environment[Real], inflow: Inflow[Real]) -> Exchange[Real]:
        """Live for `hours`, by one step of the integrator; concentrations are kept from falling below 0."""
        model = self._model
        if hours > 0.0:
            new = runge_kutta(lambda state: model.slope(self._held(state), here, inflow), self.state, hours)
            self.state = self._held(new)
        return model.exchange(self.state, here)

    def inoculate(self, density: Real, share: Real, viability: Real) -> None:
        """Mix in cells in fresh medium; the dead count only where the model knows them."""
        signals = self._model.signals
        added = [filled(density, value) for value in self._model.basal]
        place, unit = signals["vcd"]
        added[place] = density * unit
        if "dead_density" in signals:
            place, unit = signals["dead_density"]
            added[place] = density * (1.0 - viability) / viability * unit
        self._mix(tuple(added), share)

    def dilute(self, share: Real) -> None:
        """Mix in fresh medium."""
        self._mix(tuple(filled(share, value) for value in self._model.basal), share)

    def set(self, name: str, value: Real) -> bool:
        """Set a state variable by its signal name; False when the model has none of that name.

        Cells set where none were are fresh: 95 % viable. An age may always be set; some models have no use for it.
        """
        signals = self._model.signals
        if name not in signals:
            return name == "culture_age_h"
        state = list(self.state)
        if name == "vcd" and "dead_density" in signals:
            dead = signals["dead_density"][0]
            none = (state[signals["vcd"][0]] == 0.0) & (state[dead] == 0.0)
            state[dead] = where(none, value * ((1.0 - FRESH_VIABILITY) / FRESH_VIABILITY), state[dead])
        place, unit = signals[name]
        state[place] = value * unit
        self.state = tuple(state)
        return True

    def truth(self) -> dict[str, Real]:
        """Densities and concentrations by signal name; what the model does not know is 0."""
        none = filled(self.state[0], 0.0)
        signals = self._model.signals
        known = {name: self.state[signals[name][0]] / signals[name][1] if name in signals else none for name in TRUTH}
        viable = known["vcd"]
        known["viability"] = 100.0 * (viable / maximum(viable + known["dead_density"], TINY))
        return known

    def outside(self, here: Environment[Real]) -> dict[str, Truth]:
        """For each quantity on which the model's validity depends, whether it is beyond what the model knows."""
        now = {**self.truth(), "temperature": here.temperature, "ph": here.ph}
        return {name: outside(now[name], span) for name, span in self._model.valid.items()}

    def _held(self, state: State[Real]) -> State[Real]:
        """No concentration below 0, also within a step: half-saturations have poles there."""
        count = len(self._model.basal)
        return positive(state[:count]) + state[count:]

    def _mix(self, added: State[Real], share: Real) -> None:
        kept, count = 1.0 - share, len(self._model.basal)
        both = zip(self.state[:count], added, strict=True)
        self.state = tuple(mixed(old, kept, new, share) for old, new in both) + self.state[count:]
