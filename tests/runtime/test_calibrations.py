"""Stored calibrations of a site: in force, overdue, and wrong."""

import json
import os
import re
import resource
import time

import pytest

from controller.cli.main import main
from controller.composition.assembly import Assembly
from controller.composition.calibrations import ids, overdue, start_events, stored
from controller.composition.options import Options
from controller.composition.paths import calibrations_path
from controller.config.load import load_site
from controller.model.build import build
from controller.store.calibrations import append
from tests.cli.calibration_bench import VESSEL, write_site
from tests.runtime.test_assembly import Clock

UTC = Clock().utc()
DAY = 86_400.0


@pytest.fixture
def site(tmp_path):
    return write_site(tmp_path)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def put(data, name="feed_flow", unit="mL/{rev}", factor=0.2, expires="", simulated=False, kind="calibration", **more):
    utc = more.pop("utc", UTC)
    new = {"factor": {"value": factor, "unit": unit}, "offset": more.pop("offset", None)}
    body = {"kind": kind, "vessel": VESSEL, "name": name, "method": "x", "who": "Ann", "reason": "r", "readings": [],
            "references": [], "old": None, "new": new, "passed": None, "expires": expires, **more}  # fmt: skip
    return append(calibrations_path(data, "bench", simulated=simulated), body, utc, "CAL")


def in_force(site, data, simulated=False):
    loaded = load_site(site)
    found = stored(loaded, data, simulated=simulated)
    return loaded._replace(calibrations=found.in_force), found


def test_the_newest_entry_goes_before_the_site_file_everywhere_it_is_used(site, data):
    put(data, factor=0.3)
    newest = put(data, factor=0.2)
    tags = build(in_force(site, data)[0]).tags
    total, flow = (tags.tags[tags.index[f"{VESSEL}.{name}"]] for name in ("feed_total", "feed_flow"))
    assert total.point.gain == pytest.approx(0.2)
    assert flow.point.gain == pytest.approx(0.2 * 60)
    assert {total.calibration.id, flow.calibration.id} == {newest["id"]}
    base = tags.tags[tags.index[f"{VESSEL}.base_flow"]]
    assert (base.calibration.id, base.calibration.date) == ("site file", "2026-11-02")
    assert tags.tags[tags.index[f"{VESSEL}.temperature"]].calibration is None


def test_simulated_and_real_ones_are_never_mixed(site, data):
    put(data, simulated=True)
    assert ids(in_force(site, data)[0])[f"{VESSEL}.feed_flow"] == "site file"
    assert ids(in_force(site, data, simulated=True)[0])[f"{VESSEL}.feed_flow"] == "CAL-20261118-1"


def test_what_is_missing_expired_or_failed(site, data):
    put(data, name="ph", unit="[pH]", factor=1.0, expires="2026-11-01T00:00:00.000Z")
    put(data, name="do", unit="%", factor=1.0, expires="2027-11-01T00:00:00.000Z")
    put(data, name="weight", kind="check", passed=False)
    loaded, found = in_force(site, data)
    due = overdue(loaded, found, VESSEL, UTC)
    assert [(one.name, one.what) for one in due] == [("ph", "expired"), ("weight", "failed")]
    assert "expired on 2026-11-01" in due[0].text
    later = overdue(loaded, found, VESSEL, UTC + 400 * DAY)
    assert [one.name for one in later] == ["do", "ph", "weight"]


def test_the_record_tells_what_is_in_force_and_what_changed(site, data):
    put(data)
    loaded, found = in_force(site, data)
    first = start_events(loaded, found, {}, UTC)
    assert {one.object: one.value for one in first} == {
        f"{VESSEL}.feed_flow": "CAL-20261118-1", f"{VESSEL}.base_flow": "site file",
    }  # fmt: skip
    assert {one.subtype for one in first} == {"Status Change"}
    second = start_events(loaded, found, {f"{VESSEL}.feed_flow": "site file", f"{VESSEL}.ph": "CAL-1"}, UTC)
    changed = {one.object: (one.value, one.previous) for one in second if one.subtype == "Modification"}
    assert changed == {f"{VESSEL}.feed_flow": ("CAL-20261118-1", "site file"), f"{VESSEL}.ph": ("", "CAL-1")}


def test_a_name_that_is_gone_is_a_problem_and_does_not_keep_the_rest_from_running(site, data, capsys):
    put(data, name="no_such_flow")
    put(data)
    _, found = in_force(site, data)
    assert list(found.in_force) == [(VESSEL, "feed_flow")]
    assert "no_such_flow any more" in found.warnings[0]
    assert main(["check", str(site), "--data", str(data)]) == 1
    printed = capsys.readouterr().out
    assert f"{calibrations_path(data, 'bench', simulated=False)}:1:1: CAL-20261118-1" in printed
    assert "any more" in printed
    undo = ["device", "calibrate", str(site), VESSEL, "no_such_flow", "--undo", "--who", "Ann", "--reason", "gone"]
    assert main([*undo, "--data", str(data)]) == 0
    capsys.readouterr()
    assert main(["check", str(site), "--data", str(data)]) in {0, 1}
    assert "no_such_flow" not in capsys.readouterr().out


def test_a_factor_in_another_unit_stops_the_start(site, data, capsys):
    put(data, unit="g/{rev}")
    wrong = "its factor in g/{rev} does not give the unit of feed_total"
    with pytest.raises(ValueError, match=re.escape(wrong)):
        Assembly(Options(site, data), Clock(), simulated=False)
    assert main(["check", str(site), "--data", str(data)]) == 1
    assert wrong in capsys.readouterr().out
    undo = ["device", "calibrate", str(site), VESSEL, "feed_flow", "--undo", "--who", "Ann", "--reason", "unit"]
    assert main([*undo, "--data", str(data)]) == 0
    assert wrong in capsys.readouterr().err
    Assembly(Options(site, data), Clock(), simulated=False).close(clean=True)


def test_a_vessel_that_is_gone_and_a_calibration_that_is_missing(site, data, capsys):
    put(data, vessel="BR-109")
    assert main(["check", str(site), "--data", str(data)]) == 1
    assert "there is no vessel 'BR-109' any more" in capsys.readouterr().out
    loaded, found = in_force(site, data)
    config = loaded.config
    bare = config.vessels[VESSEL].model_copy(update={"calibration": {}})
    loaded = loaded._replace(config=config.model_copy(update={"vessels": {VESSEL: bare}}))
    due = overdue(loaded, found, VESSEL, UTC)
    assert [(one.name, one.what) for one in due] == [("base_flow", "missing"), ("feed_flow", "missing")]


def test_an_altered_entry_stops_the_start_and_is_a_problem(site, data, capsys):
    put(data)
    path = calibrations_path(data, "bench", simulated=False)
    path.write_bytes(path.read_bytes().replace(b"0.2", b"0.3"))
    with pytest.raises(ValueError, match="altered"):
        Assembly(Options(site, data), Clock(), simulated=False)
    assert main(["check", str(site), "--data", str(data)]) == 1
    assert "altered" in capsys.readouterr().out


def test_an_expired_one_is_used_and_told(site, data, caplog):
    put(data, expires="2026-11-01T00:00:00.000Z")
    assembly = Assembly(Options(site, data), Clock(), simulated=False)
    tag = assembly.site.tags.tags[assembly.site.tags.index[f"{VESSEL}.feed_total"]]
    assert tag.point.gain == pytest.approx(0.2)
    assert "expired on 2026-11-01" in caplog.text
    assembly.close(clean=True)
    told = [one for one in assembly.store.entries(limit=100) if one["value"] == "expired"]
    assert [one["object"] for one in told] == [f"{VESSEL}.feed_flow"]


def test_list_and_undo_without_a_wire(site, data, capsys):
    words = ["device", "calibrate", str(site)]
    end = ["--data", str(data)]
    assert main([*words, "--list", *end]) == 0
    assert capsys.readouterr().out == "nothing is stored\n"
    put(data, factor=0.2)
    put(data, factor=0.3)
    undo = [*words, VESSEL, "feed_flow", "--undo", "--who", "Ann", "--reason", "wrong tube", *end]
    assert main(undo) == 0
    assert "CAL-20261118-1 in place of CAL-20261118-2" in capsys.readouterr().out
    assert ids(in_force(site, data)[0])[f"{VESSEL}.feed_flow"] == "CAL-20261118-1"
    assert main(undo) == 0
    assert "site file in place of CAL-20261118-1" in capsys.readouterr().out
    assert main(undo) == 1
    assert "nothing is stored" in capsys.readouterr().err
    put(data, factor=0.25)
    assert main([*words, "--list", *end]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 6
    assert [row for row in rows if "in force" in row] == [rows[-1]]
    assert main([*words, VESSEL, "feed_flow", "--list", "--json", *end]) == 0
    listed = json.loads(capsys.readouterr().out)["calibrations"]
    assert [one["in_force"] for one in listed] == [False] * 4 + [True]
    assert main([*words, VESSEL, "ph", "--list", *end]) == 0
    assert capsys.readouterr().out == "nothing is stored\n"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["BR-109", "ph", "--method", "ph-1"], "there is no vessel 'BR-109'"),
        ([VESSEL, "temperature", "--method", "ph-1"], "temperature is not measured in [pH]; measured so: ph"),
        ([VESSEL, "feed_flw", "--method", "pump-volume"], "by the name of its flow: base_flow, feed_flow"),
        ([VESSEL, "ph", "--method", "pump-volume"], "no output ph"),
        (
            [VESSEL, "feed_flow", "--method", "pump-volume", "--answer", "speed=40", "--answer", "amount=5 s"],
            "that would be 3.33 revolutions; at least 5 are needed",
        ),
        ([VESSEL, "feed_flow", "--method", "pump-balance"], "which balance?"),
        ([VESSEL, "ph", "--resume"], "nothing is open"),
        ([VESSEL, "ph", "--method", "ph-1", "--expires", "soon"], "--expires"),
    ],
)
def test_what_cannot_be_asked_for(site, data, capsys, words, why):
    assert main(["device", "calibrate", str(site), *words, "--data", str(data)]) == 1
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], [VESSEL], [VESSEL, "ph"]])
def test_wrong_words(site, capsys, words):
    assert main(["device", "calibrate", str(site), *words]) == 2
    lists = f"  {VESSEL}: ph, do, " in capsys.readouterr().err
    assert lists == (len(words) < 2)


def test_not_beside_a_supervisor_on_the_same_data(site, data, capsys):
    from controller.composition.lease import Lease

    lease = Lease(data)
    try:
        assert main(["device", "calibrate", str(site), VESSEL, "ph", "--method", "ph-1", "--data", str(data)]) == 1
    finally:
        lease.release()
    errors = capsys.readouterr().err
    assert "a wire has one owner, so stop the supervisor first" in errors


def test_what_is_stored_while_a_supervisor_runs_waits_and_is_seen_to(site, data):
    data.mkdir()
    assembly = Assembly(Options(site=site, data=data), Clock(), simulated=False)
    watch = assembly.watch
    watch.look()
    assert watch.view() == []
    first = put(data, factor=0.2)
    watch.look()
    waiting = {"vessel": VESSEL, "name": "feed_flow", "id": first["id"], "in_force": "site file"}
    assert watch.view() == [waiting]
    total = next(tag for tag in assembly.site.tags.tags if tag.name == "feed_total")
    assert total.point.gain == pytest.approx(0.1), "nothing changes beneath a batch"
    assembly.runtime.tick(0)
    assert assembly.publisher.latest.state["waiting_calibrations"] == [waiting]
    undo = {"kind": "undo", "restores": "site file", "undoes": first["id"]}
    put(data, **undo)
    watch.look()
    assert watch.view() == []
    path = calibrations_path(data, "bench", simulated=False)
    path.write_text(path.read_text().replace("Ann", "Eve"))
    watch.look()
    assembly.close(clean=True)
    told = " ".join(one["text"] for one in assembly.store.entries(0, 9999))
    assert "waits for the next start; until then calibration site file" in told
    assert "nothing waits for the next start" in told
    assert "was altered, removed or reordered; what is in force stays so" in told


def test_a_file_that_could_not_be_read_for_a_moment_is_looked_at_again(site, data):
    data.mkdir()
    assembly = Assembly(Options(site=site, data=data), Clock(), simulated=False)
    put(data)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        assembly.watch.look()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert assembly.watch.view() == []
    assembly.watch.look()
    assert len(assembly.watch.view()) == 1
    assembly.close(clean=True)
    told = " ".join(one["text"] for one in assembly.store.entries(0, 9999))
    assert "cannot be read: Too many open files; what is in force stays so" in told


def test_the_list_tells_what_the_running_supervisor_goes_on_with(site, data, capsys):
    from controller.composition.lease import Lease

    lease = Lease(data)
    now = time.time()  # file times and stamps of calibrations are UTC
    first = put(data, utc=now - 200)
    os.utime(lease.path, (now - 300, now - 300))
    words = ["device", "calibrate", str(site), "--data", str(data)]
    try:
        assert main([*words, "--list"]) == 0
        assert "waits for the next start" in capsys.readouterr().out
        os.utime(lease.path, (now - 100, now - 100))
        assert main([*words[:3], VESSEL, "feed_flow", *words[3:], "--undo", "--who", "Ann", "--reason", "wrong"]) == 0
        assert f"goes on with {first['id']} until then (process {os.getpid()}, since" in capsys.readouterr().out
        assert main([*words, "--list"]) == 0
        assert "in force until the next start" in capsys.readouterr().out
    finally:
        lease.release()
    assert main([*words, "--list"]) == 0
    assert "in force" not in capsys.readouterr().out
