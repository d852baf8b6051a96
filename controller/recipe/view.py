"""A batch as the page and the API show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.commands import Json
from controller.recipe.batch import Batch
from controller.recipe.run import Run
from controller.recipe.states import State, allowed

if TYPE_CHECKING:
    from controller.recipe.control import ControlRecipe, Transition
    from controller.recipe.phase import Question

OPEN = frozenset({State.RUNNING, State.PAUSING, State.PAUSED, State.HOLDING, State.HELD, State.RESTARTING})
"""The states in which prompts are open and transitions are waited for."""


def view(run: Run, control: ControlRecipe) -> dict[str, Json]:
    """One batch as JSON: what it is, where it is, what it waits for, what it asks, what it can be told."""
    batch = run.batch
    config = control.recipe.config
    operation = control.operation(batch.operation)
    is_open = batch.state in OPEN
    transitions = operation.transitions if operation and is_open else []
    questions = control.questions(batch.operation) if is_open else []
    return {
        "id": batch.id,
        "recipe": config.recipe,
        "title": config.title,
        "version": config.version,
        "vessel": batch.vessel,
        "state": batch.state.value,
        "mode": "automatic",
        "operation": batch.operation or "",
        "operation_title": operation.title if operation else "",
        "operations": [
            {"name": one.name, "title": one.title, "state": _progress(batch, one.name)}
            for one in control.operations.values()
        ],
        "elapsed_s": batch.elapsed_s,
        "operation_elapsed_s": batch.operation_elapsed_s,
        "waiting_for": [_waiting(run, transition) for transition in transitions],
        "prompts": [_prompt(question) for _phase, question in questions],
        "allowed": list(allowed(batch.state)),
        "formula": {
            name: {"title": one.title, "value": batch.formula[name], "unit": one.value.unit}
            for name, one in config.formula.items()
        },
        "deviations": [dict(one) for one in batch.deviations],
        "held_reason": batch.held_reason,
    }


def _progress(batch: Batch, name: str) -> str:
    if name == batch.operation:
        return "active"
    return "done" if name in batch.done else "pending"


def _waiting(run: Run, transition: Transition) -> dict[str, Json]:
    truth = transition.when.evaluate(run.read)
    live = transition.when.explain(run.read)
    if transition.true_s is not None and transition.dwell_s > 0:
        live += f", for {transition.true_s:.0f} of {transition.dwell_s:.0f} s"
    if transition.passed:
        live += "; it has held the batch"
    return {
        "when": transition.when.text,
        "truth": "unknown" if truth is None else str(truth).lower(),
        "live": live,
        "then": transition.then,
        "because": transition.because,
    }


def _prompt(question: Question) -> dict[str, Json]:
    return {
        "id": question.id,
        "text": question.text,
        "inputs": [
            {
                "name": one.name,
                "title": one.title,
                "unit": one.unit,
                "low": one.low,
                "high": one.high,
                "default": one.default,
            }
            for one in question.inputs
        ],
    }
