"""The ratio table as text, in the form in which the documentation shows it."""

HEAD = ("What", "Product", "Peer", "Peer's time", "Ratio", "Goal", "")
WORDS = {True: "met", False: "MISSED", None: ""}


def duration(seconds):
    """A time in the unit that suits it."""
    if seconds >= 1.0:
        return f"{seconds:.3g} s"
    return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"


def times(found):
    """Median and minimum."""
    return "" if found is None else f"{duration(found.median)} ({duration(found.minimum)})"


def cells(result):
    """One line of the table."""
    row = result.row
    ratio = "" if result.peer is None else f"{result.ratio():.3g} ({result.ratio('minimum'):.3g})"
    return (row.name, times(result.product), row.peer, times(result.peer), ratio, row.goal, WORDS[result.met])


def missing(row):
    """The line of a race whose peer is not there."""
    return (row.name, "", row.peer, f"{row.needs} is not installed", "", row.goal, WORDS[False] if row.goal else "")


def line(texts):
    """Cells as a line of a Markdown table."""
    return "| " + " | ".join(texts) + " |"


def head():
    """The first two lines."""
    return [line(HEAD), "|" + "---|" * len(HEAD)]
