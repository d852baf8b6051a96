"""``biovisor loop tune``: the experiment watched, the model fitted, proposals shown, one of them brought into force."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from controller.cli.loop_client import Client, Document, Failed, path_of, plain
from controller.cli.loop_proposals import Study, study

POLL_S = 0.5
OVER = ("done", "aborted")
SCHEDULED = ("gain", "integral_time", "derivative_time")
"""What a schedule leads."""
OPTIONS = ("method", "amplitude", "asymmetry", "cycles", "pv_low", "pv_high")


def tune(client: Client, args: argparse.Namespace) -> int:
    """One whole tuning, or the return to the tuning before."""
    path = path_of(args.loop)
    if args.undo:
        return undo(client, path, args)
    if not args.again:
        experiment(client, path, args)
    found = client.get(f"{path}/experiment")
    if found["stage"] not in OVER:
        raise Failed(f"an experiment is {found['stage']}: wait for its end")
    tuning = client.get(f"{path}/tuning")
    made = study(found, acting(client, path, tuning))
    if not args.json:
        sys.stdout.write(made.text())
    rule = args.accept or (None if args.json else ask(made, tuning))
    if rule is not None:
        tuning = accept(client, path, args, made, rule)
    if args.json:
        document = {**made.document(), "accepted": rule, "tuning": tuning}
        sys.stdout.write(f"{json.dumps(document, indent=2)}\n")
    elif rule is None:
        sys.stdout.write("nothing changed\n")
    else:
        sys.stdout.write(f"{rule} is in force as version {tuning['version']}; --undo puts the one before back\n")
    return 0


def undo(client: Client, path: str, args: argparse.Namespace) -> int:
    """Put the replaced tuning back."""
    replaced = client.get(f"{path}/tuning")["version"]
    client.post(f"{path}/tuning/undo", {"reason": f"{args.reason}: version {replaced} is taken back"[:500]})
    tuning = client.get(f"{path}/tuning")
    text = f"version {tuning['version']} is in force: K {tuning['gain']:.5g} {plain(tuning['gain_unit'])} as before\n"
    sys.stdout.write(f"{json.dumps(tuning, indent=2)}\n" if args.json else text)
    return 0


def experiment(client: Client, path: str, args: argparse.Namespace) -> None:
    """Start one and watch it to its end; Ctrl-C stops it. Raises :class:`Failed` when it was of no use."""
    body: dict[str, Any] = {name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None}
    if args.longest is not None:
        body["longest_s"] = args.longest
    answer = client.post(f"{path}/experiment", {**body, "reason": args.reason})
    if answer["state"] != "applied":
        raise Failed("the supervisor did not say in time that it began; once it is over, --again reads its record")
    try:
        end = watch(client, path)
    except KeyboardInterrupt:
        client.post(f"{path}/experiment/stop", {"reason": "Ctrl-C"})
        raise Failed("stopped; the output is back where it was") from None
    if end["stage"] != "done" and (end["noise"] is None or end["cycles"] < 1):
        raise Failed(f"the experiment ended: {end['reason']}")


def watch(client: Client, path: str) -> Document:
    """Tell how it goes until it is over; progress goes to stderr, one line per change."""
    told = ""
    while True:
        now = client.get(f"{path}/experiment?samples=false")
        cycles = f", {now['cycles']} cycles" if now["method"] == "relay" and now["stage"] == "moving" else ""
        line = f"{now['stage']}{cycles}"
        if now["stage"] in OVER:
            sys.stderr.write(f"{line} after {now['elapsed_s']:.0f} s: {now['reason']}\n")
            return now
        if line != told:
            sys.stderr.write(f"{line}, {now['elapsed_s']:.0f} s\n")
            told = line
        time.sleep(POLL_S)


def acting(client: Client, path: str, tuning: Document) -> Document:
    """The tuning that acts now: the one in force or, where a schedule leads it, what the schedule gives."""
    now = client.get(f"{path}/why")["tuning"] if tuning["scheduled"] else {}
    return {**tuning, **{name: now[name] for name in SCHEDULED if name in now}}


def ask(made: Study, tuning: Document) -> str | None:
    """Which proposal the operator wants; ``None`` for none of them."""
    if tuning["scheduled"]:
        sys.stdout.write("gain and times of this loop follow a schedule: a new set belongs in the vessel class\n")
        return None
    rules = list(made.rules)
    sys.stdout.write(f"Bring one into force? {', '.join(rules)} or Enter for none: ")
    sys.stdout.flush()
    answer = sys.stdin.readline().strip()
    if answer and answer not in rules:
        raise Failed(f"{answer!r} is none of {', '.join(rules)}; nothing changed")
    return answer or None


def accept(client: Client, path: str, args: argparse.Namespace, made: Study, rule: str) -> Document:
    """Bring a proposal into force; the reason on record says where it comes from. Raises :class:`Failed` for one that
    swings on the model.
    """
    one = made.rules[rule]
    if not one.margins.stable:
        raise Failed(f"{rule} is not stable on this model; nothing changed")
    why = f"{args.reason}: {rule} after a {made.method} experiment, {made.model}, expected Ms {one.margins.ms:.2f}"
    body = {
        "gain": one.pid.gain,
        "gain_unit": made.gain_unit,
        "integral_time_s": one.pid.integral_time,
        "derivative_time_s": one.pid.derivative_time,
        "reason": why[:500],
    }
    if one.pid.filter_time > 0.0:
        body["derivative_filter"] = one.pid.derivative_time / one.pid.filter_time
    client.put(f"{path}/tuning", body)
    return client.get(f"{path}/tuning")
