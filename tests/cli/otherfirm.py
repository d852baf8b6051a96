"""A driver as another firm might sell it: it says little of itself, and its instrument seldom answers."""

from pathlib import Path
from urllib.parse import urlsplit

from drivers.contract import Identity, Quality, Reason, Sample, Timeout, WriteOutcome, WriteState


class Plan:
    def __init__(self, points):
        self.points = tuple(points)


class Silent:
    """Takes any address. Each write leaves a mark in a file, and is not answered."""

    def __init__(self, spec):
        self._marks = Path(urlsplit(spec.url).path)

    def plan(self, points):
        return Plan(points)

    async def open(self):
        return Identity("Other Firm", "Silent")

    async def read(self, plan):
        return [Sample(float(len(self._marks.read_text())), Quality.GOOD, Reason.OK, 0) for _ in plan.points]

    async def write(self, writes):
        with self._marks.open("a") as marks:
            marks.write("x" * len(writes))
        return [WriteOutcome(point, value, WriteState.UNKNOWN, "no answer") for point, value in writes]

    async def close(self):
        pass


class Faulty(Silent):
    """Opens with an error that no driver should raise."""

    async def open(self):
        raise KeyError("model")


class Absent(Silent):
    """Never answers."""

    async def open(self):
        raise Timeout("no answer within 0.5 s")
