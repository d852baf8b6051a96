"""Outputs are read before anything is written; control starts from where they are."""

from controller.commands import Verb


def test_nothing_is_written_before_the_outputs_were_read(make_rig):
    rig = make_rig()
    rig.lost = {"plc-101", "base-pump-101", "feed-pump-101", "plc-102", "base-pump-102", "feed-pump-102"}
    rig.mode("temperature", "auto")
    rig.run(5)
    assert rig.writes == [{}] * 6
    assert not rig.result.outcomes


def test_a_loop_that_nobody_switched_on_leaves_its_output_alone(rig):
    rig.devices[rig.row("heater")] = 33.0
    rig.devices[rig.row("o2_flow")] = 12.0
    rig.run(30)
    written = {row for writes in rig.writes for row in writes}
    assert rig.row("heater") not in written
    assert rig.device("heater") == 33.0
    assert rig.device("o2_flow") == 12.0


def test_a_direct_loop_takes_over_the_value_it_finds(rig):
    rig.devices[rig.row("air_flow")] = 77.0
    rig.run(3)
    assert rig.device("air_flow") == 77.0
    assert rig.scan.loops.sp_target[rig.loop("air")] == 77.0


def test_the_first_step_of_every_loop_is_below_half_a_percent_of_its_span(rig):
    found = {
        "heater": 23.0,
        "co2_flow": 24.0,
        "n2_flow": 0.0,
        "agitation_speed": 120.0,
        "o2_flow": 0.0,
        "air_flow": 60.0,
    }
    for name, value in found.items():
        rig.devices[rig.row(name)] = value
    rig.set(temperature=36.0, ph=7.4, do=30.0)
    rig.step()
    rig.step(*[rig.command(Verb.MODE, loop, mode="auto") for loop in ("temperature", "ph", "do")])
    rig.step()
    for name, value in found.items():
        output = rig.site.outputs.rows[rig.site.outputs.index[f"BR-101.{name}"]]
        assert abs(rig.device(name) - value) <= 0.005 * output.span, name


def test_a_setpoint_given_before_the_outputs_were_read_wins_over_what_is_found(rig):
    rig.lost = {"plc-101"}
    rig.setpoint("air", 90.0)
    rig.lost = set()
    rig.run(2)
    assert rig.device("air_flow") == 90.0


def test_unchanged_outputs_are_written_again_every_ten_seconds(rig):
    rig.run(31)
    row = rig.row("air_flow")
    assert [n for n, writes in enumerate(rig.writes) if row in writes] == [0, 10, 20, 30]


def test_a_link_that_comes_back_is_started_from_what_the_device_holds_then(rig):
    rig.set(temperature=36.5)
    rig.step()
    rig.mode("temperature", "auto")
    rig.run(400)
    before = rig.device("heater")
    assert before > 1.0
    rig.lost = {"plc-101"}
    rig.run(5)
    written = {rig.site.tags.tags[row].connection for writes in rig.writes[-5:] for row in writes}
    assert "plc-101" not in written
    rig.lost = set()
    rig.devices[rig.row("heater")] = 0.0
    rig.step()
    assert rig.device("heater") < 0.5
    rig.run(240)
    assert rig.device("heater") > 0.95 * before, "the integral was not lost"
