"""Why a loop's output is what it is: facts and numbers of one scan, and the chain of causes that follows from them.

The scan only copies (:class:`Numbers`, and :class:`Facts` when something changed); what to say of them is worked out by
whoever asks, in whatever thread, from an :class:`Explanation` that nobody changes.
"""

from controller.explain.explanation import Explanation
from controller.explain.facts import FactBook, Facts
from controller.explain.numbers import Numbers

__all__ = ["Explanation", "FactBook", "Facts", "Numbers"]
