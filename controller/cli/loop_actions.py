"""What ``biovisor loop`` does, action by action."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from controller.cli.loop_client import Client, Document, Failed, path_of, plain
from controller.cli.shared import table
from controller.model.pid_forms import Standard, to_parallel, to_series

WAIT_S = 10
_FIGURES = {
    "elapsed_s": ("elapsed", "s"),
    "controlled_s": ("controlled", "s"),
    "not_automatic_s": ("not automatic", "s"),
    "bad_pv_s": ("bad PV", "s"),
    "unseen_s": ("unseen", "s"),
    "iae": ("IAE", "{pv} s"),
    "itae": ("ITAE", "{pv} s2"),
    "tv": ("TV", "{op}"),
    "offset": ("offset", "{pv}"),
    "mean_absolute_error": ("mean absolute error", "{pv}"),
    "sigma": ("sigma", "{pv}"),
    "tv_per_h": ("TV per hour", "{op}"),
    "in_band": ("in band", "%"),
    "saturated": ("saturated", "%"),
    "saturated_high": ("saturated, high", "%"),
}
QUANTITY = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s+(\S.*?)\s*")


def say(args: argparse.Namespace, document: Document, text: str) -> int:
    """Print the one or the other; the exit code is 0."""
    sys.stdout.write(f"{json.dumps(document, indent=2)}\n" if args.json else text)
    return 0


def show_list(client: Client, args: argparse.Namespace) -> int:
    """Every loop."""
    vessels = client.get("/api/v1/vessels")["vessels"]
    loops = [{"vessel": vessel["name"], **loop} for vessel in vessels for loop in vessel["loops"]]
    rows = [("loop", "mode", "PV", "setpoint", "output", "held by")]
    rows += [
        (
            f"{loop['vessel']}.{loop['name']}",
            _mode(loop),
            number(loop["pv"], loop["unit"]),
            number(loop["sp"], loop["unit"]),
            number(loop["op"], loop["op_unit"]) + (f" (at its {loop['limited']} limit)" if loop["limited"] else ""),
            _holder(loop),
        )
        for loop in loops
    ]
    return say(args, {"loops": loops}, table(rows))


def show(client: Client, args: argparse.Namespace) -> int:
    """One loop and its tuning."""
    path = path_of(args.loop)
    loop = _one(client, args.loop)
    lines = [
        ("loop", f"{loop['title']} ({loop['type']})"),
        ("mode", f"{_mode(loop)}, held by {_holder(loop)}: {loop['mode_reason']}"),
        ("PV", number(loop["pv"], loop["unit"])),
        ("setpoint", f"{number(loop['sp'], loop['unit'])} within {loop['sp_low']:g} .. {loop['sp_high']:g}"),
        ("output", f"{number(loop['op'], loop['op_unit'])} within {loop['op_low']:g} .. {loop['op_high']:g}"),
    ]
    if loop["type"] != "pid":
        return say(args, loop, table(lines))
    tuning = client.get(f"{path}/tuning")
    written = _written(tuning, args.form)
    lines.append(("tuning", f"version {tuning['version']}: {written['text']}"))
    lines.append(("", f"{tuning['who']}: {tuning['reason']}"))
    if tuning["scheduled"]:
        lines.append(("", "gain and times follow a schedule"))
    return say(args, {**loop, "tuning": tuning, "form": args.form, **written["parameters"]}, table(lines))


def change(client: Client, args: argparse.Namespace) -> int:
    """A setpoint."""
    found = QUANTITY.fullmatch(args.value)
    if found is None:
        raise Failed(f'{args.value!r} is no quantity: write number and unit, such as "36.5 Cel"', 2)
    body = {"value": float(found.group(1)), "unit": found.group(2), "reason": args.reason}
    answer = client.put(f"{path_of(args.loop)}/setpoint", body, WAIT_S)
    return say(args, answer, f"{args.loop} setpoint {args.value.strip()}: {answer['state'].replace('_', ' ')}\n")


def mode(client: Client, args: argparse.Namespace) -> int:
    """A mode."""
    answer = client.put(f"{path_of(args.loop)}/mode", {"mode": args.mode, "reason": args.reason}, WAIT_S)
    return say(args, answer, f"{args.loop} {args.mode}: {answer['state'].replace('_', ' ')}\n")


def health(client: Client, args: argparse.Namespace) -> int:
    """How well a loop does."""
    found = client.get(f"{path_of(args.loop)}/health")
    if args.sisters:
        return _sisters(client, args, found)
    batch: Mapping[str, Any] = found["batch"] or {}
    columns = {"all time": found["all"], "batch": batch}
    columns |= {one["operation"] or "(no operation)": one for one in batch.get("operations", ())}
    rows = _columns(found, columns)
    recent = [(name.replace("_", " "), _figure(value)) for name, value in found["recent"].items()]
    return say(args, found, f"{_judged_by(found)}\n{table(rows)}\nnewest series of settled control\n{table(recent)}")


def _sisters(client: Client, args: argparse.Namespace, found: Document) -> int:
    """The loop on every vessel of its class: their present or last batches, or all time before any."""
    vessel, _, name = args.loop.partition(".")
    if args.operation:
        what, query = f"operation {args.operation} of present or last batches", {"operation": args.operation}
    elif found["batch"]:
        what, query = "present or last batches", {"scope": "batch"}
    else:
        what, query = "all time", {"scope": "all"}
    loops: Sequence[Document] = client.get(f"/api/v1/health/loops?{urlencode(query)}")["loops"]
    alike = (one for one in loops if one["loop"] == name and any(each["vessel"] == vessel for each in one["vessels"]))
    compared: Document = next(alike, {"vessels": []})
    rows = _columns(found, {one["vessel"]: one["figures"] or {} for one in compared["vessels"]})
    return say(args, compared, f"{_judged_by({**found, 'batch': None})}{what}\n\n{table(rows)}")


def _columns(found: Document, columns: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """The rows of a table with the figures of ``columns`` side by side."""
    rows: list[tuple[str, ...]] = [("", "unit", *columns)]
    rows += [
        (title, _unit_of(name, found), *[_figure(one.get(name)) for one in columns.values()])
        for name, (title, _) in _FIGURES.items()
    ]
    return rows


def tune(client: Client, args: argparse.Namespace) -> int:
    """A tuning by experiment; what it computes with is imported only here."""
    from controller.cli.loop_tune import tune

    return tune(client, args)


ACTIONS: dict[str, Callable[[Client, argparse.Namespace], int]] = {
    "list": show_list,
    "show": show,
    "set": change,
    "mode": mode,
    "tune": tune,
    "health": health,
}


def _mode(loop: Document) -> str:
    """The commanded mode, and the actual one where it is another."""
    return str(loop["mode"] if loop["actual"] == loop["mode"] else f"{loop['mode']}, really {loop['actual']}")


def _holder(loop: Document) -> str:
    """Who holds a loop; nobody one that was never touched."""
    return "nobody" if loop["actual"] == "off" and loop["revision"] == 0 else str(loop["held_by"])


def _one(client: Client, name: str) -> Document:
    """A loop as its vessel shows it."""
    vessel, _, loop = name.partition(".")
    loops: Sequence[Document] = client.get(path_of(name).partition("/loops/")[0])["loops"]
    found = next((one for one in loops if one["name"] == loop), None)
    if found is None:
        raise Failed(f"{vessel} has no loop {loop!r}; it has {', '.join(one['name'] for one in loops)}")
    return found


def _written(tuning: Document, form: str) -> Document:
    """A tuning in one of the three forms. Raises :class:`Failed` where there is none."""
    td = tuning["derivative_time"]
    isa = Standard(
        tuning["gain"],
        float("inf") if tuning["integral_time"] is None else tuning["integral_time"],
        td,
        td / tuning["derivative_filter"],
    )
    unit = plain(tuning["gain_unit"])
    if form == "parallel":
        gains = to_parallel(isa)
        kp, ki, kd = gains.proportional, gains.integral, gains.derivative
        text = f"Kp {kp:.5g} {unit}, Ki {ki:.5g} {unit}/s, Kd {kd:.5g} {unit}*s"
        return {"text": text, "parameters": {"kp": kp, "ki": ki, "kd": kd}}
    try:
        one = to_series(isa) if form == "series" else isa
    except ValueError as error:
        raise Failed(str(error)) from None
    reset = None if one.integral_time == float("inf") else one.integral_time
    shown = "none" if reset is None else f"{reset:.5g} s"
    text = f"K {one.gain:.5g} {unit}, Ti {shown}, Td {one.derivative_time:.5g} s"
    return {"text": text, "parameters": {"k": one.gain, "ti_s": reset, "td_s": one.derivative_time}}


def number(value: float | None, unit: str) -> str:
    """A value with its unit; a dash where there is none."""
    return "-" if value is None else f"{value:.5g} {unit}".rstrip()


def _judged_by(found: Document) -> str:
    """By what band a loop is judged, and which batch is meant."""
    if not found["judged"]:
        return "not judged: the loop has no PV\n"
    band = f"good within {number(found['band'], found['unit'])} of the setpoint, by the {found['band_from']}\n"
    batch = found["batch"]
    return band + (f"batch {batch['id']}{', running' if batch['running'] else ''}\n" if batch else "")


def _unit_of(name: str, found: Document) -> str:
    """The unit of a figure of a loop's health."""
    return _FIGURES[name][1].format(pv=found["unit"], op=found["output_unit"])


def _figure(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name.replace('_', ' ')} {_figure(one)}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:.4g}"
    return "-" if value is None else str(value)
