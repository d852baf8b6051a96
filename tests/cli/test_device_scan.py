"""``biovisor device list`` and ``scan``: what is installed, and who answers, on real wires."""

import importlib
import json
import shutil
import sys
from pathlib import Path

import pytest
import serial

from controller.cli.main import main
from controller.composition.devices_scan import addresses_of
from tests.cli.conftest import BENCH, install, registered
from tests.drivers.simulated import Simulated

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(60),
    pytest.mark.usefixtures("drivers"),
]
OTHERS = {
    "silent": "otherfirm:Silent",
    "faulty": "otherfirm:Faulty",
    "absent": "otherfirm:Absent",
    "gone": "nowhere:Gone",
}


@pytest.fixture(scope="module")
def mfc(tmp_path_factory):
    with Simulated("alicat", tmp_path_factory.mktemp("mfc"), unit="C") as simulated:
        yield simulated


@pytest.fixture
def others(tmp_path, monkeypatch):
    """Another firm's drivers, installed."""
    install(tmp_path / "others", "otherfirm", OTHERS)
    shutil.copy(Path(__file__).parent / "otherfirm.py", tmp_path / "others/otherfirm.py")
    monkeypatch.syspath_prepend(str(tmp_path / "others"))
    monkeypatch.delitem(sys.modules, "otherfirm", raising=False)
    importlib.invalidate_caches()


def bare(url):
    return url.partition("?")[0]


def documents(capsys):
    return json.loads(capsys.readouterr().out)["found"]


def test_every_driver_of_ours_says_what_it_was_checked_against(capsys):
    assert main(["device", "list", "--json"]) == 0
    listed = {one["name"]: one for one in json.loads(capsys.readouterr().out)["drivers"]}
    assert set(listed) >= set(registered())
    for name in registered():
        assert listed[name]["purpose"]
        assert listed[name]["verified_on"], name
        assert listed[name]["trouble"] == ""
    assert listed["watson_marlow"]["points"] == ["speed", "revolutions", "running"]


def test_another_firms_driver_is_listed_with_what_it_says(others, capsys):
    assert main(["device", "list"]) == 0
    shown = capsys.readouterr().out
    start = shown.index("silent\n")
    assert shown[start:].splitlines()[2] == "  verified on: not told"
    assert "gone\n  cannot be loaded: No module named 'nowhere'" in shown


def test_a_scan_finds_who_answers_with_its_usual_settings(mfc, capsys):
    assert main(["device", "scan", bare(mfc.url), "--driver", "alicat", "--address", "A-D"]) == 0
    printed = capsys.readouterr()
    (row,) = printed.out.splitlines()[1:]
    assert row.split()[:5] == ["Alicat", "MC-500SCCM-D", "181010", "10v20.0-R24", "alicat"]
    assert row.split()[5:] == [f"{bare(mfc.url)}?baudrate=19200&bytesize=8&parity=N&stopbits=1", "C"]
    assert [line.partition(":")[0] for line in printed.err.splitlines()] == ["alicat A", "alicat B", "alicat D"]


def test_a_scan_tries_drivers_until_one_is_answered(tmp_path, capsys):
    with Simulated("bronkhorst", tmp_path) as instrument:
        assert main(["device", "scan", bare(instrument.url), "--json"]) == 0
    printed = capsys.readouterr()
    (found,) = json.loads(printed.out)["found"]
    assert (found["vendor"], found["driver"], found["answers"]) == ("Bronkhorst", "bronkhorst", True)
    assert "alicat: no answer within 0.5 s" in printed.err
    assert "huber" not in printed.err, "a line speaks one language"


@pytest.mark.parametrize("name", ["probes-101", "plc-101"])
def test_an_instrument_is_taken_for_what_it_is_before_what_it_might_be(bench, name, capsys):
    url = json.loads(bench.read_text())["instruments"][name]["url"]
    assert main(["device", "scan", bare(url), "--json"]) == 0
    printed = capsys.readouterr()
    (found,) = json.loads(printed.out)["found"]
    assert found["driver"] == {"probes-101": "hamilton_arc", "plc-101": "generic_plc"}[name]
    assert "takes whatever" not in printed.err


def test_what_might_be_something_else_is_said_to(tmp_path, capsys):
    with Simulated("bluevary", tmp_path) as analyser:
        assert main(["device", "scan", bare(analyser.url), "--json"]) == 0
    printed = capsys.readouterr()
    (found,) = json.loads(printed.out)["found"]
    assert found["driver"] == "bluevary"
    assert "bluevary: it takes whatever speaks its protocol for its instrument" in printed.err


def test_what_was_said_before_in_another_language_hides_nobody(tmp_path, capsys):
    with Simulated("watson_marlow", tmp_path, port=0) as pump:
        assert main(["device", "scan", pump.url, "--driver", "hamilton_arc", "--driver", "watson_marlow"]) == 0
    assert "520Du" in capsys.readouterr().out


def test_behind_a_device_server(tmp_path, capsys):
    with Simulated("lauda", tmp_path, port=0) as thermostat:
        assert main(["device", "scan", thermostat.url, "--driver", "alicat", "--driver", "lauda", "--json"]) == 0
        (found,) = documents(capsys)
    assert (found["vendor"], found["url"]) == ("Lauda", thermostat.url)


def test_a_driver_that_changes_something_is_tried_only_when_it_is_named(tmp_path, capsys):
    with Simulated("atlas_ezo", tmp_path) as circuit:
        assert main(["device", "scan", circuit.url, "--driver", "alicat"]) == 1
        capsys.readouterr()
        assert main(["device", "scan", circuit.url, "--driver", "atlas_ezo"]) == 0
        assert "EZO-pH" in capsys.readouterr().out
    assert main(["device", "scan", "serial:///dev/absent"]) == 1
    assert "atlas_ezo: not tried: it turns continuous readings off" in capsys.readouterr().err


def test_a_list_of_numbers_is_given_one_by_one(bench, capsys):
    url = json.loads(bench.read_text())["instruments"]["probes-101"]["url"]
    assert main(["device", "scan", url, "--driver", "hamilton_arc", "--address", "1-3", "--json"]) == 0
    assert [(one["model"], one["address"]) for one in documents(capsys)] == [("pH Arc", "1"), ("VisiFerm DO Arc", "2")]


def test_all_connections_of_a_site(bench, capsys):
    assert main(["device", "scan", str(BENCH), "--instruments", str(bench)]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split()[0] == "connection"
    assert len(rows) == 9
    assert "6ES7 215-1AG40-0XB0" in rows[0]


def test_a_site_of_which_nothing_is_there(capsys):
    assert main(["device", "scan", str(BENCH), "--json"]) == 1
    found = {one["connection"]: one for one in documents(capsys)}
    assert not any(one["answers"] for one in found.values())
    assert found["base-pump-101"]["why"].startswith("cannot open /dev/serial/by-id/")


def test_a_faulty_driver_does_not_end_a_scan(others, mfc, capsys):
    names = ["absent", "faulty", "alicat"]
    arguments = [word for name in names for word in ("--driver", name)]
    assert main(["device", "scan", mfc.url, *arguments, "--set", "unit=C"]) == 0
    error = capsys.readouterr().err
    assert "absent: no answer within 0.5 s" in error
    assert "faulty: fault in the driver: KeyError: 'model'" in error


def test_a_port_that_another_program_owns(mfc, capsys):
    with serial.Serial(mfc.address["pty"], exclusive=True):
        assert main(["device", "scan", mfc.url]) == 1
        assert "another program uses it" in capsys.readouterr().err
        assert main(["device", "read", "alicat", mfc.url, "mass_flow", "--set", "unit=C"]) == 1
        assert "another program uses it" in capsys.readouterr().err


def test_drivers_without_an_option_are_left_out_unless_they_are_named(mfc, capsys):
    assert main(["device", "scan", mfc.url, "--set", "framing=binary"]) == 1
    error = capsys.readouterr().err
    assert "alicat: connection 'alicat': this driver has no option framing" in error
    assert "bronkhorst: no answer" in error


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["tcp://127.0.0.1:1"], 1, "cannot reach 127.0.0.1:1"),
        (["serial:///dev/absent"], 1, "cannot open /dev/absent: No such file or directory"),
        (["ftp://host"], 2, "'ftp' is no kind of connection"),
        (["modbuss://127.0.0.1:802", "--driver", "alicat"], 2, "it speaks on other wires"),
        (["serial:///dev/absent", "--driver", "alicet"], 2, "there is no driver 'alicet'; installed are: alicat"),
        (["serial:///dev/absent", "--driver", "huber", "--address", "1"], 2, "its instruments have no number"),
        (["serial:///dev/absent", "--address", "9-1"], 2, "'9-1' is no range"),
        (["serial:///dev/absent", "--driver", "alicat", "--set", "units=A"], 2, "has no option units"),
        ([str(BENCH), "--driver", "alicat"], 2, "a site file stands alone"),
        (["serial:///dev/absent", "--instruments", str(BENCH)], 2, "--instruments is for a site"),
        (["absent.yaml"], 1, "absent.yaml"),
    ],
)
def test_what_cannot_be_is_said(arguments, code, said, capsys):
    assert main(["device", "scan", *arguments]) == code
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", "1 2 3"), ("A-C", "A B C"), ("5,1,5", "5 1"), ("7", "7"), ("1-2, 9", "1 2 9")]
)
def test_ranges_of_numbers(text, numbers):
    assert list(addresses_of(text)) == numbers.split()


@pytest.mark.parametrize("text", ["", "-", "1-", "A-3", "C-A", "AA-BB", "1.5"])
def test_what_is_no_range(text):
    with pytest.raises(ValueError, match="is no range"):
        addresses_of(text)
