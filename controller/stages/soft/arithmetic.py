"""The arithmetic of soft sensors: the same bits for one tag in floats and for many in arrays.

Equations are written once, for a `Real` that is a float, the quicker for a tag or two, or a float64 array with a number
for each of many. What an operator does to both alike stands as an operator; what it does not is here. Exponentials and
powers are numpy's for both: the C library's differ in the last bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import copysign, inf, isfinite, isnan
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

from controller.frame import F8

Flags: TypeAlias = NDArray[np.bool_]
Truth: TypeAlias = bool | Flags
"""What a comparison gives."""
Columns: TypeAlias = NDArray[np.intp]
Real = TypeVar("Real", float, F8)
"""What the equations are written for."""


def over(a: Real | float, b: Real) -> Real:
    """The quotient, by zero as IEEE 754 has it."""
    if isinstance(b, ndarray):
        return np.asarray(a / b)
    return a / b if b != 0.0 else a * copysign(inf, b)


def maximum(a: Real, b: Real | float) -> Real:
    """The larger; no number where one of them is none."""
    if isinstance(a, ndarray):
        return np.maximum(a, b)
    return a if a > b or isnan(a) else b


def minimum(a: Real, b: Real | float) -> Real:
    """The smaller; no number where one of them is none."""
    if isinstance(a, ndarray):
        return np.minimum(a, b)
    return a if a < b or isnan(a) else b


def exp(x: Real) -> Real:
    """The exponential."""
    return np.exp(x) if isinstance(x, ndarray) else float(np.exp(x))


def log(x: Real) -> Real:
    """The natural logarithm; of 0 and less what numpy says."""
    return np.log(x) if isinstance(x, ndarray) else float(np.log(x))


def power(x: Real, exponent: F8) -> Real:
    """A power with exponents as :func:`row` makes them: between two floats numpy takes another way, to another last
    bit.
    """
    found = np.power(x, exponent)
    return found if isinstance(x, ndarray) else float(found.item())


def added(values: Sequence[Real]) -> Real:
    """The sum, from left to right in any version of Python."""
    first, *others = values
    for value in others:
        first = first + value
    return first


def where(condition: Truth, yes: Real | float, no: Real) -> Real:
    """``yes`` where the condition holds, else ``no``, which is given back itself where it holds nowhere."""
    if isinstance(no, ndarray):
        return np.where(condition, yes, no) if np.count_nonzero(condition) else no
    return yes if condition else no


def negated(condition: Truth) -> Truth:
    """Where it does not hold."""
    return ~condition if isinstance(condition, ndarray) else not condition


def unknown(x: Real) -> Truth:
    """Where there is no number."""
    return np.isnan(x) if isinstance(x, ndarray) else isnan(x)


def finite(x: Real) -> Truth:
    """Where there is a number that is not endless."""
    return np.isfinite(x) if isinstance(x, ndarray) else isfinite(x)


def some(condition: Truth) -> bool:
    """Whether it holds anywhere."""
    return condition if isinstance(condition, bool) else bool(np.count_nonzero(condition))


def every(condition: Truth) -> bool:
    """Whether it holds everywhere."""
    return condition if isinstance(condition, bool) else bool(np.count_nonzero(condition) == condition.size)


def filled(like: Real, value: float) -> Real:
    """One value for every tag that ``like`` has a number for."""
    return np.full(like.shape, value) if isinstance(like, ndarray) else value


def row(x: Real | float | Truth) -> NDArray[Any]:
    """Numbers as an array in any case, for what happens now and then."""
    return np.atleast_1d(x)


def back(like: Real, values: F8) -> Real:
    """What :func:`row` made an array of, as ``like`` is."""
    return values if isinstance(like, ndarray) else float(values.item())
