"""What ``biovisor device calibrate`` does: opens the session, takes the wires, and says how it ended."""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controller.cli.shared import load_or_complain
from controller.clock import ScaledClock, iso_utc
from controller.composition.calibration.guide import Book, calibrate, table, undo
from controller.composition.calibration.job import Job, NotPossible, calibratable
from controller.composition.calibration.live import Unreachable
from controller.composition.calibration.results import Refused
from controller.composition.calibration.session import Interrupted, Session, WrongAnswer
from controller.composition.calibrations import stored
from controller.composition.lease import Lease, LeaseTaken, holder_of
from controller.composition.paths import calibrations_path, open_calibration_path
from controller.composition.simulated import SIMULATED_OPTIONS, Addresses, SimulatorError
from controller.config.load import LoadedSite
from controller.store.calibrations import read, stacks
from controller.units import UnitError, parse_quantity

ENDS = (NotPossible, Refused, Unreachable, WrongAnswer, SimulatorError, ValueError, OSError)
"""What ends a calibration with its reason."""
HEAD = ("id", "what", "method", "when", "who", "expires", "", "reason")
STATES = {
    (True, True): "in force",
    (True, False): "in force until the next start",
    (False, True): "waits for the next start",
    (False, False): "",
}
"""By whether the supervisor that runs uses it, and whether one that starts would."""
LATER = "the supervisor takes it at its next start"


def run(args: argparse.Namespace) -> int:
    """One action; the exit code."""
    loaded = load_or_complain(args.site)
    if loaded is None:
        return 1
    try:
        with asyncio.Runner() as runner:
            return Calibrating(args, loaded, runner).run()
    except Interrupted:
        return _interrupted("interrupted")
    except KeyboardInterrupt:
        return _interrupted("interrupted by the operator")
    except ENDS as error:
        return _refuse(str(error))


def offered(path: Path) -> str:
    """What can be calibrated on each vessel of a site, a line each; mistakes in the site are told instead."""
    loaded = load_or_complain(path)
    if loaded is None:
        return ""
    return "".join(f"  {vessel}: {', '.join(calibratable(loaded, vessel))}\n" for vessel in loaded.classes)


class Calibrating:
    """One call of the command."""

    def __init__(self, args: argparse.Namespace, loaded: LoadedSite, runner: asyncio.Runner) -> None:
        self.args = args
        simulated = args.instruments is not None
        addresses = Addresses.parse(args.instruments.read_text(encoding="utf-8")) if simulated else None
        site, clock = loaded.config.site, ScaledClock()
        self.found = stored(loaded, args.data, simulated=simulated)
        path = calibrations_path(args.data, site, simulated=simulated)
        self.book = Book(path, "SIM" if simulated else "CAL", clock.utc, _valid(args))
        kept = open_calibration_path(args.data, site, args.vessel, args.name, simulated=simulated)
        given = {"who": args.who, "reason": args.reason}
        answers = {**dict(args.answer), **{key: text for key, text in given.items() if text is not None}}
        self.session = Session(kept, answers, sys.stdin, self._say)
        self.job = Job(
            loaded._replace(calibrations=self.found.in_force), args.vessel, args.name, self.session, runner,
            addresses.urls if addresses else {}, SIMULATED_OPTIONS if addresses else {},
            args.balance, args.thermometer, args.band, args.window, _show, args.wait,
        )  # fmt: skip

    def run(self) -> int:
        """Do what is asked for; the exit code."""
        for warning in (*self.found.warnings, *self.found.unfit):
            sys.stderr.write(f"{warning}\n")
        if self.args.list:
            return self._list()
        if self.args.undo:
            return self._undo()
        if self.args.abandon:
            return self._abandon()
        return self._calibrate()

    def _calibrate(self) -> int:
        if self.args.vessel not in self.job.loaded.classes:
            raise NotPossible(f"there is no vessel {self.args.vessel!r}; known: {', '.join(self.job.loaded.classes)}")
        with _alone(self.args):
            method = self._open()
            try:
                entry = calibrate(self.job, method, self.book)
            except (Refused, NotPossible):
                self.session.end()
                raise
            finally:
                self.job.close()
        if entry is None:
            return _refuse("not accepted, nothing changed")
        until = f", valid until {entry['expires'][:10]}" if entry["expires"] else ""
        what = f"{entry['id']}{until}; {LATER}" if entry["kind"] == "calibration" else f"{entry['id']}{until}"
        return self._told(entry, f"stored as {what}\n", failed=entry["passed"] is False)

    def _open(self) -> str:
        """Begin or go on; gives the method."""
        utc, resume = self.book.utc(), self.args.resume
        if self.session.is_open() and not resume:
            question = "A calibration of this is open. Go on with it, or begin anew: resume or new"
            resume = self.session.ask("open", question, _resume_or_new, "resume")
        if not resume:
            self.session.begin(self.args.method, utc)
            return str(self.args.method)
        if not self.session.path.exists():
            raise NotPossible("nothing is open")
        method = self.session.resume(utc)
        if self.args.method not in {None, method}:
            raise NotPossible(f"{method} is open, not {self.args.method}; --abandon gives it up")
        self._say(f"going on with {method}\n")
        return method

    def _undo(self) -> int:
        entry = undo(self.job, self.book)
        if entry is None:
            raise NotPossible(f"nothing is stored for {self.args.vessel} {self.args.name}")
        running = holder_of(self.args.data)
        later = f"{LATER}, and goes on with {entry['undoes']} until then ({running.by})" if running else LATER
        text = f"stored as {entry['id']}: {entry['restores']} in place of {entry['undoes']}; {later}\n"
        return self._told(entry, text, failed=False)

    def _abandon(self) -> int:
        if not self.session.path.exists():
            raise NotPossible("nothing is open")
        self.session.end()
        self._say("given up, nothing changed\n")
        return 0

    def _list(self) -> int:
        entries = [one for one in read(self.book.path).entries if self._wanted(one)]
        running = holder_of(self.args.data)
        started = iso_utc(running.since) if running else None
        now, used = self._in_force(entries), self._in_force(entries, started)
        if self.args.json:
            shown = [{**one, "in_force": one["id"] in used, "next_start": one["id"] in now} for one in entries]
            sys.stdout.write(json.dumps({"calibrations": shown}, indent=2) + "\n")
            return 0
        rows = [HEAD, *(_row(one, now, used, iso_utc(self.book.utc())) for one in entries)]
        sys.stdout.write(table(rows) if entries else "nothing is stored\n")
        return 0

    def _in_force(self, entries: Sequence[dict[str, Any]], until: str | None = None) -> set[str]:
        """The ids in force by what was stored ``until`` then: what a supervisor uses that was started then."""
        known = {one["id"] for one in entries if self.job.known(one["vessel"], one["name"])}
        counted = [one for one in entries if until is None or one["time"] <= until]
        return {stack[-1]["id"] for stack in stacks(counted).values() if stack} & known

    def _wanted(self, entry: dict[str, Any]) -> bool:
        return self.args.vessel in {"", entry["vessel"]} and self.args.name in {"", entry["name"]}

    def _told(self, entry: dict[str, Any], text: str, *, failed: bool) -> int:
        sys.stdout.write(json.dumps(entry, indent=2) + "\n" if self.args.json else text)
        return 1 if failed else 0

    def _say(self, text: str) -> None:
        """The conversation; beside it when the answer is JSON."""
        stream = sys.stderr if self.args.json else sys.stdout
        stream.write(text)
        stream.flush()


@contextmanager
def _alone(args: argparse.Namespace) -> Iterator[None]:
    """No supervisor beside us on this data directory; being told to end is as Ctrl-C, so that a pump is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        lease = Lease(args.data)
    except LeaseTaken as error:
        message = f"{args.data} is in use ({error.by}): a wire has one owner, so stop the supervisor first"
        raise NotPossible(f"{message}; its outputs go to their safe values") from error
    try:
        yield
    finally:
        lease.release()


def _row(entry: dict[str, Any], now: set[str], used: set[str], utc: str) -> tuple[str, ...]:
    expired = bool(entry["expires"]) and entry["expires"] <= utc
    state = STATES[entry["id"] in used, entry["id"] in now]
    if entry["kind"] == "check":
        state = "passed" if entry["passed"] else "failed"
    state += ", expired" if expired and state else ""
    name = f"{entry['vessel']}.{entry['name']}"
    method = entry["method"] if entry["kind"] != "undo" else f"undo {entry['undoes']}"
    when = entry["time"][:16].replace("T", " ")
    return entry["id"], name, method, when, entry["who"], entry["expires"][:10] or "never", state, entry["reason"]


def _valid(args: argparse.Namespace) -> float | None:
    """How long a new entry is valid, in s. Raises ``ValueError``."""
    if args.expires is None:
        return None
    if args.expires == "never":
        return math.inf
    try:
        return parse_quantity(args.expires, "d").to("s")
    except UnitError as error:
        raise NotPossible(f"--expires: {error.message} ({error.hint})") from error


def _resume_or_new(text: str) -> bool:
    if text not in {"resume", "new"}:
        raise ValueError("resume or new")
    return text == "resume"


def _show(value: float) -> None:
    """The live value, on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r  {value:.5g}      \r")


def _interrupted(how: str) -> int:
    sys.stderr.write("\n")  # a question may stand there without an answer
    return _refuse(f"{how}: --resume goes on, --abandon gives it up")


def _refuse(reason: str) -> int:
    sys.stderr.write(f"biovisor device calibrate: {reason}\n")
    return 1
