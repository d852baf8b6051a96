"""The page shows what the supervisor says, and says when it does not."""

import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]

DO_LOW = {
    "id": "BR-101.do_low", "vessel": "BR-101", "tag": "do", "title": "Dissolved oxygen low", "priority": 1,
    "state": "active", "since": 93_650.0, "value": 18.2, "unit": "%", "consequence": "Cells starve of oxygen.",
    "cause": "Gas supply or stirrer lost.", "action": "Check gas supply and stirrer.", "respond_within": "10 min",
}  # fmt: skip


def loop(page, vessel, name):
    return page.locator(f'[data-vessel="{vessel}"] [data-loop="{name}"]')


def test_both_vessels_at_a_glance(page, site):
    for vessel in ("BR-101", "BR-102"):
        card = page.locator(f'[data-vessel="{vessel}"]')
        expect(card.locator("h2")).to_contain_text(vessel)
        expect(card.locator(".simulated")).to_have_text("Simulated")
        expect(card.locator(".batch-line")).to_contain_text(f"{vessel}-20261123-1")
        expect(card.locator(".state-name")).to_have_text("Running")
        expect(card.locator(".loop")).to_have_count(6)
    assert re.fullmatch(r"3[67]\.\d\d", loop(page, "BR-101", "temperature").locator(".figure").inner_text())
    expect(loop(page, "BR-101", "temperature").locator(".value .unit")).to_have_text("°C")
    expect(page.locator('[data-vessel="BR-101"] .step[aria-current]')).to_contain_text("Expand the cells")
    expect(page.locator('[data-vessel="BR-101"] .condition').first).to_contain_text("1.24 ≥ 4.00 10⁶/mL")
    expect(page.locator('[data-vessel="BR-102"] .prompt')).to_contain_text("Inoculate with the patient's cells")
    expect(page.locator(".alarm-line")).to_contain_text("Nothing abnormal")


def test_same_loop_at_the_same_height_and_everything_in_sight(page):
    for name in ("temperature", "feed"):
        heights = {round(loop(page, vessel, name).bounding_box()["y"]) for vessel in ("BR-101", "BR-102")}
        assert len(heights) == 1
    assert page.evaluate("document.querySelector('.site').scrollHeight <= document.querySelector('.site').clientHeight")
    assert page.evaluate(
        "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
    )


def test_values_move(page):
    text = page.locator('[data-vessel="BR-101"] .elapsed')
    before = text.inner_text()
    expect(text).not_to_have_text(before, timeout=4000)
    assert page.evaluate("document.querySelectorAll('.spark-pv[d]:not([d=\"\"])').length") > 0


def test_bad_value_is_hatched_with_its_last_good_age(page, site):
    value = loop(page, "BR-101", "ph").locator(".value")
    good = value.locator(".figure").inner_text()
    site.scene(quality=["BR-101.ph", 2, "link"], connection=["probes-101", "down", "no answer for 4 s"])
    expect(value).to_have_attribute("data-quality", "bad")
    expect(value.locator(".mark")).to_have_text("?")
    assert abs(float(value.locator(".figure").inner_text().rstrip("?")) - float(good)) < 0.2
    expect(value.locator(".age")).to_contain_text("No connection")
    expect(value.locator(".age")).to_contain_text("ago")
    expect(page.locator(".alarm-line")).to_contain_text("probes-101 does not answer")
    expect(page.get_by_role("button", name="8/9")).to_be_visible()
    expect(loop(page, "BR-101", "do").locator(".value")).to_have_attribute("data-quality", "good")
    site.scene(good="BR-101.ph", connection=["probes-101", "up", ""])
    expect(value).to_have_attribute("data-quality", "good")
    expect(page.locator(".alarm-line")).to_contain_text("Nothing abnormal")


def test_all_values_name_their_calibration_and_whether_it_has_expired(page):
    page.locator('[data-vessel="BR-101"] .measured').first.click()
    told = page.locator(".all-values .tile-origin")
    expect(told).to_have_count(2)
    expired = page.locator(".all-values .tile-origin[data-expired]")
    expect(expired).to_have_text("Calibration: CAL-20261102-3, 2026-11-02 · expired 2026-11-09")
    expect(told.filter(has_text="site file")).to_have_text("Calibration: site file, 2026-11-02")


def test_a_calibration_that_waits_for_the_next_start_is_told(page, site):
    site.scene(waiting=[{"vessel": "BR-101", "name": "ph", "id": "CAL-20261120-9", "in_force": "CAL-20261102-3"}])
    page.locator('[data-vessel="BR-101"] .measured').first.click()
    told = page.locator(".waiting-calibrations")
    expect(told).to_have_text("Calibration of ph: CAL-20261120-9; until then CAL-20261102-3")
    expect(page.get_by_text("Waiting for the supervisor's next start")).to_be_visible()
    site.scene(waiting=[])
    expect(told).to_have_count(0)


def test_what_a_device_says_of_a_point_is_where_the_value_is(page, site):
    value = loop(page, "BR-101", "ph").locator(".value")
    said = {"tag": "BR-101.ph", "point": "1.PMC7", "detail": "no such block"}
    site.scene(quality=["BR-101.ph", 2, "device"], connection=["probes-101", "up", "", said])
    expect(value).to_have_attribute("title", re.compile("Instrument fault · probes-101, 1.PMC7: no such block"))
    expect(page.locator(".alarm-line")).to_contain_text("probes-101, 1.PMC7: no such block")
    page.get_by_role("button", name="9/9").click()
    expect(page.locator(".listing")).to_contain_text("1.PMC7: no such block")
    page.keyboard.press("Escape")
    site.scene(good="BR-101.ph", connection=["probes-101", "up", ""])
    expect(page.locator(".alarm-line")).to_contain_text("Nothing abnormal")


def test_another_instrument_is_accepted_with_a_reason_and_a_second_yes(page, site):
    site.scene(strangers={"feed-pump-101": "serial 8, not 7"})
    page.get_by_role("button", name="9/9").click()
    row = page.locator(".listing tr", has_text="feed-pump-101")
    expect(row).to_contain_text("Another instrument answers: serial 8, not 7. Nothing is written to it.")
    row.get_by_role("button", name="Accept instrument").click()
    dialog = page.get_by_role("dialog", name="Accept instrument")
    send = dialog.locator("button.primary")
    expect(send).to_be_disabled()
    dialog.get_by_label("Reason, goes on record").fill("The pump was exchanged")
    send.click()
    expect(dialog.locator(".second")).to_contain_text("Confirm once more")
    send.click()
    expect(dialog.locator(".stages li[data-reached]")).to_have_count(3)
    told = site.get("commands/1")
    assert (told["verb"], told["target"], told["reason"]) == (
        "connection.accept", "feed-pump-101", "The pump was exchanged",
    )  # fmt: skip
    dialog.get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="9/9").click()
    expect(page.locator(".listing")).not_to_contain_text("Another instrument answers")


def test_uncertain_and_unread_values_say_so(page, site):
    site.scene(quality=["BR-102.do", 1, "rate"])
    value = loop(page, "BR-102", "do").locator(".value")
    expect(value).to_have_attribute("data-quality", "uncertain")
    expect(value.locator(".age")).to_have_text("Changes too fast")
    site.scene(quality=["BR-102.do", 1, "model"])
    expect(value.locator(".age")).to_have_text("Calculated, but not surely")
    unread = page.locator('[data-vessel="BR-102"] .measured .value').first
    expect(unread).to_have_attribute("data-quality", "unread")
    expect(unread.locator(".age")).to_have_text("not read yet")


def test_a_loop_that_nobody_touched_is_off_and_nobodys(page, site):
    off = {"mode": "off", "actual": "off", "held_by": "operator", "mode_reason": "not yet switched on"}
    site.scene(entry=["BR-101.feed", {**off, "revision": 0}])
    mode = loop(page, "BR-101", "feed").locator(".mode")
    expect(mode).to_have_text("Off")
    site.scene(entry=["BR-101.feed", {**off, "revision": 3}])
    expect(mode).to_have_text("Off · operator")


def test_alarm_comes_first_speaks_and_explains_itself(page, site):
    returned = {**DO_LOW, "id": "x", "priority": 3, "state": "returned", "title": "Temperature low"}
    site.scene(alarms=[returned, DO_LOW], trip=["BR-102.over_temperature"])
    entries = page.locator(".alarm-line .alarm")
    expect(entries.first).to_contain_text("Dissolved oxygen low")
    expect(entries.first.get_by_role("img", name="Priority 1")).to_be_visible()
    expect(page.get_by_role("alert").first).to_contain_text("High alarm, BR-101, Dissolved oxygen low")
    expect(page.locator('[data-vessel="BR-101"] h2 .priority')).to_be_visible()
    expect(loop(page, "BR-102", "temperature").locator(".mode")).to_have_text("Interlock")
    entries.first.click()
    details = page.locator(".finding").first
    for part in (
        "Cells starve",
        "Gas supply or stirrer lost",
        "Check gas supply",
        "10 min",
        "was 18.20 % when it came",
    ):
        expect(details).to_contain_text(part)
    expect(details.locator(".detail")).to_have_text(re.compile(r"when it came · now \d\d\.\d ?%"))
    expect(page.locator(".finding", has_text="Temperature low")).to_contain_text("was 18.20 % when it returned")


@pytest.mark.parametrize("shared", [True, False], ids=["shared worker", "stream of its own"])
def test_frozen_server_is_seen_within_four_seconds_and_recovers(site, watch, shared):
    browser = watch(site.url)
    if not shared:
        browser.page.add_init_script("delete window.SharedWorker")
    page = browser.open()
    page.evaluate(
        "new MutationObserver(() => { if (document.querySelector('.lost-banner')) window.lostAt ??= Date.now(); })"
        ".observe(document.body, {subtree: true, childList: true})"
    )
    site.freeze()
    frozen = time.time()  # compared with the page's own Date.now()
    page.wait_for_selector(".lost-banner", timeout=8000)
    assert page.evaluate("window.lostAt") / 1000 - frozen <= 4.0
    expect(page.locator(".lost-banner")).to_contain_text("No data since")
    expect(page.locator(".value[data-quality=good]")).to_have_count(0)
    expect(loop(page, "BR-101", "temperature").locator(".value .age")).to_contain_text("old")
    expect(page.locator("main button:enabled:is(.command, .setpoint, .primary)")).to_have_count(0)
    time.sleep(4)
    site.thaw()
    expect(page.locator(".lost-banner")).to_have_count(0, timeout=10_000)
    before = page.locator('[data-vessel="BR-101"] .elapsed').inner_text()
    expect(page.locator('[data-vessel="BR-101"] .elapsed')).not_to_have_text(before, timeout=4000)
    expect(page.locator("main .setpoint:enabled")).to_have_count(12)
    assert browser.sent() == []


def test_stopped_scan_does_not_look_alive(page, site):
    site.scene(scan=False)
    page.wait_for_selector(".lost-banner", timeout=9000)
    site.scene(scan=True)
    expect(page.locator(".lost-banner")).to_have_count(0)


def test_nine_tabs_are_all_live(site, watch):
    browser = watch(site.url)
    browser.open()
    tabs = [browser.tab() for _ in range(8)]
    for tab in tabs:
        tab.goto(site.url)
    for tab in tabs:
        tab.wait_for_selector('.app[data-link="live"] .vessel')
    streams = sum(1 for _, url in browser.requests if url.endswith("/api/v1/stream"))
    assert streams <= 1


MIRROR = """async () => {
    const { Mirror } = await import('/js/live/mirror.js');
    const column = {values: [1], quality: [0], reason: ['ok'], age: [0]};
    const whole = (seq) => ({type: 'snapshot', doc: {seq, time: 0, process_s: 0, columns: [], ...column}});
    const change = {v: [[0, 7, 1, 'rate', 0.5]], state: {alarms: []}};
    const delta = (seq) => ({type: 'delta', doc: {seq, time: seq, process_s: seq, ...change}});
    const beat = (seq) => ({type: 'hb', doc: {seq, time: 0}});
    const mirror = new Mirror();
    const early = mirror.take(delta(1));
    const sound = [whole(5), delta(6), delta(8), beat(8), beat(9), delta(9), beat(10)].map((m) => mirror.take(m));
    const { values, quality, alarms } = mirror.snapshot;
    return [early, sound, mirror.take(beat(12)), mirror.take(delta(3)), values, quality, alarms];
}"""


def test_missed_delta_is_noticed(page):
    """A delta before its snapshot, two beats without a delta, a sequence that runs back: each asks for a snapshot."""
    assert page.evaluate(MIRROR) == [False, [True] * 7, False, False, [7], [1], []]


def test_theme_is_kept(page):
    page.get_by_label("Switch to dark").click()
    page.reload()
    page.wait_for_selector(".vessel")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.get_by_label("Switch to light").click()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"


def test_every_instrument_says_what_its_driver_was_checked_against(page):
    page.get_by_role("button", name="instruments").click()
    rows = page.get_by_role("dialog").get_by_role("row")
    expect(rows.filter(has_text="counter").get_by_role("cell").last).to_have_text("not told")
    expect(rows.filter(has_text="plc-102").get_by_role("cell").last).to_have_text("its simulator")


def test_trend_shows_the_record_and_goes_on(page, site):
    end = time.monotonic() + 8
    while time.monotonic() < end and len(site.get("history?tag=BR-101.do")["series"][0]["time"]) < 5:
        time.sleep(0.2)
    loop(page, "BR-101", "do").locator(".loop-name").click()
    expect(page.locator(".trend-plot canvas")).to_be_visible()
    page.get_by_role("button", name="1 h").click()
    expect(page.locator(".trend-plot canvas")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_have_count(0)
