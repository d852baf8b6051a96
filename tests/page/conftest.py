"""A real Chromium in front of a small site that runs in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHROMIUM = "/usr/bin/chromium"
ARGS = (
    "--no-sandbox --disable-gpu --disable-background-networking",
    "--disable-component-update --disable-sync --no-first-run",
)


@pytest.fixture(scope="session")
def nursery(tmp_path_factory):
    """Where small sites are made, each a process of its own that need not import anything: a path to connect to."""
    path = tmp_path_factory.mktemp("sites") / "socket"
    popen = subprocess.Popen(
        [sys.executable, HERE / "small_site.py", path],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert popen.stdout.readline() == "ready\n"
    yield path
    popen.terminate()
    popen.communicate(timeout=10)


class Site:
    """The small site as a process: its URL, and what changes its scene."""

    def __init__(self, nursery):
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.settimeout(10)
        self.connection.connect(str(nursery))
        self.lines = self.connection.makefile("rw")
        answer = json.loads(self.lines.readline())
        self.url, self.pid = answer["url"], answer["pid"]

    def scene(self, **changes):
        self.lines.write(json.dumps(changes) + "\n")
        self.lines.flush()

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)

    def get(self, path):
        return httpx.get(f"{self.url}/api/v1/{path}", timeout=5, trust_env=False).json()

    def close(self):
        """Give it its end, and wait for it."""
        self.thaw()
        self.connection.shutdown(socket.SHUT_WR)
        assert self.lines.read() == ""
        self.lines.close()
        self.connection.close()


@pytest.fixture
def site(nursery):
    """Two vessels: BR-101 expands, BR-102 asks to be inoculated."""
    site = Site(nursery)
    yield site
    site.close()


@pytest.fixture(scope="module")
def chromium():
    """Debian's Chromium; closed with the module, because it keeps an event loop running in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=" ".join(ARGS).split())
        yield browser
        browser.close()


class Watched:
    """A browser of its own, whose complaints and requests are noted."""

    def __init__(self, chromium, url, width=1280, height=800, **options):
        self.url = url
        self.complaints, self.requests = [], []
        self.context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        self.page = self.tab()

    def tab(self):
        page = self.context.new_page()
        page.set_default_timeout(8000)
        page.on("console", lambda m: m.type in {"error", "warning"} and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append((request.method, request.url)))
        return page

    def open(self):
        self.page.goto(self.url)
        self.page.wait_for_selector(".vessel")
        self.page.wait_for_selector('.app[data-link="live"]')
        return self.page

    def sent(self):
        """The commands that left the browser."""
        return [(method, url) for method, url in self.requests if method not in {"GET", "HEAD"}]


@pytest.fixture
def watch(chromium):
    """Makes browsers; at the end none of them may have complained."""
    made = []

    def make(url, *args, **options):
        made.append(Watched(chromium, url, *args, **options))
        return made[-1]

    yield make
    complaints = [text for one in made for text in one.complaints]
    for one in made:
        one.context.close()
    assert complaints == []


@pytest.fixture
def page(site, watch):
    """The page of the small site, live, at 1280 × 800."""
    return watch(site.url).open()
