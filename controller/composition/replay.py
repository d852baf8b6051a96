"""What a restart does with commands that were answered and never acted: the age of an order is part of its meaning."""

from __future__ import annotations

from controller.commands import Command, Verb

SETPOINT_S = 60.0
"""How long, in wall time, nobody may have been in control for a setpoint still to mean what its sender meant."""

TOO_LATE = "the supervisor restarted before it acted"


def still_counts(command: Command, away_s: float) -> bool:
    """Whether a command acts after ``away_s`` (wall) without a supervisor.

    What stops something always does, and so does the answer to a prompt, which says what hands have done. A recipe's
    own wishes do not: its batch is held, and proposes again what it still wants when it is restarted, a count under the
    same sample number. Nothing that starts, doses or moves an output comes as a surprise.
    """
    if command.stops or command.verb is Verb.PROMPT_ANSWER:
        return True
    return command.verb is Verb.SETPOINT and command.source != "recipe" and away_s < SETPOINT_S
