"""What is shown of a scan."""

import json

import numpy as np
import pytest

from controller.commands import Verb
from controller.stages.limit_marks import LimitMarks


def test_columns_describe_every_array_place(rig):
    rig.step()
    view, columns = rig.scan.view(), rig.scan.columns
    n = len(columns.described)
    assert n == len(columns.connections) == len(view.value) == len(view.quality) == len(view.reason) == len(view.age)
    assert {column["kind"] for column in columns.described} == {"tag", "sp", "op", "wanted", "hours", "total", "left"}
    assert not any(column["name"] == "count_request" for column in columns.described)
    json.dumps(columns.described, allow_nan=False)


def test_a_calculated_column_names_its_model_with_version_and_inputs(rig):
    columns = {column["name"]: column for column in rig.scan.columns.described if column["kind"] == "tag"}
    assert columns["our"]["model"] == "our_dynamic 1"
    assert columns["our"]["inputs"] == ["do", "oxygen_in_gas", "pressure", "kla", "temperature", "gas_total", "volume"]
    assert (columns["our"]["low"], columns["our"]["high"]) == (None, None), "nobody said what is credible"
    assert (columns["volume"]["low"], columns["volume"]["high"]) == (0.5, 2.0)
    assert (columns["temperature"]["model"], columns["temperature"]["inputs"]) == ("", [])


def test_a_loops_columns_are_its_own(rig):
    rig.set(temperature=36.0)
    rig.step()
    rig.setpoint("temperature", 36.5)
    rig.run(30)
    view, columns = rig.scan.view(), rig.scan.columns.described
    loop = view.vessels[0]["loops"][0]
    assert [columns[loop[key]]["kind"] for key in ("pv", "sp", "op")] == ["tag", "sp", "op"]
    assert [columns[loop[key]]["name"] for key in ("pv", "sp", "op")] == ["temperature"] * 3
    assert view.value[loop["sp"]] == 36.5
    assert view.value[loop["pv"]] == 36.0
    feed = next(loop for loop in view.vessels[0]["loops"] if loop["name"] == "feed")
    assert feed["pv"] is None


def test_lists_are_rebuilt_only_when_something_changed(rig):
    rig.run(3)
    first = rig.scan.view()
    rig.run(5)
    same = rig.scan.view()
    assert same.revision == first.revision
    assert same.vessels is first.vessels
    rig.mode("temperature", "auto")
    changed = rig.scan.view()
    assert changed.revision["vessels"] > first.revision["vessels"]
    assert changed.revision["alarms"] == first.revision["alarms"]


def test_the_arrays_belong_to_the_caller(rig):
    rig.step()
    first = rig.scan.view()
    for array in (first.value, first.quality, first.reason, first.age):
        array.flags.writeable = False
    rig.step()
    assert rig.scan.view().value is not first.value


def test_an_output_of_which_nothing_is_known_is_bad(make_rig):
    rig = make_rig()
    rig.lost = {"plc-101"}
    rig.step()
    view = rig.scan.view()
    air = next(loop for loop in view.vessels[0]["loops"] if loop["name"] == "air")
    assert np.isnan(view.value[air["op"]])
    assert view.quality[air["op"]] == 2
    assert air["mode_reason"] == "waiting for the outputs to be read"


def test_a_limited_controller_says_so(rig):
    rig.set(temperature=30.0)
    rig.step()
    rig.mode("temperature", "auto")
    rig.run(400)
    assert rig.scan.view().vessels[0]["loops"][0]["limited"] == "high"
    assert rig.device("heater") == 100.0


def test_a_noisy_controller_at_its_limit_does_not_flicker(rig):
    rig.set(temperature=35.8)
    rig.step()
    rig.mode("temperature", "auto")
    rig.run(900)
    before, row, raw = rig.scan.view().revision["vessels"], rig.loop("temperature"), set()
    for scan in range(120):
        rig.set(temperature=35.8 + (0.4 if scan % 6 < 3 else -0.4))
        rig.step()
        raw.add(float(rig.scan.loops.limited[row]))
        assert rig.scan.view().vessels[0]["loops"][0]["limited"] == "high"
    assert raw == {0.0, 1.0}
    assert rig.scan.view().revision["vessels"] == before
    rig.set(temperature=37.5)
    rig.run(120)
    assert rig.scan.view().vessels[0]["loops"][0]["limited"] != "high"


def test_the_other_limit_is_shown_only_when_the_first_was_left_for_a_minute():
    marks, shown = LimitMarks(1), []
    for limited in [0.0, 1.0, *[-1.0] * 30, 1.0, *[-1.0] * 61, *[0.0] * 61]:
        marks.step(np.array([limited]), 1.0)
        shown.append(float(marks.shown[0]))
    assert shown == [0.0, *[1.0] * 91, *[-1.0] * 61, 0.0, 0.0]


def test_conditions_read_tags_setpoints_and_outputs(rig):
    rig.set(temperature=36.0)
    rig.step()
    rig.mode("temperature", "manual")
    rig.step(rig.command(Verb.OUTPUT, "temperature", value=20.0))
    read = rig.scan.reader.read
    assert read("BR-101", "temperature") == (36.0, 0)
    assert read("BR-101", "temperature.sp") == (37.0, 0)
    assert read("BR-101", "temperature.op") == (20.0, 0)


def test_a_feeds_columns_are_its_own(rig):
    rig.run(3)
    assert (
        rig.step(rig.command(Verb.PROGRAM, "feed", program="constant", parameters={"rate": 30.0})).outcomes[0].applied
    )
    rig.set(feed_total=12.0)
    rig.run(3)
    view, columns = rig.scan.view(), rig.scan.columns.described
    places = {f"{c['vessel']}.{c['name']}.{c['kind']}": place for place, c in enumerate(columns)}
    found = {kind: view.value[places[f"BR-101.feed.{kind}"]] for kind in ("wanted", "hours", "total", "left")}
    assert found == {"wanted": 30.0, "hours": pytest.approx(3.0 / 3600.0), "total": 12.0, "left": 1988.0}
    assert columns[places["BR-101.feed.total"]]["unit"] == "mL"
    assert np.isnan(view.value[places["BR-102.feed.wanted"]])
    assert np.isnan(view.value[places["BR-102.feed.hours"]])
