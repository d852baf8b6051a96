"""P16, P20: tuning inside the scan: refusals, the loop held by auto-tune, every way to end, and sets on record."""

import json
import math
from functools import cache

import numpy as np
import pytest

from controller.commands import Verb
from controller.model.pid_forms import Standard
from controller.stages.loop_state import Mode
from controller.stages.tuning_sets import numbers
from controller.tuning.fit import Samples, fit_models
from controller.tuning.margins import margins, ultimate
from controller.tuning.plants import Plants
from controller.tuning.process import Process
from controller.tuning.proposals import propose
from tests.control.conftest import NoRecipe, Rig, bench_site
from tests.control.health_bench import tuned

HEATED = Process(0.36, (600.0, 8.0), 6.0)
"""°C per % of the heater; faster than the vessel, so that an experiment takes minutes."""
SEEN = Process(0.36, (600.0, 8.0, 5.0), 6.0)
"""With the filter of the tag."""
BASE, WARM = 30.0, 37.0
NAME = "BR-101.temperature"


@cache
def vessel_site():
    """The bench with a temperature loop that fits this vessel, whatever the shipped one has."""
    return tuned(bench_site(), NAME, gain=46.0, integral_time=710.0, derivative_time=0.0, derivative_filter=10.0)


class Vessel(Rig):
    """A rig whose temperature answers to its heater, at rest at 37 °C with the heater at 30 %."""

    def __init__(self, engine=None, noise=0.0):
        super().__init__(vessel_site(), engine)
        self.plant, self.rng, self.noise = Plants([HEATED], np.array([1.0])), np.random.default_rng(16), noise
        self.devices[self.row("heater")] = BASE
        self.set(temperature=WARM, jacket_temperature=WARM, ph=7.2, do=50.0)
        self.run(3)

    def step(self, *commands, **options):
        heated = float(self.plant.step(np.array([self.device("heater") - BASE]))[0])
        self.set(temperature=WARM + heated + self.noise * float(self.rng.standard_normal()))
        return super().step(*commands, **options)

    def at_rest(self, mode="auto"):
        """The loop in a mode, with nothing moving."""
        assert self.mode("temperature", "manual").applied
        assert self.step(self.command(Verb.OUTPUT, "temperature", value=BASE)).outcomes[0].applied
        if mode != "manual":
            assert self.mode("temperature", mode).applied
        self.run(5)
        return self

    def tune(self, loop="temperature", **options):
        return self.step(self.command(Verb.TUNE_START, loop, **options)).outcomes[0]

    def swing(self, scans=150):
        assert self.tune().applied
        self.run(scans)
        assert self.report.stage == "moving"
        return self

    @property
    def report(self):
        return self.scan.tuning.tuner.reports[NAME]

    @property
    def state(self):
        return self.scan.loops.states[self.loop("temperature")]

    def until_over(self, most=4000):
        for _ in range(most):
            if self.report.stage in {"done", "aborted"}:
                return self
            self.step()
        raise AssertionError("the experiment does not end")


@pytest.fixture
def vessel():
    return Vessel().at_rest()


@pytest.mark.parametrize("mode", ["auto", "manual"])
@pytest.mark.parametrize("method", ["relay", "step"])
def test_p16_an_experiment_runs_and_the_loop_comes_back(mode, method):
    vessel = Vessel(noise=0.01).at_rest(mode)
    assert vessel.tune(method=method).applied
    assert (vessel.state.mode.word, vessel.state.held_by) == (mode, "auto-tune")
    vessel.run(65)
    assert (vessel.state.mode, vessel.state.held_by) == (Mode.MANUAL, "auto-tune")
    vessel.until_over()
    assert vessel.report.stage == "done"
    assert (vessel.state.mode.word, vessel.state.held_by) == (mode, "operator")
    assert vessel.device("heater") == pytest.approx(vessel.report.base, abs=1e-9), "the output is where it was"
    moved = vessel.report.op - vessel.report.base
    assert moved.max() == pytest.approx(10.0)
    assert (moved.min() < -6.0) == (method == "relay")
    assert any("auto-tune started" in text for text in vessel.texts())
    assert any("auto-tune done" in text for text in vessel.texts())
    vessel.run(60)
    assert abs(vessel.values[vessel.row("temperature")] - WARM) < 1.5


def test_p16_what_it_recorded_gives_a_good_tuning():
    vessel = Vessel(noise=0.02).at_rest()
    vessel.tune()
    report = vessel.until_over().report
    samples = Samples(report.time, report.pv - report.reference, report.op - report.base, 1.0)
    fit = fit_models(samples)[0]
    assert ultimate(fit.process).period == pytest.approx(ultimate(SEEN).period, rel=0.25)
    (simc, *_) = propose(fit.process, 1.0, fit.doubt, report.noise)
    true = margins(SEEN, simc.pid)
    assert true.stable
    assert 1.2 < true.ms < 1.9


def test_p16_while_it_runs_the_setpoint_may_change_and_nothing_steps_at_the_end(vessel):
    vessel.swing()
    vessel.setpoint("temperature", 36.9)
    vessel.until_over()
    before = vessel.report.base
    assert vessel.device("heater") == pytest.approx(before, abs=1e-9)
    assert vessel.state.mode is Mode.AUTO
    vessel.step()
    assert abs(vessel.device("heater") - before) < 2.0


def test_p16_an_operator_stops_it(vessel):
    vessel.swing()
    assert vessel.step(vessel.command(Verb.TUNE_STOP, "temperature", who="ann")).outcomes[0].applied
    assert (vessel.report.stage, vessel.report.reason) == ("aborted", "stopped by ann")
    assert vessel.device("heater") == pytest.approx(vessel.report.base, abs=1e-9)
    assert vessel.state.mode is Mode.AUTO
    again = vessel.step(vessel.command(Verb.TUNE_STOP, "temperature")).outcomes[0]
    assert again.reason == "Temperature is not being tuned"


@pytest.mark.parametrize("mode", ["manual", "auto"])
def test_p16_a_mode_from_an_operator_ends_it_and_stays(vessel, mode):
    vessel.swing()
    vessel.mode("temperature", mode, who="ann")
    assert vessel.report.reason == "taken over by ann"
    assert vessel.state.mode.word == mode
    assert vessel.state.held_by == "operator"
    assert vessel.device("heater") == pytest.approx(vessel.report.base, abs=1e-9)
    vessel.run(3)
    assert vessel.state.mode.word == mode


def test_p16_off_is_off_at_once(vessel):
    vessel.swing()
    vessel.mode("temperature", "off")
    assert vessel.device("heater") == 0.0
    assert vessel.state.mode is Mode.OFF


def test_p16_an_output_from_an_operator_ends_it_and_stays(vessel):
    vessel.swing()
    assert vessel.step(vessel.command(Verb.OUTPUT, "temperature", value=12.0)).outcomes[0].applied
    vessel.run(3)
    assert vessel.device("heater") == 12.0
    assert vessel.report.stage == "aborted"
    assert vessel.state.mode is Mode.MANUAL


def test_p16_a_refused_mode_does_not_end_it(vessel):
    vessel.swing()
    assert not vessel.mode("temperature", "cascade").applied
    assert vessel.report.stage == "moving"


def test_p16_a_bad_pv_ends_it_and_the_loop_does_what_it_declares(vessel):
    vessel.swing()
    row = vessel.row("temperature")
    vessel.bad[row] = 6
    vessel.run(40)
    assert vessel.report.reason == "the PV is Bad"
    assert vessel.device("heater") == 0.0, "on_bad_pv: safe"


def test_p16_a_pv_beyond_its_alarm_ends_it():
    vessel = Vessel().at_rest()
    assert vessel.tune(amplitude=30.0, pv_high=37.2).applied
    vessel.until_over()
    assert "left the band 4 .. 37.2" in vessel.report.reason
    assert vessel.device("heater") == pytest.approx(vessel.report.base, abs=1e-9)
    assert vessel.values[vessel.row("temperature")] < 37.8


class Expanding(NoRecipe):
    def operation(self, vessel):
        return "expand"


def test_p16_an_alarm_counts_in_the_operations_in_which_it_is_one():
    vessel = Vessel(Expanding()).at_rest()
    assert vessel.tune().applied
    assert vessel.scan.tuning.tuner.guards(vessel.loop("temperature")).pv_low == 35.5


def test_p16_an_interlock_has_the_last_word_and_ends_it(vessel):
    vessel.swing()
    vessel.stuck.add(vessel.row("heater"))
    vessel.until_over(200)
    assert "does not follow" in vessel.report.reason


def test_p16_missed_scans_end_it(vessel):
    vessel.swing()
    vessel.step(dt=60.0)
    assert vessel.report.reason == "scans were missed"


def test_p16_another_operation_ends_it_because_other_alarms_count():
    class Changing(NoRecipe):
        now = "fill"

        def operation(self, vessel):
            return self.now

    engine = Changing()
    vessel = Vessel(engine).at_rest().swing()
    engine.now = "expand"
    vessel.step()
    assert vessel.report.stage == "aborted"
    assert "another operation has begun" in vessel.report.reason
    assert vessel.device("heater") == pytest.approx(vessel.report.base, abs=1e-9)
    assert vessel.state.mode is Mode.AUTO


class Forbidding(NoRecipe):
    why = ""

    def no_tuning(self, vessel, loop):
        assert (vessel, loop) == ("BR-101", "temperature")
        return self.why


def test_p16_a_phase_that_forbids_it_is_obeyed_before_and_during():
    engine = Forbidding()
    vessel = Vessel(engine).at_rest()
    engine.why = "the batch does not allow it"
    assert vessel.tune().reason == "Temperature cannot be tuned now: the batch does not allow it"
    engine.why = ""
    vessel.swing()
    engine.why = "the batch does not allow it"
    vessel.step()
    assert vessel.report.reason == "the batch does not allow it"
    assert vessel.state.mode is Mode.AUTO


def refusal(vessel, loop="temperature", **options):
    outcome = vessel.tune(loop, **options)
    assert not outcome.applied
    return outcome.reason


def test_p16_what_cannot_be_tuned_is_refused_with_its_reason(vessel):
    assert refusal(vessel, "agitation") == "Agitation is a direct loop: it has no controller to tune"
    assert "no loop BR-101.none" in refusal(vessel, "none")
    assert "no method 'guess'" in refusal(vessel, method="guess")
    assert "amplitude must be a number" in refusal(vessel, amplitude="much")
    assert "asymmetry must be within 1 .. 5" in refusal(vessel, asymmetry=0.5)
    assert "is not inside 37.1 .. 37.8" in refusal(vessel, pv_low=37.1)
    assert "at revision" in refusal(vessel, expected_revision=0)
    vessel.mode("temperature", "off")
    assert "it is in off" in refusal(vessel)
    vessel.mode("temperature", "manual")
    vessel.step(vessel.command(Verb.OUTPUT, "temperature", value=100.0))
    vessel.step()
    assert "no room" in refusal(vessel)
    vessel.mode("temperature", "auto")
    vessel.bad[vessel.row("temperature")] = 6
    vessel.run(60)
    assert "no valid value" in refusal(vessel)


def test_p16_one_experiment_per_loop(vessel):
    vessel.swing(1 + 65)
    assert "runs on it already" in refusal(vessel)


def test_p16_one_experiment_per_vessel(vessel):
    """pH answers to what the temperature does: the model of the one would hold the other's swing."""
    for loop in ("BR-101.ph", "BR-102.ph"):
        vessel.set(**{"BR-102.ph": 7.2})
        assert vessel.mode(loop, "manual").applied
        vessel.step(vessel.command(Verb.OUTPUT, loop, value=-50.0))
    vessel.run(3)
    vessel.swing()
    assert refusal(vessel, "ph") == (
        "pH cannot be tuned now: Temperature of the same vessel is being tuned, and each would disturb the other"
    )
    assert vessel.tune("BR-102.ph").applied, "another vessel is not disturbed"
    vessel.step(vessel.command(Verb.TUNE_STOP, "temperature"))
    vessel.run(2)
    assert vessel.tune("ph").applied


def test_p16_a_loop_that_moves_is_refused_once_it_is_seen(vessel):
    vessel.mode("temperature", "manual")
    vessel.step(vessel.command(Verb.OUTPUT, "temperature", value=31.0))
    vessel.run(20)
    assert vessel.tune().applied
    vessel.run(70)
    assert "not at rest" in vessel.report.reason
    assert vessel.device("heater") == 31.0


def test_p16_acid_and_base_are_never_mixed_by_an_experiment():
    """pH is split over CO2 and base: the experiment stays on the leg on which the loop rests."""
    rig = Rig(bench_site())
    rig.set(temperature=37.0, ph=7.2, do=50.0)
    rig.run(3)
    rig.mode("ph", "manual")
    rig.step(rig.command(Verb.OUTPUT, "ph", value=-20.0))
    rig.run(3)
    assert rig.step(rig.command(Verb.TUNE_START, "ph", amplitude=30.0)).outcomes[0].applied
    for scan in range(400):
        rig.set(ph=7.2 + 0.1 * math.sin(scan / 10.0) * (scan > 61))
        rig.step()
        assert rig.device("base_flow") == 0.0
    assert rig.scan.tuning.tuner.reports["BR-101.ph"].op.max() == 0.0
    rig.step(rig.command(Verb.TUNE_STOP, "ph"), rig.command(Verb.OUTPUT, "ph", value=0.0))
    rig.run(2)
    assert "no room" in rig.step(rig.command(Verb.TUNE_START, "ph")).outcomes[0].reason


@pytest.mark.parametrize("mode", ["auto", "manual"])
def test_p16_a_restart_ends_it_and_nothing_stays_where_the_relay_was(mode):
    vessel = Vessel().at_rest(mode).swing()
    base = vessel.report.base
    stored = json.loads(json.dumps(vessel.scan.state()))
    assert stored["loops"][NAME]["mode"] == mode
    assert stored["loops"][NAME]["manual"] == base
    again = Vessel()
    again.devices.update(vessel.devices)
    events = again.scan.restore(stored, again.now, 1.0)
    assert any("auto-tune ended by a restart" in event.text for event in events)
    again.run(4)
    assert again.state.mode.word == mode
    assert again.state.held_by == "operator"
    if mode == "manual":
        assert again.device("heater") == base
    else:
        assert stored["loops"][NAME]["integral"] == pytest.approx(base, abs=0.1)
    again.plant = vessel.plant
    again.run(300)
    assert again.device("heater") == pytest.approx(base, abs=0.1), "an automatic loop comes back to it too"
    assert again.values[again.row("temperature")] == pytest.approx(WARM, abs=0.1)


def retune(vessel, **value):
    return vessel.step(vessel.command(Verb.TUNING, "temperature", who="ann", **value)).outcomes[0]


def in_force(vessel):
    return vessel.scan.loops.tunings[vessel.loop("temperature")]


def test_p20_a_tuning_set_has_a_version_and_goes_on_record(vessel):
    before = vessel.device("heater")
    assert retune(vessel, gain=30.0, integral_time=300.0).applied
    assert vessel.device("heater") == pytest.approx(before, abs=1e-9), "no bump"
    assert (in_force(vessel).gain, in_force(vessel).integral_time) == (30.0, 300.0)
    assert in_force(vessel).tracking_time == 60.0, "what was not given stays"
    event = next(event for event in vessel.events if "tuning version 0 → 1" in event.text)
    assert event.text.endswith("K 46 % per Cel, Ti 710 s, Td 0 s → K 30 % per Cel, Ti 300 s, Td 0 s")
    assert (event.who, event.value["version"], event.previous["gain"]) == ("ann", 1, 46.0)
    assert event.command > 0
    view = vessel.scan.tuning.sets.view(vessel.loop("temperature"))
    assert (view["version"], view["gain"], view["replaced"]["gain"]) == (1, 30.0, 46.0)


def test_p20_the_replaced_set_is_put_back_with_one_command(vessel):
    assert "nothing to put back" in retune(vessel, undo=True).reason
    retune(vessel, gain=30.0, integral_time=None, derivative_time=20.0)
    assert math.isinf(in_force(vessel).integral_time)
    assert retune(vessel, undo=True).applied
    assert (in_force(vessel).gain, in_force(vessel).integral_time, in_force(vessel).derivative_time) == (46, 710, 0)
    assert vessel.scan.tuning.sets.current[vessel.loop("temperature")].version == 2
    retune(vessel, undo=True)
    assert in_force(vessel).derivative_time == 20.0


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"gain": -46.0}, "acts the other way round"),
        ({"gain": 0.0}, "acts the other way round"),
        ({"gain": math.nan}, "must be a number"),
        ({"gain": True}, "must be a number"),
        ({"integral_time": 0.0}, "within 0.001"),
        ({"derivative_filter": 50.0}, "within 2 .. 20"),
        ({"colour": 1.0}, "a tuning has no 'colour'"),
        ({"undo": True, "gain": 3.0}, "a tuning has no 'undo'"),
        ({}, "a tuning needs its parameters"),
    ],
)
def test_p20_a_wrong_set_is_refused_and_nothing_changes(vessel, value, why):
    outcome = retune(vessel, **value)
    assert not outcome.applied
    assert why in outcome.reason
    assert in_force(vessel).gain == 46.0


def test_p20_a_set_survives_a_restart_unless_the_class_was_changed(vessel):
    retune(vessel, gain=30.0, integral_time=None)
    retune(vessel, gain=25.0)
    stored = json.loads(json.dumps(vessel.scan.state()))
    again = Vessel()
    again.scan.restore(stored, again.now, 1.0)
    again.journal = vessel.journal
    assert numbers(in_force(again)) == numbers(in_force(vessel))
    assert retune(again.at_rest(), undo=True).applied
    assert in_force(again).gain == 30.0
    stored["tuning"]["sets"][NAME]["class"]["gain"] = 50.0
    third = Vessel()
    events = third.scan.restore(stored, third.now, 1.0)
    assert any("the vessel class has another tuning now" in event.text for event in events)
    assert in_force(third).gain == 46.0


def test_p20_a_broken_store_is_not_believed(vessel):
    retune(vessel, gain=30.0)
    stored = json.loads(json.dumps(vessel.scan.state()))
    stored["tuning"]["sets"][NAME]["now"] = {"gain": "much"}
    again = Vessel()
    again.scan.restore(stored, again.now, 1.0)
    assert in_force(again).gain == 46.0


def test_a_standard_set_is_what_the_bank_takes():
    pid = Standard(20.0, 200.0, 15.0, 1.5)
    vessel = Vessel().at_rest()
    n = pid.derivative_time / pid.filter_time
    assert retune(
        vessel, gain=pid.gain, integral_time=pid.integral_time, derivative_time=15.0, derivative_filter=n
    ).applied
    assert in_force(vessel).derivative_filter == pytest.approx(10.0)
