"""The page in front of the whole product: `biovisor demo`, as a visitor sees it."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.browser,
    pytest.mark.timeout(180),
]
ROOT = Path(__file__).parents[2]


class Demo:
    """The demo as a process of its own, its instruments with it."""

    def __init__(self, data):
        command = [sys.executable, "-m", "controller.cli.main", "demo", "--port", "0", "--data", data]
        self.log = (data / "log").open("w")
        self.popen = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.url = re.search(r"http://\S+", self.popen.stdout.readline())[0]
        end = time.monotonic() + 20
        while not self._answers():
            assert time.monotonic() < end, "the page is not up"
            time.sleep(0.05)

    def _answers(self):
        try:
            return httpx.get(self.url, timeout=1, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def get(self, path):
        return httpx.get(f"{self.url}/api/v1/{path}", timeout=5, trust_env=False).json()

    def close(self):
        os.kill(self.popen.pid, signal.SIGCONT)
        self.popen.terminate()
        try:
            self.popen.wait(20)
        finally:
            self.popen.kill()
            self.popen.stdout.close()
            self.log.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    demo = Demo(tmp_path_factory.mktemp("demo"))
    yield demo
    demo.close()


def test_first_minute_of_a_visitor(demo, watch):
    browser = watch(demo.url)
    page = browser.open()
    measured = page.locator(".loop .value[data-quality=good]")
    expect(measured).to_have_count(10, timeout=15_000)
    expect(page.locator('[data-vessel="BR-101"] .step[aria-current]')).to_contain_text("Expand the cells")
    prompt = page.locator('[data-vessel="BR-102"] .prompt')
    expect(prompt).to_contain_text("Inoculate", timeout=60_000)
    expect(page.locator(".simulated")).to_have_count(3)
    prompt.get_by_role("button", name="Confirm").click()
    expect(page.locator('[data-vessel="BR-102"] .step[aria-current]')).to_contain_text("Expand the cells")
    assert len(browser.sent()) == 1


def test_setpoint_reaches_the_instrument_and_comes_back(demo, watch):
    page = watch(demo.url).open()
    expect(page.locator(".loop .value[data-quality=good]")).to_have_count(10, timeout=15_000)
    page.locator('[data-vessel="BR-102"] [data-loop="air"] .setpoint').click()
    dialog = page.get_by_role("dialog")
    page.get_by_label("New setpoint").fill("80")
    dialog.get_by_role("button", name="Process adjustment").click()
    dialog.get_by_role("button", name="Set 80.0 mL/min").click()
    stages = dialog.locator(".stages li[data-reached]")
    expect(stages).to_have_count(3)
    expect(stages.nth(1)).to_contain_text(re.compile(r"journal \d+"))
    expect(stages.nth(2)).to_contain_text("80.0 mL/min")
    assert demo.get("vessels/BR-102/loops/air/setpoint")["value"] == 80


def test_frozen_supervisor_is_seen(demo, watch):
    page = watch(demo.url).open()
    os.kill(demo.popen.pid, signal.SIGSTOP)
    try:
        page.wait_for_selector(".lost-banner", timeout=4500)
        expect(page.locator("main :is(.command, .setpoint, .primary):enabled")).to_have_count(0)
    finally:
        os.kill(demo.popen.pid, signal.SIGCONT)
    expect(page.locator(".lost-banner")).to_have_count(0, timeout=10_000)
