"""The same equation in floats and in arrays."""

import numpy as np

N = 500


def same(function, *ranges, seed=1, fixed=()):
    """Whether a function gives each of N vessels the bits it gives it alone; ranges of its arguments, or numbers."""
    random = np.random.default_rng(seed)
    columns = [
        random.choice([low, high, *random.uniform(low, high, 40)], N) if high > low else np.full(N, low)
        for low, high in ranges
    ]
    together = flat(function(*columns, *fixed))
    for k in range(N):
        alone = flat(function(*(float(column[k]) for column in columns), *fixed))
        assert [np.float64(value).tobytes() for value in alone] == [value[k].tobytes() for value in together], k
    return True


def flat(value):
    """The numbers of nested tuples."""
    if isinstance(value, tuple):
        return [number for entry in value for number in flat(entry)]
    return [value]
