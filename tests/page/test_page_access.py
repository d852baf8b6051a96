"""Everybody can use the page: contrast, names, sizes, sizes of screens."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

AXE = Path(__file__).parents[2] / "controller/page/node_modules/axe-core/axe.min.js"
SCENE = {
    "alarms": [
        {"id": str(p), "vessel": "BR-101", "title": f"Alarm {p}", "priority": p, "state": "active",
         "since": 93_650.0, "value": 1.0, "unit": "%",
         "consequence": "c", "cause": "c", "action": "a", "respond_within": "10 min"}
        for p in (1, 2, 3)
    ],
    "quality": ["BR-101.ph", 2, "stale"],
    "connection": ["probes-101", "down", "no answer"],
    "trip": ["BR-102.over_temperature"],
}  # fmt: skip


def serious(page):
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        (v["id"], [(n["target"], n["failureSummary"][:300]) for n in v["nodes"][:3]])
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_barriers(site, watch, scheme):
    page = watch(site.url, color_scheme=scheme, reduced_motion="reduce", bypass_csp=True).open()
    site.scene(**SCENE)
    expect(page.locator(".alarm")).to_have_count(4)
    assert serious(page) == []
    for opener in (
        ".setpoint >> nth=0",
        ".loop-name >> nth=0",
        ".command >> nth=0",
        ".alarm >> nth=0",
        ".measured >> nth=0",
        ".top .quiet >> nth=0",
    ):
        page.locator(opener).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert serious(page) == [], opener
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


def test_silent_server_is_readable(site, watch):
    page = watch(site.url, reduced_motion="reduce", bypass_csp=True).open()
    site.freeze()
    page.wait_for_selector(".lost-banner", timeout=8000)
    assert serious(page) == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1024, 768), (820, 1180)])
def test_targets_are_large_enough_for_gloves(site, watch, width, height):
    page = watch(site.url, width, height).open()
    small = page.evaluate("""() => [...document.querySelectorAll('button, input')]
        .map((e) => [e.closest('.field') ?? e, e])
        .map(([box, e]) => [e.className || e.type, box.getBoundingClientRect()])
        .filter(([, r]) => r.width < 48 || r.height < 47.5).map(([name, r]) => `${name} ${r.width}x${r.height}`)""")
    assert small == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_motion_is_reduced_on_request(site, watch):
    page = watch(site.url, reduced_motion="reduce").open()
    site.scene(**SCENE)
    mark = page.locator(".alarm .priority path").first
    expect(mark).to_be_visible()
    assert mark.evaluate("(e) => getComputedStyle(e).animationName") == "none"
