"""The arithmetic of the plant: the same bits for one vessel in floats and for many in arrays, on any computer.

Equations are written once, for a `Real` that is a float (one vessel) or a float64 array with one number per vessel.
IEEE 754 fixes every bit of ``+ - * /``, of comparisons, of `abs` and of the square root; it does not fix powers,
exponentials and logarithms, which differ between the C library and numpy and from one processor to the next. So in an
equation stand only operators and what is here: never ``**``, :mod:`math` or a function of numpy.

>>> import numpy as np
>>> def cooled(t: Real) -> Real:
...     return 22.0 + 15.0 * exp(-t / 3.0)
>>> cooled(np.array([0.0, 1.0]))[1] == cooled(1.0)
np.True_
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias, TypeVar

import numpy as np
from numpy import ndarray
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
"""One number per vessel."""
Truth: TypeAlias = bool | NDArray[np.bool_]
"""What a comparison gives."""
Real = TypeVar("Real", float, Array)
"""What the equations are written for."""

FARTHEST = 708.0
"""`exp` takes an argument beyond this, on either side, for this: results stay normal numbers, 3e-308 .. 3e307."""

LN2_HIGH = 0.69314718036912381649017333984375
LN2_LOW = 1.9082149292705877e-10
"""ln 2 in two parts; the high one has 32 bits, so that its product with a whole number below 2**20 is exact."""
PER_LN2 = 1.4426950408889634
TO_WHOLE = 6755399441055744.0
"""1.5 * 2**52: adding and subtracting it rounds to a whole number."""
NO_LOGARITHM = "logarithm of a number that is not above 0 and finite"
SQRT_HALF = 0.7071067811865476
T1, T2, T3 = 1.0 / 6.0, -1.0 / 360.0, 1.0 / 15_120.0
T4, T5, T6 = -1.0 / 604_800.0, 1.0 / 23_950_080.0, -691.0 / 653_837_184_000.0
"""Taylor series of r coth(r/2) - 2 in r squared (twice the Bernoulli numbers over factorials)."""
SERIES = tuple(np.array(value) for value in (T6, T5, T4, T3, T2, T1))
HIGHEST, LOWEST, HALF, ONE, TWO = (np.array(value) for value in (FARTHEST, -FARTHEST, 0.5, 1.0, 2.0))
SCALARS = tuple(np.array(value) for value in (PER_LN2, LN2_HIGH, LN2_LOW))
"""The same numbers as arrays without dimension, which numpy takes in a third less time than floats."""
ATANH = tuple(2.0 / n for n in range(21, 1, -2))
"""Taylor series of the inverse hyperbolic tangent, doubled, from the highest power down."""
ATANH_ARRAYS = tuple(np.array(value) for value in ATANH)
L10, L9, L8, L7, L6, L5, L4, L3, L2, L1 = ATANH


def exp(x: Real) -> Real:
    """The exponential within 1 unit in the last place; beyond :data:`FARTHEST` that of the bound.

    What is no number raises ValueError as a float; in an array it stays none, and numpy warns. Method: x = k ln 2 + r
    with r within 0.35 of 0, then e^r = 1 + r + r c / (2 - c) with c = r + 2 - r coth(r/2).
    """
    if isinstance(x, ndarray):
        return _exp_array(x)
    if x > FARTHEST:
        x = FARTHEST
    elif x < -FARTHEST:
        x = -FARTHEST
    k = (x * PER_LN2 + TO_WHOLE) - TO_WHOLE
    high = x - k * LN2_HIGH
    low = k * LN2_LOW
    r = high - low
    t = r * r
    c = r - ((((((T6 * t + T5) * t + T4) * t) + T3) * t + T2) * t + T1) * t
    return math.ldexp(1.0 + (high - (low - r * c / (2.0 - c))), int(k))


def _exp_array(x: Array) -> Array:
    """The steps of :func:`exp`, in as little memory as they need."""
    x = np.minimum(x, HIGHEST)
    np.maximum(x, LOWEST, out=x)
    k = x * SCALARS[0]
    np.rint(k, out=k)
    low = k * SCALARS[1]
    x -= low
    np.multiply(k, SCALARS[2], out=low)
    r = x - low
    t = r * r
    c = SERIES[0] * t
    for coefficient in SERIES[1:]:
        c += coefficient
        c *= t
    np.subtract(r, c, out=c)
    r *= c
    np.subtract(TWO, c, out=c)
    r /= c
    low -= r
    x -= low
    x += ONE
    scaled: Array = np.ldexp(x, k.astype(np.int32))
    return scaled


def log(x: Real) -> Real:
    """The natural logarithm within 1 unit in the last place.

    Raises ValueError for anything that is not above 0 and finite. Method: x = 2^k (1 + f) with 1 + f near 1, then
    the series of 2 artanh(f / (2 + f)).
    """
    if isinstance(x, ndarray):
        return _log_array(x)
    if not 0.0 < x < math.inf:
        raise ValueError(NO_LOGARITHM)
    m, k = math.frexp(x)
    if m < SQRT_HALF:
        m += m
        k -= 1
    f = m - 1.0
    s = f / (2.0 + f)
    z = s * s
    series = (((((((((L10 * z + L9) * z + L8) * z + L7) * z + L6) * z + L5) * z + L4) * z + L3) * z + L2) * z + L1) * z
    half = 0.5 * f * f
    return k * LN2_HIGH - ((half - (s * (half + series) + k * LN2_LOW)) - f)


def _log_array(x: Array) -> Array:
    """The steps of :func:`log`, in as little memory as they need."""
    if x.size and not (x.min() > 0.0 and x.max() < math.inf):
        raise ValueError(NO_LOGARITHM)
    f, whole = np.frexp(x)
    below = f < SQRT_HALF
    k = whole - below.astype(np.float64)
    f += f * below
    f -= ONE
    s = f + TWO
    np.divide(f, s, out=s)
    z = s * s
    series = ATANH_ARRAYS[0] * z
    for coefficient in ATANH_ARRAYS[1:]:
        series += coefficient
        series *= z
    half = HALF * f
    half *= f
    series += half
    series *= s
    np.multiply(k, LN2_LOW, out=z)
    series += z
    half -= series
    half -= f
    k *= LN2_HIGH
    k -= half
    return k


def power(x: Real, exponent: Real | float) -> Real:
    """`x` (>= 0) to a positive power, 0 for `x` = 0; right to about 1 + |exponent ln x| units in the last place.

    Raises ValueError for a negative `x`. For small whole exponents multiply.
    """
    if isinstance(x, ndarray):
        none = x == 0.0
        return where(none, 0.0 * x, exp(exponent * log(x + none)))
    return 0.0 if x == 0.0 else exp(exponent * log(x))


def sqrt(x: Real) -> Real:
    """The square root, exactly rounded. A negative float raises ValueError, in an array numpy warns."""
    if isinstance(x, ndarray):
        return np.sqrt(x)
    return math.sqrt(x)


def maximum(a: Real, b: Real | float) -> Real:
    """The larger; what is no number in `a` stays so. With arrays, `a` is one."""
    if isinstance(a, ndarray):
        return np.maximum(a, b)
    return b if a <= b else a


def minimum(a: Real, b: Real | float) -> Real:
    """The smaller; what is no number in `a` stays so. With arrays, `a` is one."""
    if isinstance(a, ndarray):
        return np.minimum(a, b)
    return b if a >= b else a


def within(value: Real, high: float) -> Real:
    """`value` within 0 .. `high` (> 0); what is no number counts as 0."""
    if isinstance(value, ndarray):
        held = np.fmax(value, 0.0)
        held += 0.0  # -0.0 becomes 0.0
        return np.minimum(held, high)
    return min(value, high) if value > 0.0 else 0.0


def rounded(x: Real) -> Real:
    """The nearest whole number, of two the even one; below 2**51, either side."""
    return (x + TO_WHOLE) - TO_WHOLE


def displayed(value: Real, steps: Real | float, low: Real | float, high: Real | float) -> Real:
    """`value` in so many `steps` per unit, within a range; what is no number stays so."""
    shown = ((value * steps + TO_WHOLE) - TO_WHOLE) / steps
    if isinstance(shown, ndarray):
        return np.minimum(np.maximum(shown, low), high)
    return low if shown <= low else high if shown >= high else shown


def positive(values: tuple[Real, ...]) -> tuple[Real, ...]:
    """Each value, or 0 where it is less; what is no number stays so."""
    if values and isinstance(values[0], ndarray):
        return tuple([maximum(value, 0.0) for value in values])
    return tuple([value if value > 0.0 else value - value for value in values])


def where(condition: Truth, yes: Real, no: Real) -> Real:
    """`yes` where the condition holds, else `no`; both are worked out before."""
    if isinstance(yes, ndarray):
        return np.where(condition, yes, no)
    return yes if condition else no


def filled(like: Real, value: float) -> Real:
    """One value for every vessel that `like` has a number for."""
    if isinstance(like, ndarray):
        return np.full(like.shape, value)
    return value


def gathered(columns: Sequence[Sequence[float]]) -> tuple[Array, ...]:
    """Arrays of several quantities from one row of them per vessel."""
    return tuple(np.array(column, dtype=np.float64) for column in zip(*columns, strict=True))


def some(condition: Truth) -> bool:
    """Whether a condition holds in any vessel; for work that changes nothing where it does not hold."""
    return bool(condition) if isinstance(condition, bool) else bool(condition.any())
