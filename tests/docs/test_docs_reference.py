"""The tables of the reference against the product: every route, option, fault and field, no more and no less."""

import argparse
import math
from typing import get_args

import pytest
from fastapi import FastAPI

from controller.api import models
from controller.api.answers import PROBLEMS
from controller.api.app import ROUTERS
from controller.api.routes.batches import Action
from controller.cli.main import COMMANDS, EXIT_CODES, build_parser
from controller.config.calculated_base import CalculatedBase
from controller.config.calculated_class import METHODS
from controller.explain.actual import ACTUAL
from controller.explain.cause import Kind
from controller.stages.experiment import Guards
from controller.stages.loop_state import Mode
from controller.stages.relay import Relay
from controller.stages.soft.registry import MODELS
from controller.stages.tuner import Tuner
from controller.stages.tuning_report import TuningReport
from controller.stages.tuning_sets import TuningSets
from simulators.control import Control
from simulators.description import STATE_RANGES
from simulators.hands import ACTIONS
from simulators.mishap_port import MishapPort
from simulators.mishaps.book import Book
from simulators.mishaps.catalogue import AT_ONCE, CATALOGUE
from tests.control.conftest import Rig, bench_site
from tests.control.health_bench import Bench as HealthBench
from tests.docs.conftest import ROOT, code, inline, names, prose, table

HTTP = ROOT / "docs/reference/http-api.md"
FAULTS = ROOT / "docs/how-to/rehearse-faults.md"
CLI = ROOT / "docs/reference/command-line.md"
SOFT = ROOT / "docs/reference/soft-sensors.md"
MODES = ROOT / "docs/reference/modes.md"
SIMULATORS = ROOT / "docs/how-to/use-the-simulators.md"


LOOP_KEYS = {"actual", "mode_reason"}
"""Keys of a loop that its explanation gives as well."""
EXPERIMENT = "/api/v1/vessels/{vessel}/loops/{loop}/experiment"
QUERIES = [
    ("history", "/api/v1/history"),
    ("events", "/api/v1/events"),
    ("health", "/api/v1/health/loops"),
    ("experiment", EXPERIMENT),
]


@pytest.fixture(scope="module")
def paths():
    """The paths of the OpenAPI document."""
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return app.openapi()["paths"]


def test_every_route_is_in_the_table_and_no_other(paths):
    routes = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    listed = names(table(HTTP, "Request"))
    assert sorted(listed) == sorted(routes)


def test_every_action_on_a_batch_is_named():
    row = next(row for row in table(HTTP, "Request") if "{action}" in row[0])
    assert code(row[1]) == list(Action)


@pytest.mark.parametrize(("head", "path"), QUERIES)
def test_every_query_parameter_is_described(paths, head, path):
    given = paths[path]["get"]["parameters"]
    parameters = [parameter["name"] for parameter in given if parameter["in"] == "query"]
    assert sorted(names(table(HTTP, f"Query of {head}"))) == sorted(parameters)


def test_every_field_of_a_body_is_described():
    bodies = {
        "setpoint": models.SetpointChange,
        "output": models.OutputChange,
        "mode": models.ModeChange,
        "new batch": models.NewBatch,
        "prompt": models.PromptAnswer,
        "program": models.ProgramChange,
        "bottle": models.BottleChange,
        "tuning": models.TuningChange,
        "experiment": models.TuneStart,
        "undo and stop": models.Because,
    }
    described = {name: {"reason"} for name in bodies}
    for fields, where, _ in table(HTTP, "Field of a body"):
        for name in bodies if where == "all" else where.split(", "):
            described[name] |= set(code(fields))
    assert described == {name: set(model.model_fields) for name, model in bodies.items()}


def test_every_figure_of_loop_health_is_described():
    bench = HealthBench()
    bench.scan(0.1)
    view = bench.view()
    assert names(table(HTTP, "Figure")) == list(view["all"])
    assert names(table(HTTP, "Key", "Loop health")) == ["time", *view]
    assert names(table(HTTP, "Key of `recent`")) == list(view["recent"])


def test_every_reason_of_an_output_is_described():
    rig = Rig(bench_site())
    rig.run(2)
    view = rig.scan.view()
    assert names(table(HTTP, "Kind")) == list(Kind)
    described = names(table(HTTP, "Key", "Why an output is at its value"))
    assert described == ["time", "vessel", *(key for key in view.why.loop("BR-101.do") if key not in LOOP_KEYS)]
    assert {*names(table(HTTP, "Key", "A loop")), *LOOP_KEYS} == {*view.vessels[0]["loops"][0], "unit"}


def test_every_mode_is_described():
    assert names(table(MODES, "Mode")) == [mode.word for mode in Mode]
    assert names(table(MODES, "Actual mode")) == list(ACTUAL)
    words = {mode.word for mode in Mode}
    for start, end, _ in table(MODES, "From"):
        assert {*code(start), *code(end)} <= words
    assert set(get_args(models.ModeChange.model_fields["mode"].annotation)) == words


def test_every_status_of_a_problem_is_described():
    assert names(table(HTTP, "Status")) == [str(status) for status in PROBLEMS]


def subparsers():
    actions = build_parser()._actions
    return next(action for action in actions if isinstance(action, argparse._SubParsersAction)).choices


def nested():
    """The actions of commands that have some, as commands of their own."""
    return {
        f"{command} {name}": parser
        for command, outer in subparsers().items()
        for action in outer._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, parser in action.choices.items()
    }


def test_every_key_of_an_experiment_is_described():
    bench = HealthBench()
    guards = Guards(0.0, 100.0, 0.0, 100.0)
    tuner = Tuner(bench.loops, 10.0, lambda *_: None, lambda *_: "", lambda _: "")
    tuner.start(bench.row, Relay(50.0, 1.0, guards, 10.0), "ann")
    shown = TuningReport(bench.site, TuningSets(bench.loops), tuner).experiment("BR-101", "temperature")
    assert names(table(HTTP, "Key of an experiment")) == list(shown)


def test_every_command_has_its_section():
    headings = [line[3:] for line in prose(CLI).splitlines() if line.startswith("## ")]
    assert sorted(headings) == sorted(COMMANDS) == sorted(subparsers())


@pytest.mark.parametrize("command", [*COMMANDS, *nested()])
def test_every_argument_is_described_with_its_default(command):
    parser = {**subparsers(), **nested()}[command]
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    rows = table(CLI, "Argument", command)
    assert sorted(names(rows)) == sorted((action.option_strings or [action.dest])[-1] for action in actions)
    defaults = {name: code(row[1]) for row in rows for name in code(row[0])}
    for action in actions:
        shown = defaults[(action.option_strings or [action.dest])[-1]]
        if shown and action.default is not None:
            assert shown == [f"{action.default:g}" if isinstance(action.default, float) else str(action.default)]


def test_the_exit_codes_are_those_of_the_help():
    told = dict(line.split(maxsplit=1) for line in EXIT_CODES.splitlines()[1:])
    assert {code(row[0])[0]: row[1] for row in table(CLI, "Exit code")} == told


def test_every_operation_and_action_of_the_control_port_is_described():
    requests = names(table(SIMULATORS, "Request"))
    known = Control(None, {}, MishapPort(Book({}), {}, {}, 1.0).operations)._operations
    assert {request.split('"')[3] for request in requests} == set(known)
    for row in table(SIMULATORS, "Action of `hands`"):
        assert set(code(row[1])) == ACTIONS[code(row[0])[0]].neutral.keys()
    assert set(names(table(SIMULATORS, "Action of `hands`"))) == set(ACTIONS)


def test_the_catalogue_of_process_faults_is_the_plants():
    rows = table(FAULTS, "No.")
    assert [(row[0], code(row[1])[0]) for row in rows] == [(one.number, name) for name, one in CATALOGUE.items()]
    for row, mishap in zip(rows, CATALOGUE.values(), strict=True):
        assert row[2] == mishap.befalls or tuple(code(row[2])) == mishap.signals, mishap.name
        size = mishap.magnitude
        shown = f"{size.usual:g} {size.unit}, {size.low:g} .. {size.high:g}; {size.basis}" if size else ""
        assert (row[3], row[5], row[6]) == (shown, mishap.seen, mishap.ending), mishap.name
        if math.isfinite(mishap.duration_s):
            assert row[4].removeprefix("grows for ") == f"{mishap.duration_s:g} s", mishap.name
            assert row[4].startswith("grows") is mishap.ramp
        else:
            assert row[4] == ("a moment" if mishap.ending == AT_ONCE else "until cleared"), mishap.name


def test_every_state_variable_is_named():
    assert set(inline(SIMULATORS)) >= set(STATE_RANGES)


def test_every_method_of_a_soft_sensor_is_described_with_its_version_and_inputs():
    told = {code(row[0])[0]: (int(row[2]), code(row[3])) for row in table(SOFT, "`from`")}
    known = {}
    for method in METHODS.models():
        inputs = method.model_fields["inputs"].annotation
        fields = getattr(inputs, "model_fields", {})
        known[word(method)] = (method.version, sorted(fields))
    assert {name: (version, sorted(inputs)) for name, (version, inputs) in told.items()} == known
    assert set(told) == set(MODELS)


def test_every_parameter_of_a_soft_sensor_is_described_with_its_default():
    told = {
        (method, name): (code(row[2]) or [None])[0]
        for row in table(SOFT, "Parameter")
        for method in code(row[1])
        for name in code(row[0])
    }
    common = {"from_", "inputs", *CalculatedBase.model_fields}
    known = {
        (word(method), name): field.default if isinstance(field.default, str) else None
        for method in METHODS.models()
        for name, field in method.model_fields.items()
        if name not in common
    }
    assert told == known


def word(method):
    """The ``from`` of a method."""
    return method.model_fields["from_"].annotation.__args__[0]
