"""The alarms of every feed: what it complains of, what that means, and what the operator has to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from controller.model.guards import Alarm
from controller.model.programs import Feed, FeedTable

Flag = Literal["low", "empty", "adrift", "waiting"]
FLAGS: tuple[Flag, ...] = ("low", "empty", "adrift", "waiting")
"""What a feed can complain of, in the order of the columns of the flags that alarms look at."""

_TEXTS: Mapping[Flag, tuple[str, int, str, str, str, str]] = {
    "low": (
        "bottle low", 3, "The feed will stop when the bottle is empty.", "The bottle is used up as planned.",
        "Prepare the next bottle and change it before this one is empty.", "30 min",
    ),
    "empty": (
        "bottle empty", 1, "Nothing more is fed: the culture starves.",
        "The bottle is used up, or the line is blocked or leaks air.",
        "Change the bottle, prime the line with the pump in manual, and tell that a new bottle is there.", "15 min",
    ),
    "adrift": (
        "delivery does not fit the balance", 2, "The culture gets more or less than it should.",
        "Worn or wrong tubing, a line that slips, or something leans on the balance.",
        "Look at the tubing and at the balance; calibrate the pump.", "30 min",
    ),
    "waiting": (
        "program stands still", 2, "The feed does not follow its program.",
        "A value that the program needs is not valid, or the culture does not answer to the feed.",
        "Look at what the loop says it waits for; operate the feed by hand until it goes on.", "15 min",
    ),
}  # fmt: skip


def feed_alarms(feeds: FeedTable) -> list[Alarm]:
    """The alarms of every feed: of its bottle, of its balance, of its programs."""
    return [_alarm(row, feed, flag) for row, feed in enumerate(feeds.rows) for flag in FLAGS if _has(feed, flag)]


def _has(feed: Feed, flag: Flag) -> bool:
    if flag == "waiting":
        return any(program.signals for program in feed.programs.values())
    return feed.bottle is not None and (flag != "adrift" or feed.bottle.weight >= 0)


def _alarm(row: int, feed: Feed, flag: Flag) -> Alarm:
    what, priority, consequence, cause, action, respond_within = _TEXTS[flag]
    return Alarm(
        feed.vessel, f"{feed.name}_{flag}", f"{feed.title}: {what}", -1,
        side="told",
        priority=priority,
        consequence=consequence,
        cause=cause,
        action=action,
        respond_within=respond_within,
        flag=row * len(FLAGS) + FLAGS.index(flag),
    )  # fmt: skip
