"""One calibration as a conversation: one question at a time, and everything found so far kept until it is finished.

Answers come, in this order, from what was kept, from the command line, and from standard input, a line each. What was
kept is written after every step, so that an interrupted calibration goes on where it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO, TypeVar

from controller.clock import iso_utc
from controller.units import UnitError

T = TypeVar("T")
RESUME_WITHIN_S = 12 * 3600.0
"""Readings older than this belong to another day's probe and buffers."""


class Interrupted(Exception):
    """No answer comes any more; what was found stays kept."""


class WrongAnswer(Exception):
    """An answer from the command line that cannot be used."""


class Session:
    """Questions, their answers, and the steps that are done. ``answers`` are the command line's, by question."""

    def __init__(self, path: Path, answers: Mapping[str, str], stdin: TextIO, say: Callable[[str], None]) -> None:
        self.path = path
        self.say = say
        self.kept: dict[str, Any] = {}
        self._answers = dict(answers)
        self._stdin = stdin

    def begin(self, method: str, utc: float) -> None:
        """Begin anew; what was kept before is gone."""
        self.kept = {"method": method, "begun": utc, "steps": {}}
        self._keep()

    def resume(self, utc: float) -> str:
        """Take up what is kept; gives its method. Raises :class:`WrongAnswer` when it is too old or not readable."""
        try:
            self.kept = json.loads(self.path.read_text(encoding="utf-8"))
            age_s = utc - float(self.kept["begun"])
            method = str(self.kept["method"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WrongAnswer(f"what is kept in {self.path} cannot be read; --abandon gives it up") from error
        if age_s > RESUME_WITHIN_S:
            begun = iso_utc(self.kept["begun"])[:16].replace("T", " ")
            raise WrongAnswer(f"it was begun {begun} UTC, too long ago to go on; --abandon gives it up")
        return method

    def is_open(self) -> bool:
        """Whether anything is kept that would have to be done again; what cannot be read may be that."""
        try:
            return bool(json.loads(self.path.read_text(encoding="utf-8"))["steps"])
        except FileNotFoundError:
            return False
        except (OSError, ValueError, KeyError, TypeError):
            return True

    def end(self) -> None:
        """Forget what was kept: finished or given up."""
        self.path.unlink(missing_ok=True)

    def ask(self, key: str, question: str, read: Callable[[str], T], default: str = "") -> T:
        """Ask until ``read`` understands the answer; Enter is the default. ``read`` raises ``ValueError``.

        Raises :class:`Interrupted` when there is nobody, :class:`WrongAnswer` for an answer of the command line.
        """
        if key in self._answers:
            try:
                return read(self._answers[key])
            except ValueError as error:
                raise WrongAnswer(f"{key}: {_message(error)}") from error
        while True:
            self.say(f"{question} [{key}{f', Enter: {default}' if default else ''}] ")
            line = self._stdin.readline()
            if not line:
                raise Interrupted
            try:
                return read(line.strip() or default)
            except ValueError as error:
                self.say(f"  {_message(error)}\n")

    def step(self, key: str, do: Callable[[], Any]) -> Any:
        """Do something whose result, plain JSON, is kept; what is kept already is told and not done again."""
        steps = self.kept["steps"]
        if key in steps:
            self.say(f"{key}: as before\n")
        else:
            steps[key] = do()
            self._keep()
        return steps[key]

    def _keep(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as stream:
            json.dump(self.kept, stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self.path)


def words(text: str) -> str:
    """An answer that says something. Raises ``ValueError``."""
    if not any(character.isalnum() for character in text):
        raise ValueError("an answer in words is needed")
    return text[:500]


def yes(text: str) -> bool:
    """Yes or no. Raises ``ValueError``."""
    choices = {"y": True, "yes": True, "n": False, "no": False}
    if text.lower() not in choices:
        raise ValueError("yes or no")
    return choices[text.lower()]


def _message(error: ValueError) -> str:
    return f"{error.message} ({error.hint})" if isinstance(error, UnitError) and error.hint else str(error)
