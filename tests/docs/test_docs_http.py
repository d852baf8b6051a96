"""What the pages ask the running demo over HTTP is asked, and answered as they say."""

import json
import re
import shlex

import pytest

from controller.cli.main import main
from tests.docs.conftest import ALL, code, name, table
from tests.docs.test_docs_pages import biovisor
from tests.docs.test_docs_running import CURLS, HTTP, lines
from tests.e2e.conftest import Supervisor, until

HOST = "http://127.0.0.1:8000"
BATCH = re.compile(r"BR-10\d-\d{8}-\w{4}")
ALWAYS = ("accepted", "state", "verb", "target", "who", "unit", "reason", "batch_state", "confirm_step", "mode")
"""Fields of an example answer that are the same in every run."""


class Reader:
    """Types the curl lines of a page at the demo; knows which number of this run each number of the page is."""

    def __init__(self, supervisor):
        self.supervisor = supervisor
        self.ours = {}

    def request(self, line):
        """A curl line as (method, path, headers, body), with what differs from run to run replaced."""
        words, method, headers, body, url = shlex.split(line)[1:], "GET", {}, None, ""
        while words:
            match words.pop(0):
                case "-X":
                    method = words.pop(0)
                case "-H":
                    key, _, value = words.pop(0).partition(": ")
                    headers[key] = value
                case "-d":
                    body = words.pop(0)
                case "-N":
                    pass
                case word:
                    assert word.startswith(HOST), word
                    url = self.replaced(word.removeprefix(HOST))
        if body and "expected_revision" in body:
            loop = self.supervisor.http.get(f"{url.rsplit('/', 1)[0]}/setpoint").json()
            body = re.sub(r'("expected_revision": )\d+', rf"\g<1>{loop['revision']}", body)
        return method, url, headers, body

    def replaced(self, url):
        if found := re.search(r"/commands/(\d+)$", url):
            return url.replace(found.group(1), str(self.ours[int(found.group(1))]))
        if found := BATCH.search(url):
            theirs = found.group()
            return url.replace(theirs, self.ours.get(theirs) or self.supervisor.batch(theirs[:6])["id"])
        return url

    def types(self, line, status=None):
        """The answer to a line; the vessel may need a moment to get where the page has it."""

        def answer():
            method, url, headers, body = self.request(line)
            found = self.supervisor.http.request(method, url, headers=headers, content=body)
            good = found.status_code == status if status else found.is_success
            answers.append(found.text)
            return found if good else None

        answers = []
        try:
            return until(answer, 15, line)
        except AssertionError as error:
            raise AssertionError(f"{line}\n{answers[-1]}") from error

    def compares(self, shown, found):
        """The answer has the shape that the page shows; where the page names a number, it is remembered."""
        agree(shown, found)
        for key in ("journal", "batch"):
            if isinstance(shown.get(key), int | str):
                self.ours[shown[key]] = found[key]


def agree(shown, found, where="answer"):
    """Same keys, same kinds of values; same values in what never differs."""
    if isinstance(shown, dict):
        assert shown.keys() == found.keys(), where
        for key, value in shown.items():
            agree(value, found[key], f"{where}.{key}")
            assert key not in ALWAYS or value == found[key], f"{where}.{key}: {found[key]!r}"
    elif isinstance(shown, list):
        assert isinstance(found, list), where
        assert bool(shown) == bool(found), where
        for value in shown:
            agree(value, found[0], f"{where}[]")
    elif shown is not None and found is not None:
        numbers = {int: float}
        assert numbers.get(type(shown), type(shown)) == numbers.get(type(found), type(found)), where


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo, and where it stores its record."""
    data = tmp_path_factory.mktemp("demo")
    supervisor = Supervisor("demo", "--data", data)
    supervisor.ready()
    until(lambda: supervisor.batch("BR-101") and supervisor.batch("BR-102"), 20, "both vessels have a batch")
    yield supervisor, data
    supervisor.close()


@pytest.mark.e2e
@pytest.mark.timeout(90)
class TestAgainstTheDemo:
    """In this order: the later pages find the vessels as the earlier ones left them."""

    @pytest.mark.parametrize("page", ["README.md", "docs/tutorial/first-batch.md"])
    def test_the_first_curl_lines(self, demo, page):
        reader = Reader(demo[0])
        for line in CURLS[page]:
            answer = reader.types(line).json()
            assert answer["journal"] > 0 if "-X PUT" in line else answer["events"]
            assert "-X PUT" not in line or answer["state"] == "read_back"

    def test_the_fields_of_the_live_answers(self, demo):
        vessel = demo[0].vessel("BR-101")
        for head, found in (("A tag", vessel["tags"]), ("A loop", vessel["loops"]), ("A batch", [vessel["batch"]])):
            described = [key for row in table(HTTP, "Key", head) for key in code(row[0])]
            assert {frozenset(one) for one in found} == {frozenset(described)}, head

    def test_the_examples_of_the_http_api(self, demo):
        reader = Reader(demo[0])
        page = [block for block in ALL if block.page == name(HTTP)]
        for block, after in zip(page, [*page[1:], None], strict=True):
            if block.language != "sh" or "/stream" in block.text:
                continue
            *first, last = block.commands
            for line in first:
                reader.types(line)
            assert getattr(after, "language", "") == "json", block.text
            answer, shown = reader.types(last, int(after.word)), json.loads(after.text)
            reader.compares(shown, answer.json())
            if answer.is_error:
                assert answer.json() == shown
                assert answer.headers["Content-Type"] == "application/problem+json"

    def test_the_events_of_the_stream(self, demo):
        (line,) = (line for line in CURLS[name(HTTP)] if "/stream" in line)
        method, url, _, _ = Reader(demo[0]).request(line)
        events = {}
        with demo[0].http.stream(method, url) as stream:
            kind = ""
            for text in stream.iter_lines():
                if text.startswith("event: "):
                    kind = text.removeprefix("event: ")
                elif text.startswith("data: "):
                    events.setdefault(kind, json.loads(text.removeprefix("data: ")))
                if events.keys() >= {"snapshot", "delta", "hb"}:
                    break
        described = {code(row[0])[0]: row[1] for row in table(HTTP, "Event")}
        assert described.keys() == {"event", "resync", *events}
        assert list(events["snapshot"]) == code(described["snapshot"])
        assert list(events["hb"]) == code(described["hb"])
        delta = code(described["delta"])
        assert set(events["delta"]) <= set(delta)
        assert len(json.loads(re.sub(r"\w+", "0", delta[4]))) == len(events["delta"]["v"][0])

    @pytest.mark.parametrize("command", lines("verify"))
    def test_the_record_of_the_demo_is_whole(self, demo, command, capsys):
        supervisor, data = demo
        assert supervisor.terminate() == 0
        arguments = [str(data / "demo-1") if word == "data/demo-1" else word for word in biovisor(command)]
        assert arguments != biovisor(command)
        assert main(arguments) == 0
        assert "the chain is whole" in capsys.readouterr().out
