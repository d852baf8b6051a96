"""The conversation of a calibration: questions, answers, and what is kept."""

import io

import pytest

from controller.composition.calibration.job import number
from controller.composition.calibration.session import RESUME_WITHIN_S, Interrupted, Session, WrongAnswer, words, yes

UTC = 1_795_000_000.0


class Talk:
    """A session on a file, with typed lines."""

    def __init__(self, folder):
        self.path = folder / "open/BR-101.ph.json"
        self.said = ""

    def session(self, typed="", **answers):
        return Session(self.path, answers, io.StringIO(typed), self.say)

    def say(self, text):
        self.said += text


@pytest.fixture
def talk(tmp_path):
    return Talk(tmp_path)


def test_it_asks_until_it_understands_and_enter_is_the_default(talk):
    session = talk.session("blue\n15\n\n")
    assert session.ask("buffer-1", "Its pH", number("[pH]", 0.0, 14.0), "7") == 7.0
    assert talk.said.count("Its pH [buffer-1, Enter: 7] ") == 3
    assert "0 to 14 [pH] can be" in talk.said
    with pytest.raises(Interrupted):
        session.ask("who", "Who are you", words)


def test_answers_of_the_command_line_go_first_and_must_be_right(talk):
    session = talk.session("no\n", accept="yes", who="  ")
    assert session.ask("accept", "Accept it", yes)
    assert talk.said == ""
    with pytest.raises(WrongAnswer, match="who: an answer in words is needed"):
        session.ask("who", "Who are you", words)


@pytest.mark.parametrize(("text", "value"), [("0.5", 0.5), ("0.5 mL", 0.5), ("1 L", 1000.0)])
def test_a_number_may_bring_its_unit(text, value):
    assert number("mL", 0.0, 2000.0)(text) == pytest.approx(value)
    with pytest.raises(ValueError, match="mL"):
        number("mL", 0.0, 2000.0)("1 g")


@pytest.mark.parametrize("text", ["nan", "inf", "-1"])
def test_what_is_no_number_is_none(text):
    with pytest.raises(ValueError, match="can be"):
        number("mL", 0.0, 10.0)(text)


def test_a_step_that_is_done_is_not_done_again(talk):
    first = talk.session()
    first.begin("ph-2", UTC)
    assert not first.is_open()
    assert first.step("point-1", lambda: {"raw": 7.0}) == {"raw": 7.0}
    with pytest.raises(Interrupted):
        first.step("point-2", lambda: first.ask("buffer-2", "Its pH", float))
    again = talk.session()
    assert again.is_open()
    assert again.resume(UTC + 60.0) == "ph-2"
    assert again.step("point-1", lambda: pytest.fail("it was done")) == {"raw": 7.0}
    assert "point-1: as before" in talk.said
    again.end()
    assert not talk.session().is_open()
    again.end()


def test_what_is_too_old_or_not_readable_is_not_gone_on_with(talk):
    session = talk.session()
    session.begin("ph-2", UTC)
    session.step("point-1", lambda: 1)
    with pytest.raises(WrongAnswer, match="too long ago"):
        talk.session().resume(UTC + RESUME_WITHIN_S + 1.0)
    talk.path.write_text('{"method": "ph')
    assert talk.session().is_open()
    with pytest.raises(WrongAnswer, match="cannot be read; --abandon"):
        talk.session().resume(UTC)
