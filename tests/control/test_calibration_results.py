"""From readings and references to a calibration, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.composition.calibration.buffers import STANDARDS, standard
from controller.composition.calibration.live import Still, Window
from controller.composition.calibration.results import Line, Refused, do_two, ph_one, ph_two, pump, weighed
from drivers.contract import Quality, Reason, Sample

SLOPES, OFFSETS = st.floats(0.86, 1.04), st.floats(-0.4, 0.4)
JIS = {
    "phthalate": {0: 4.01, 5: 4.01, 10: 4.00, 15: 4.00, 20: 4.00, 25: 4.01, 30: 4.01, 35: 4.02, 40: 4.03, 50: 4.06},
    "phosphate": {0: 6.98, 5: 6.95, 10: 6.92, 15: 6.90, 20: 6.88, 25: 6.86, 30: 6.85, 35: 6.84, 40: 6.84, 50: 6.83},
    "borax": {0: 9.46, 5: 9.39, 10: 9.33, 15: 9.27, 20: 9.22, 25: 9.18, 30: 9.14, 35: 9.10, 40: 9.07, 50: 9.01},
}
"""JIS Z 8802, another standard, to two digits."""


@given(SLOPES, OFFSETS)
def test_two_buffers_undo_what_a_probe_does(slope, off):
    def probe(ph):
        return 7.0 + off + slope * (ph - 7.0)

    line = ph_two((probe(7.0), probe(4.01)), (7.0, 4.01))
    for ph in (4.01, 5.5, 7.0, 7.2):
        assert line.at(probe(ph)) == pytest.approx(ph, abs=1e-9)


@given(OFFSETS)
def test_one_buffer_moves_the_line_and_does_not_turn_it(off):
    line = ph_one(7.0 + off, 7.0, Line(1.0, 0.0))
    assert line.factor == 1.0
    assert line.at(7.0 + off) == pytest.approx(7.0)


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda: ph_two((7.0, 4.5), (7.0, 4.0)), r"slope would be 83.3 %; 85 to 105 %"),
        (lambda: ph_two((7.0, 3.8), (7.0, 4.0)), r"slope would be 106.7 %"),
        (lambda: ph_two((4.0, 7.0), (7.0, 4.0)), r"slope would be -100.0 %"),
        (lambda: ph_two((7.0, 6.1), (7.0, 6.1)), r"the buffers are 0.90 pH apart"),
        (lambda: ph_two((7.6, 4.6), (7.0, 4.0)), r"\+0.60 pH off at pH 7"),
        (lambda: ph_one(6.4, 7.0, Line(1.0, 0.0)), r"-0.60 pH off at pH 7"),
        (lambda: do_two((6.0, 100.0), (0.0, 100.0)), r"shows 6.0 % at zero"),
        (lambda: do_two((0.0, 60.0), (0.0, 100.0)), r"slope would be 60.0 %; 70 to 130 %"),
        (lambda: pump(100.0, 21.0, 0.1), r"2.10 times what it was"),
        (lambda: pump(100.0, 4.9, 0.1), r"0.49 times what it was"),
        (lambda: pump(4.0, 1.0, None), r"4.00 revolutions"),
        (lambda: pump(40.0, 0.0, None), r"nothing was delivered"),
        (lambda: weighed(10.0, 13.9, 0.2), r"at least 4 g"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(do, why):
    with pytest.raises(Refused, match=why):
        do()


def test_at_the_limits_it_is_taken():
    assert ph_two((7.0, 4.45), (7.0, 4.0)).factor == pytest.approx(1 / 0.85)
    assert pump(100.0, 20.0, 0.1) == pytest.approx(0.2)
    assert weighed(14.0, 10.0, 0.2) == 4.0
    assert do_two((5.0, 100.0), (0.0, 100.0)).at(100.0) == pytest.approx(100.0)


@pytest.mark.parametrize("name", STANDARDS)
def test_standards_agree_with_another_table(name):
    for celsius, value in JIS[name].items():
        assert standard(name, celsius) == pytest.approx(value, abs=0.0151)
    assert standard(name, 22.5) == pytest.approx((standard(name, 20.0) + standard(name, 25.0)) / 2)
    with pytest.raises(ValueError, match="0 to 50 Cel"):
        standard(name, 50.1)


def good(value, quality=Quality.GOOD):
    return Sample(value, quality, Reason.OK, 0)


class TestStandingStill:
    def fill(self, values):
        window = Window(Still(0.1, 5.0))
        for second, value in enumerate(values):
            window.add(float(second), good(value))
        return window

    def test_a_steady_value_after_the_whole_window(self):
        assert not self.fill([7.0] * 5).settled().still
        assert self.fill([7.0] * 6).settled().still

    def test_a_drift_inside_the_band_is_not_still(self):
        assert not self.fill([7.0 + 0.015 * second for second in range(6)]).settled().still

    def test_what_was_before_the_window_is_forgotten(self):
        found = self.fill([4.0, 5.0, 6.0, *[7.0] * 6]).settled()
        assert found.still
        assert found.value == 7.0

    def test_a_bad_value_begins_anew(self):
        window = self.fill([7.0] * 6)
        window.add(6.0, good(float("nan"), Quality.BAD))
        assert window.settled() is None
        window.add(7.0, good(7.0, Quality.UNCERTAIN))
        assert window.settled().quality is Quality.UNCERTAIN
