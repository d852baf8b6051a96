"""Modbus RTU framing and the Arc's register map, against the frames of the protocol sheet (computed, not captured)."""

from __future__ import annotations

import struct

import pytest

from simulators.instruments.arc_blocks import float_words
from simulators.instruments.hamilton_arc import ArcSensor, do_sensor, ph_sensor
from simulators.modbus_rtu import Framer, Refused, answer, crc16, intact, seal

READ_PMC1 = bytes.fromhex("01 03 08 29 00 0A 16 65")
REPLY_PMC1 = bytes.fromhex("01 03 14 10 00 00 00 47 AE 40 E1 00 00 00 00 00 00 00 00 00 00 41 60 31 52")
LEVEL_S = bytes.fromhex("01 10 10 BF 00 04 08 00 30 00 00 79 CE 00 F4 97 E7")
LEVEL_S_DONE = bytes.fromhex("01 10 10 BF 00 04 F4 EE")
CP1_AT_4 = bytes.fromhex("01 10 14 29 00 02 04 51 EC 40 80 2F B4")
WRONG_LEVEL = bytes.fromhex("01 90 03 0C 01")


def sensor(ph: float = 7.04, temperature: float = 37.0) -> ArcSensor:
    return ph_sensor(1, lambda: ph, lambda: temperature)


def ask(device: ArcSensor, *body: int) -> bytes:
    reply = answer(seal(bytes([1, *body])), {1: device})
    assert reply is not None
    assert intact(reply)
    return reply


def read(device: ArcSensor, number: int, count: int) -> tuple[int, ...]:
    return tuple(device.read(number - 1, count))


def unit_value_status(device: ArcSensor, number: int) -> tuple[int, float, int]:
    words = read(device, number, 10)
    value = struct.unpack(">f", struct.pack(">HH", words[3], words[2]))[0]
    return words[0] | words[1] << 16, value, words[4] | words[5] << 16


def test_the_sheets_read_of_the_primary_channel():
    assert answer(READ_PMC1, {1: sensor()}) == REPLY_PMC1


def test_the_sheets_change_of_operator_level():
    device = sensor()
    assert answer(LEVEL_S, {1: device}) == LEVEL_S_DONE
    assert read(device, 4288, 4) == (0x30, 0, 0, 0)


def test_the_level_falls_back_at_power_up_and_with_it_the_right_to_write():
    device = sensor()
    answer(LEVEL_S, {1: device})
    device.write(2409, (1 << 1, 0))
    device.power_up()
    assert read(device, 4288, 4) == (0x03, 0, 0, 0)
    assert unit_value_status(device, 2410)[0] == 1 << 1  # settings are kept
    assert ask(device, 0x10, 0x09, 0x69, 0, 2, 4, 0, 4, 0, 0)[:3] == b"\x01\x90\x03"


def calibrated(device: ArcSensor, number: int, value: float) -> int:
    """Calibrate, and the status after it."""
    device.write(number - 1, struct.unpack(">2H", float_words(value)))
    status = read(device, 5158, 6)
    assert status[:2] == read(device, 5190, 6)[:2]  # both points' status is one word
    return status[0] | status[1] << 16


def test_the_sheets_calibration_needs_the_level_and_counts():
    now = [4.31]
    device = ph_sensor(1, lambda: now[0], lambda: 37.0)
    assert answer(CP1_AT_4, {1: device})[:3] == WRONG_LEVEL[:3]
    answer(LEVEL_S, {1: device})
    assert answer(CP1_AT_4, {1: device})[:6] == CP1_AT_4[:6]
    assert unit_value_status(device, 2090)[1:] == (pytest.approx(4.01), 0)
    assert read(device, 5164, 8)[4:6] == (1, 0)
    now[0] = 7.25
    assert calibrated(device, 5194, 0.0) == 0  # the buffer is recognised
    assert unit_value_status(device, 2090)[1] == pytest.approx(7.0)
    now[0] = 4.31
    assert unit_value_status(device, 2090)[1] == pytest.approx(4.01)
    device.power_up()
    assert unit_value_status(device, 2090)[1] == pytest.approx(4.01)  # kept without power


@pytest.mark.parametrize(("measured", "number", "value", "status"), [
    (2.2, 5162, 0.0, 0x02), (4.0, 5162, 6.0, 0x20), (6.0, 5162, 4.01, 0x40), (4.31, 5194, 4.5, 0x0100),
    (4.6, 5194, 7.0, 0x2000), (8.31, 5194, 7.0, 0x4000),
])  # fmt: skip
def test_a_calibration_that_fails_changes_nothing_but_the_status(
    measured: float, number: int, value: float, status: int
):
    now = [4.31]
    device = ph_sensor(1, lambda: now[0], lambda: 37.0)
    answer(LEVEL_S, {1: device})
    if number == 5194:
        assert calibrated(device, 5162, 4.01) == 0
    before = unit_value_status(device, 2090)[1]
    now[0] = measured
    assert calibrated(device, number, value) == status
    now[0] = 4.31
    assert unit_value_status(device, 2090)[1:] == (pytest.approx(before), 0x04)
    with pytest.raises(Refused):
        device.write(number - 1, struct.unpack(">2H", float_words(15.0)))


def test_settings_and_secondary_values():
    device = sensor()
    assert read(device, 3370, 2) == (2, 0)
    with pytest.raises(Refused):
        device.write(3369, (4, 0))
    answer(LEVEL_S, {1: device})
    device.write(3369, (4, 0))
    assert read(device, 3370, 2) == (4, 0)
    with pytest.raises(Refused):
        device.write(3369, (17, 0))
    assert read(device, 2472, 6)[:2] == (1 << 15, 0)
    assert read(device, 2568, 6)[:2] == (0, 1 << 5)
    assert read(device, 2696, 6) == struct.unpack(">6H", bytes.fromhex("1000 0000 47AE 40E1 0000 0000"))
    assert read(device, 2728, 6)[:2] == (1 << 1, 0)
    for number, words in ((4102, (5, 0)), (4988, (0, 0x42F0, 0, 0x430C, 0, 0x4170, 0, 0))):
        assert read(device, number, len(words)) != words
        device.write(number - 1, words)
        assert read(device, number, len(words)) == words
    device.power_up()
    with pytest.raises(Refused):
        device.write(4101, (4, 0))
    for number in (5152, 5184, 5312):
        assert read(device, number, 6)[:2] == (1 << 12, 0)


def test_passwords_and_units_until_the_factory_settings_are_recalled():
    device = sensor()
    answer(LEVEL_S, {1: device})
    device.write(4291, (0x30, 0, 4711, 0))
    device.write(2409, (1 << 1, 0))
    device.power_up()
    assert answer(LEVEL_S, {1: device}) == WRONG_LEVEL
    device.write(4287, (0x30, 0, 4711, 0))
    for wrong in ((1, 0), (732_255 & 0xFFFF, 0)):
        with pytest.raises(Refused):
            device.write(8191, wrong)
    with pytest.raises(Refused):
        device.write(4291, (0x03, 0, 1, 0))  # a user has none
    device.write(8191, (732_255 & 0xFFFF, 732_255 >> 16))
    assert unit_value_status(device, 2410)[0] == 1 << 2
    assert answer(LEVEL_S, {1: device}) == LEVEL_S_DONE
    assert ask(device, 3, 0x1F, 0xFF, 0, 2)[:3] == b"\x01\x83\x02"  # nothing to be read


def test_a_wrong_password_gives_the_sheets_exception():
    device = sensor()
    wrong = seal(LEVEL_S[:-3] + b"\x01")
    assert answer(wrong, {1: device}) == WRONG_LEVEL
    assert read(device, 4288, 4) == (0x03, 0, 0, 0)


def test_function_code_4_reads_the_same_map():
    assert ask(sensor(), 4, 0x08, 0x29, 0, 10)[2:-2] == REPLY_PMC1[2:-2]


@pytest.mark.parametrize("function", [1, 2, 5, 6])
def test_other_function_codes_are_refused(function: int):
    assert ask(sensor(), function, 0x08, 0x29, 0, 1)[:3] == bytes([1, function | 0x80, 1])


@pytest.mark.parametrize(
    ("number", "count"), [(2090, 2), (2092, 2), (2090, 9), (2090, 11), (2089, 10), (1, 1), (1033, 7)]
)
def test_anything_but_a_whole_block_is_refused(number: int, count: int):
    reply = ask(sensor(), 3, *struct.pack(">HH", number - 1, count))
    assert reply[:3] == bytes([1, 0x83, 2])


@pytest.mark.parametrize("count", [0, 126])
def test_an_impossible_count_is_a_wrong_value(count: int):
    assert ask(sensor(), 3, *struct.pack(">HH", 2089, count))[2] == 3


def test_identity_and_state_blocks():
    device = sensor()
    text = {number: struct.pack(">8H", *read(device, number, 8)).rstrip(b"\0") for number in (1032, 1568, 2080, 2400)}
    assert text == {1032: b"EPHUM011", 1568: b"SIMULATED", 2080: b"pH", 2400: b"T"}
    assert read(device, 2048, 2) == (0b100001, 0)
    assert read(device, 4736, 8) == read(device, 4800, 8) == (0,) * 8
    assert struct.pack(">2H", *read(device, 4872, 2)) == float_words(100.0)
    assert read(device, 4096, 2) == (1, 0)
    assert read(device, 4102, 2) == (4, 0)


def test_temperature_channel_and_its_units():
    device = sensor(temperature=37.0)
    assert unit_value_status(device, 2410) == (1 << 2, 37.0, 0)
    with pytest.raises(Refused):
        device.write(2409, (1 << 1, 0))  # without a level
    answer(LEVEL_S, {1: device})
    device.write(2409, (1 << 1, 0))
    assert unit_value_status(device, 2410)[:2] == (1 << 1, pytest.approx(310.15))
    with pytest.raises(Refused):
        device.write(2409, (1 << 12, 0))  # a thermometer does not measure pH


def test_status_tells_a_temperature_out_of_range():
    assert unit_value_status(sensor(temperature=-5.0), 2090)[2] == 0x02
    assert unit_value_status(sensor(temperature=140.0), 2090)[2] == 0x03


def test_user_text_can_be_written_by_the_administrator_only():
    device = sensor()
    text = struct.unpack(">8H", b"vessel BR-101   ")
    with pytest.raises(Refused):
        device.write(1567, text)
    answer(LEVEL_S, {1: device})
    device.write(1567, text)
    assert read(device, 1568, 8) == text
    with pytest.raises(Refused):
        device.write(1031, text)  # the firmware's name is nobody's to change


def test_oxygen_sensor_measures_saturation():
    device = do_sensor(2, lambda: 50.0, lambda: 37.0)
    assert unit_value_status(device, 2090) == (1 << 5, 50.0, 0)
    assert struct.pack(">8H", *read(device, 1032, 8)) == b"ODOUM043" + bytes(8)


def test_unknown_units_and_broadcasts_stay_silent():
    assert answer(seal(b"\x07\x03\x08\x29\x00\x0a"), {1: sensor()}) is None
    assert answer(seal(b"\x00\x10\x10\xbf\x00\x01\x02\x00\x00"), {1: sensor()}) is None


def test_frames_are_found_in_any_pieces():
    stream = READ_PMC1 + LEVEL_S + READ_PMC1
    framer = Framer()
    found = [frame for byte in stream for frame in framer.feed(bytes([byte]))]
    assert found == [READ_PMC1, LEVEL_S, READ_PMC1] == Framer().feed(stream)


def test_a_damaged_frame_is_dropped_at_silence_and_the_next_one_heard():
    framer = Framer()
    assert framer.feed(READ_PMC1[:-1] + b"\xff") == []
    assert framer.silence() is None
    assert framer.feed(READ_PMC1) == [READ_PMC1]


def test_silence_ends_a_frame_of_unknown_length():
    framer = Framer()
    odd = seal(b"\x01\x41\x0e\x01\x00")
    assert framer.feed(odd) == []
    assert framer.silence() == odd
    assert ask(sensor(), 0x2B, 0x0E, 1, 0)[:3] == b"\x01\xab\x01"


def test_checksum():
    assert crc16(READ_PMC1[:-2]) == READ_PMC1[-2:]
    assert not intact(b"\x01\x03")
