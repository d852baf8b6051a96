"""The recipe engine: every batch of the site, stepped once per scan.

It is pure: time and values come as arguments, what it wants goes out as proposals and events, and its state is data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from controller.commands import Command, Event, EventType, Json, Outcome, Verb
from controller.config.vessel_class import VesselClassConfig
from controller.recipe.batch import Batch
from controller.recipe.creation import Refusal, allocated, answer, inputs_of, make_batch, refuse_misfit
from controller.recipe.lifecycle import change_state, is_clocked, rests, step
from controller.recipe.reader import NothingRead, VesselReader
from controller.recipe.rest import AWAKE, Rest, Resting, SiteReader, Sleeper
from controller.recipe.restoring import NOT_REVIVED, RestoreError, after_outage, set_aside
from controller.recipe.run import Run, event
from controller.recipe.states import Action, State, allowed, is_final, target
from controller.recipe.view import OPEN, view

if TYPE_CHECKING:
    from controller.recipe.check import LoadedRecipe
    from controller.recipe.control import ControlRecipe


class Stepped(NamedTuple):
    """What one scan of the engine gave: commands for the door, and events for the record."""

    proposals: list[Command]
    events: list[Event]


@dataclass(slots=True, eq=False)
class _Slot(Sleeper):
    control: ControlRecipe = field(kw_only=True)


ACTIONS: Mapping[Verb, Action] = {Verb(f"batch.{action}"): action for action in Action}


class Engine:
    """Runs one batch per vessel. New batches are made from ``recipes``, by name; a batch keeps the recipe that it began
    with, and comes back after a restart with the one of its hash, from ``frozen`` or else from ``recipes``.
    """

    def __init__(
        self,
        recipes: Mapping[str, LoadedRecipe],
        vessels: Mapping[str, VesselClassConfig],
        frozen: Mapping[str, LoadedRecipe] | None = None,
    ) -> None:
        self._recipes = recipes
        self._vessels = vessels
        self._frozen = {} if frozen is None else frozen
        self._aside: list[Json] = []
        self._fit: tuple[object, object, object] = (None, None, None)
        self._slots: dict[str, _Slot] = {}
        self._by_vessel: dict[str, _Slot] = {}
        self._resting, self._events = Resting(), list[Event]()
        self._reader: VesselReader = NothingRead()
        self._site: SiteReader | None = None
        self._last_s: float | None = None

    def use_recipes(self, recipes: Mapping[str, LoadedRecipe]) -> None:
        """Make new batches from these. They must not be changed afterwards: this one assignment is then all that
        another thread has to do.
        """
        self._recipes = recipes

    def apply(self, command: Command, now_s: float) -> Outcome:
        """Carry out a committed ``batch.*`` or ``prompt.answer`` command; its events come with the next step."""
        try:
            if command.verb is Verb.BATCH_CREATE:
                self._create(command)
            elif command.verb is Verb.PROMPT_ANSWER:
                self._answer(command)
            else:
                return self._order(command)
        except Refusal as refusal:
            return Outcome(command, applied=False, reason=refusal.reason, allowed=refusal.allowed)
        return Outcome(command, applied=True)

    def step(self, now_s: float, read: VesselReader) -> Stepped:
        """One scan at process time ``now_s`` with the values of ``read``, which stays in use until the next."""
        dt = now_s - self._last_s if self._last_s is not None else 0.0
        self._last_s = now_s
        if read is not self._reader:
            self._reader, self._site = read, read if isinstance(read, SiteReader) else None
        events, self._events = self._events, []
        proposals: list[Command] = []
        if self._site is not None and len(self._resting):
            self._resting.step(self._site.frame, dt)
        if len(self._resting) < len(self._slots):
            for slot in self._slots.values():
                if slot.place == AWAKE:
                    run = self._run(slot, dt)
                    step(run, slot.control)
                    proposals += run.proposals
                    events += run.events
                    if not (run.proposals or run.events):
                        self._lay_down(slot, run)
        return Stepped(proposals, events)

    def settle(self, outcomes: Iterable[Outcome]) -> None:
        """Hear what became of proposals: a batch whose command was refused is held, because its step did not happen.

        What an operation wanted that is over says nothing about the present one.
        """
        for outcome in outcomes:
            command = outcome.command
            slot = self._slots.get(command.batch) if command.source == "recipe" else None
            if slot is None or outcome.applied or command.operation != (slot.batch.operation or ""):
                continue
            self._resting.wake(slot)
            reason = f"{command.verb} {command.target} was refused: {outcome.reason}"
            if target(slot.batch.state, Action.HOLD) is State.HOLDING and slot.batch.state is not State.HOLDING:
                self._events.append(change_state(slot.batch, State.HOLDING, reason))
            else:
                self._events.append(event(slot.batch, EventType.MESSAGE, "Status Change", reason))

    def missed(self, commands: Iterable[Command]) -> None:
        """Hear which of its proposals a restart kept from acting: they are put in force when the batch is restarted."""
        for command in commands:
            slot = self._slots.get(command.batch)
            loop = command.target.partition(".")[2]
            if slot is not None and command.verb in {Verb.SETPOINT, Verb.MODE} and loop not in slot.batch.missed:
                slot.batch.missed.append(loop)

    def state(self) -> dict[str, Json]:
        """Everything that has to survive a restart, as JSON; batches that could not be taken back are part of it."""
        batches: list[Json] = []
        self._resting.tell()
        for slot in self._slots.values():
            operation = slot.control.operation(slot.batch.operation)
            batches.append({"batch": slot.batch.to_json(), "progress": operation.state() if operation else None})
        return {"batches": [*batches, *self._aside]}

    def restore(self, state: Mapping[str, Json], now_s: float, outage_s: float) -> list[Event]:
        """Take back what :meth:`state` gave after ``outage_s`` without supervision: active batches come back Held.

        A batch that cannot come back is set aside: that is told as an alarm, nothing else waits for it, and it stays in
        :meth:`state`, so that a later start can take it back.
        """
        self._last_s = now_s
        events: list[Event] = []
        stored = state.get("batches")
        for entry in stored if isinstance(stored, list) else []:
            try:
                slot = self._revive(entry)
            except NOT_REVIVED as error:
                self._aside.append(entry)
                events.append(set_aside(entry, error))
                continue
            self._take(slot)
            events += after_outage(slot.batch, outage_s)
        return events

    def view(self) -> list[dict[str, Json]]:
        """Every batch as the page shows it, with the values of the newest scan."""
        self._resting.tell()
        return [view(self._run(slot, 0.0), slot.control) for slot in self._slots.values()]

    def placed(self) -> list[tuple[str, str, bool]]:
        """Of every batch its id, its vessel, and whether it is not over."""
        batches = [slot.batch for slot in self._slots.values()]
        return [(batch.id, batch.vessel, not is_final(batch.state)) for batch in batches]

    def operation(self, vessel: str) -> str:
        """The active operation on a vessel; empty when there is none."""
        slot = self._by_vessel.get(vessel)
        return (slot.batch.operation or "") if slot is not None and slot.batch.state in OPEN else ""

    def no_tuning(self, vessel: str, loop: str) -> str:
        """Why a loop of a vessel may not be tuned now: the active operation does not allow it; "" when it may."""
        slot = self._by_vessel.get(vessel)
        operation = slot.control.operation(self.operation(vessel)) if slot is not None else None
        if slot is None or operation is None or loop in operation.auto_tune:
            return ""
        return f"batch {slot.batch.id} is in {operation.title!r}, which does not allow it (auto_tune: in the recipe)"

    def _run(self, slot: _Slot, dt: float) -> Run:
        return Run(slot.batch, slot.control.vessel_class, self._reader, dt, slot.control.sampled)

    def _lay_down(self, slot: _Slot, run: Run) -> None:
        """Let a batch in which nothing happened rest, if all that it waits for can be watched."""
        if self._site is None:
            return
        rest = Rest(run, self._site)
        if rests(rest, slot.control):
            self._resting.put(slot, rest, clocked=is_clocked(slot.batch))

    def _take(self, slot: _Slot) -> None:
        self._slots[slot.batch.id] = self._by_vessel[slot.batch.vessel] = slot

    def _create(self, command: Command) -> None:
        from controller.recipe.freeze import freeze

        vessel_class = self._vessels.get(command.target)
        if vessel_class is None:
            raise Refusal(f"there is no vessel {command.target!r}", tuple(self._vessels))
        key, recipes = command.value.get("recipe"), self._recipes
        recipe = recipes.get(key) if isinstance(key, str) else None
        if recipe is None or not isinstance(key, str):
            raise Refusal(f"there is no recipe {key!r}", tuple(recipes))
        fit = (recipe, vessel_class, recipes)
        if any(one is not known for one, known in zip(fit, self._fit, strict=True)):
            refuse_misfit(*fit)
            self._fit = fit
        batch = make_batch(command, key, recipe)
        self._make_room(batch, command)
        self._take(_Slot(batch, control=freeze(recipe, vessel_class, batch.formula)))
        self._events += allocated(batch, recipe, command)

    def _make_room(self, batch: Batch, command: Command) -> None:
        """A vessel holds one batch; one that is over makes room."""
        if batch.id in self._slots:
            raise Refusal(f"there is a batch {batch.id} already")
        present = self._by_vessel.get(batch.vessel)
        if present is None:
            return
        if not is_final(present.batch.state):
            raise Refusal(f"{batch.vessel} holds batch {present.batch.id}, which is {present.batch.state}")
        self._release(present, command)

    def _release(self, slot: _Slot, command: Command) -> None:
        self._resting.wake(slot)
        del self._slots[slot.batch.id], self._by_vessel[slot.batch.vessel]
        text = f"{slot.batch.id} leaves {slot.batch.vessel}"
        self._events.append(answer(slot.batch, command, EventType.CONTROL_RECIPE, "Deallocation", text))

    def _order(self, command: Command) -> Outcome:
        slot = self._find(command)
        batch, action = slot.batch, ACTIONS[command.verb]
        state = target(batch.state, action)
        if state is None:
            reason = f"{batch.id} is {batch.state}: {action} is not possible"
            return Outcome(command, applied=False, reason=reason, allowed=allowed(batch.state))
        moves = state is not batch.state
        if moves:
            self._events.append(change_state(batch, state, command.reason, who=command.who, command=command.journal))
        if action is Action.RESET:
            self._release(slot, command)
        return Outcome(command, applied=True, reason="" if moves else f"{batch.id} is {state} already")

    def _answer(self, command: Command) -> None:
        slot = self._find(command)
        batch, wanted = slot.batch, command.value.get("prompt")
        questions = slot.control.questions(batch.operation) if batch.state in OPEN else []
        found = next(((phase, question) for phase, question in questions if question.id == wanted), None)
        if found is None:
            raise Refusal(f"{batch.id} has no open prompt {wanted!r}", tuple(one.id for _phase, one in questions))
        phase, question = found
        inputs = inputs_of(command, {one.name: (one.low, one.high) for one in question.inputs})
        value: dict[str, Json] = {"prompt": question.id, "inputs": dict(inputs), "simulate": phase.answer(inputs)}
        self._events.append(answer(batch, command, EventType.OPERATOR, "Prompt Response", question.text, value))

    def _find(self, command: Command) -> _Slot:
        slot = self._slots.get(command.target)
        if slot is None:
            raise Refusal(f"there is no batch {command.target!r}", tuple(self._slots))
        self._resting.wake(slot)
        return slot

    def _revive(self, entry: Json) -> _Slot:
        from controller.recipe.freeze import freeze

        data = entry.get("batch") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(data, dict):
            raise RestoreError("a stored batch is not readable")
        progress = entry.get("progress")
        batch = Batch.from_json(data)
        present, vessel_class = self._by_vessel.get(batch.vessel), self._vessels.get(batch.vessel)
        if present is not None:
            raise RestoreError(f"{batch.vessel} holds batch {present.batch.id}")
        recipe = self._frozen.get(batch.sha256)
        recipe = recipe or next((one for one in self._recipes.values() if one.sha256 == batch.sha256), None)
        if vessel_class is None or recipe is None:
            missing = f"vessel {batch.vessel}" if vessel_class is None else f"recipe {batch.recipe} ({batch.sha256})"
            raise RestoreError(f"batch {batch.id} cannot go on without {missing}")
        control = freeze(recipe, vessel_class, batch.formula)
        operation = control.operation(batch.operation)
        if operation is not None and isinstance(progress, dict):
            operation.restore(progress)
        return _Slot(batch, control=control)
