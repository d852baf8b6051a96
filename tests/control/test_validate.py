"""Judging readings: range, rate, age, and what is no number."""

import numpy as np
import pytest

from controller.frame import Frame
from controller.model.tags import Tag, TagTable
from controller.stages.validate import Validator
from drivers.contract import Reason


def tag(**options):
    given = {"vessel": "V", "name": "t", "title": "T", "unit": "Cel", "decimals": 1, "kind": "measurement"}
    return Tag(**{**given, "low": 0.0, "high": 100.0, **options})


def judge(validator, value, now=100.0, age=0.0, quality=0, reason=Reason.SIMULATED):
    raw = Frame(np.array([value]), np.array([quality], np.uint8), np.array([reason], np.uint8), np.array([age]))
    frame = validator.step(raw, now)
    assert raw.value[0] == value or np.isnan(value), "what was read is not touched"
    return frame.value[0], int(frame.quality[0]), Reason(int(frame.reason[0]))


@pytest.fixture
def validator():
    return Validator(TagTable((tag(),)), 1.0)


def test_a_good_value_keeps_its_reason(validator):
    assert judge(validator, 37.0) == (37.0, 0, Reason.SIMULATED)


@pytest.mark.parametrize("value", [-0.1, 100.1, 1e300])
def test_out_of_range_is_bad_and_not_clamped(validator, value):
    assert judge(validator, value) == (value, 2, Reason.RANGE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_bad(validator, value):
    found, quality, reason = judge(validator, value)
    assert np.isnan(found)
    assert (quality, reason) == (2, Reason.DEVICE)


@pytest.mark.parametrize(
    ("age", "quality", "reason"),
    [(1.9, 0, Reason.SIMULATED), (2.1, 1, Reason.STALE), (3.0, 1, Reason.STALE), (3.1, 2, Reason.STALE)],
)
def test_age(validator, age, quality, reason):
    assert judge(validator, 37.0, age=age)[1:] == (quality, reason)


def test_a_bad_value_keeps_the_reason_it_came_with(validator):
    assert judge(validator, np.nan, age=50.0, quality=2, reason=Reason.LINK)[1:] == (2, Reason.LINK)


def test_an_uncertain_value_is_not_made_better(validator):
    assert judge(validator, 37.0, quality=1, reason=Reason.DEVICE)[1:] == (1, Reason.DEVICE)


def test_a_tags_own_age_and_the_least_age_of_the_site():
    assert judge(Validator(TagTable((tag(max_age=30.0),)), 1.0), 37.0, age=15.0)[1] == 0
    assert judge(Validator(TagTable((tag(),)), 1.0, minimum_stale_s=60.0), 37.0, age=39.0)[1] == 0
    assert judge(Validator(TagTable((tag(),)), 1.0, minimum_stale_s=60.0), 37.0, age=61.0)[1] == 2


def test_sampled_values_do_not_age():
    assert judge(Validator(TagTable((tag(sampled=True),)), 1.0), 37.0, age=1e6)[1] == 0


def test_a_jump_is_bad_until_the_process_could_have_come_there():
    validator = Validator(TagTable((tag(max_rate=1.0),)), 1.0)
    assert judge(validator, 20.0, now=100.0)[1] == 0
    found = [judge(validator, 24.5, now=100.0 + n)[1:] for n in range(1, 7)]
    assert found == [(2, Reason.RATE)] * 4 + [(0, Reason.SIMULATED)] * 2
    assert judge(validator, 80.0, now=107.0)[1:] == (2, Reason.RATE)
    assert judge(validator, 24.6, now=108.0)[1] == 0, "a single spike is not believed, the value after it is"


def test_noise_between_fast_scans_is_no_jump():
    validator = Validator(TagTable((tag(max_rate=1.0),)), 0.1)
    rng = np.random.default_rng(1)
    qualities = [judge(validator, 37.0 + rng.normal(0, 0.1), now=100 + 0.1 * n)[1] for n in range(500)]
    assert max(qualities) == 0


def test_f03_no_number_but_numbers_leave_it():
    rng = np.random.default_rng(5)
    n = 1000
    validator = Validator(TagTable(tuple(tag(name=f"t{i}", max_rate=5.0) for i in range(n))), 1.0)
    bad = np.array([np.nan, np.inf, -np.inf, 1e308, 37.0])
    for scan in range(1000):
        raw = Frame(rng.choice(bad, n), np.zeros(n, np.uint8), np.zeros(n, np.uint8), np.zeros(n))
        frame = validator.step(raw, float(scan))
        assert np.isfinite(frame.value[frame.quality < 2]).all()


def test_a_sampled_value_is_as_old_as_its_sample_also_after_a_restart(rig):
    row = rig.site.tags.index["BR-101.viable_density"]
    rig.set(viable_density=1.5)
    rig.run(100)
    age = rig.scan.reader.frame.age[row]
    assert 95.0 <= age <= 101.0
    kept = rig.scan.validator.state()
    rig.scan.validator.restore({name: [value, at] for name, (value, at) in kept.items()}, 50.0)
    rig.step()
    assert rig.scan.reader.frame.age[row] == pytest.approx(age + 1.0 - 50.0, abs=0.1)
    rig.set(viable_density=1.6)
    rig.step()
    assert rig.scan.reader.frame.age[row] <= 2.0
