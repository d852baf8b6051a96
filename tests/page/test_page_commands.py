"""Commands leave the page once, on purpose, within their limits, and are followed to their end."""

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.timeout(90)]


@pytest.fixture
def browser(site, watch):
    browser = watch(site.url)
    browser.open()
    return browser


def setpoint_dialog(page, loop="temperature", vessel="BR-101"):
    page.locator(f'[data-vessel="{vessel}"] [data-loop="{loop}"] .setpoint').click()
    expect(page.get_by_role("dialog")).to_contain_text(vessel)
    return page.get_by_role("dialog")


def type_setpoint(page, text):
    page.get_by_label("New setpoint").fill(text)


def test_setpoint_is_sent_accepted_and_read_back(browser, site):
    dialog = setpoint_dialog(browser.page)
    expect(dialog).to_contain_text("37.00")
    type_setpoint(browser.page, "36.5")
    confirm = dialog.get_by_role("button", name="Set 36.50 °C")
    expect(confirm).to_be_disabled()
    dialog.get_by_role("button", name="Process adjustment").click()
    confirm.click()
    stages = dialog.locator(".stages li[data-reached]")
    expect(stages).to_have_count(3)
    expect(stages.nth(1)).to_contain_text("journal 1")
    expect(stages.nth(2)).to_contain_text("36.50 °C")
    assert site.get("vessels/BR-101/loops/temperature/setpoint")["value"] == 36.5
    assert len(browser.sent()) == 1
    dialog.get_by_role("button", name="Close").last.click()
    expect(browser.page.locator('[data-vessel="BR-101"] [data-loop="temperature"] .mode')).to_have_text(
        "Auto · operator"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("370", "Was 37.00 meant?"),
        ("3", "below the limit of 4.00 °C"),
        ("36,5", "Use a point"),
        ("1e1", "not a number"),
        ("", "A number is needed"),
        ("NaN", "not a number"),
    ],
)
def test_wrong_number_is_stopped_before_it_is_sent(browser, text, says):
    dialog = setpoint_dialog(browser.page)
    dialog.get_by_role("button", name="Investigation").click()
    type_setpoint(browser.page, text)
    expect(dialog.get_by_role("alert")).to_contain_text(says)
    expect(dialog.locator("button[type=submit]")).to_be_disabled()
    browser.page.get_by_label("New setpoint").press("Enter")
    assert browser.sent() == []


def test_large_step_is_asked_for_twice(browser, site):
    dialog = setpoint_dialog(browser.page)
    type_setpoint(browser.page, "30")
    dialog.get_by_role("button", name="Operating instruction").click()
    dialog.get_by_role("button", name="Set 30.00 °C").click()
    expect(dialog.locator(".second")).to_contain_text("−7.00 °C")
    assert browser.sent() == []
    dialog.get_by_role("button", name="Yes, set 30.00 °C").click()
    expect(dialog.locator(".stages li[data-reached]")).to_have_count(3)


def test_outdated_change_is_refused_with_its_reason(browser, site):
    dialog = setpoint_dialog(browser.page, "ph")
    browser.page.route(
        "**/setpoint",
        lambda route: route.continue_(
            post_data=route.request.post_data.replace('"expected_revision":1', '"expected_revision":0')
        ),
    )
    type_setpoint(browser.page, "7.1")
    dialog.get_by_role("button", name="Process adjustment").click()
    dialog.get_by_role("button", name="Set 7.10 pH").click()
    expect(dialog.locator(".outcome")).to_contain_text("has been changed since")
    assert site.get("vessels/BR-101/loops/ph/setpoint")["value"] == 7.2
    browser.complaints.clear()


def test_an_answer_that_is_cut_short_confirms_nothing(browser, site):
    def cut(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.body()[:20])

    dialog = setpoint_dialog(browser.page, "ph")
    browser.page.route("**/setpoint", cut)
    type_setpoint(browser.page, "7.1")
    dialog.get_by_role("button", name="Process adjustment").click()
    dialog.get_by_role("button", name="Set 7.10 pH").click()
    expect(dialog.locator(".outcome")).to_contain_text("Not confirmed")
    assert len(browser.sent()) == 1


def test_nothing_is_sent_while_the_server_is_silent_nor_afterwards(browser, site):
    page = browser.page
    dialog = setpoint_dialog(page)
    type_setpoint(page, "36.5")
    dialog.get_by_role("button", name="Process adjustment").click()
    site.freeze()
    page.wait_for_selector(".lost-banner", timeout=8000)
    expect(dialog.locator("button[type=submit]")).to_be_disabled()
    expect(dialog).to_contain_text("Nothing is sent, now or later")
    site.thaw()
    expect(page.locator(".lost-banner")).to_have_count(0, timeout=10_000)
    expect(dialog.locator("button[type=submit]")).to_be_enabled()
    assert browser.sent() == []
    assert site.get("vessels/BR-101/loops/temperature/setpoint")["value"] == 37.0


def test_command_that_gets_no_answer_is_unknown_and_not_repeated(browser, site):
    page = browser.page
    dialog = setpoint_dialog(page)
    type_setpoint(page, "36.5")
    dialog.get_by_role("button", name="Process adjustment").click()
    site.freeze()
    dialog.get_by_role("button", name="Set 36.50 °C").click()
    expect(dialog.locator(".outcome").last).to_contain_text("It is not known", timeout=9000)
    site.thaw()
    expect(page.locator(".lost-banner")).to_have_count(0, timeout=10_000)
    assert len(browser.sent()) == 1


def test_prompt_is_checked_and_answered_once(browser, site):
    page = browser.page
    prompt = page.locator('[data-vessel="BR-102"] .prompt')
    prompt.get_by_label("Volume added").fill("500")
    expect(prompt).to_contain_text("above the limit of 200 mL")
    expect(prompt.get_by_role("button", name="Confirm")).to_be_disabled()
    prompt.get_by_label("Volume added").fill("62.5")
    prompt.get_by_role("button", name="Confirm").click()
    expect(prompt).to_have_count(0)
    expect(page.locator('[data-vessel="BR-102"] .step[aria-current]')).to_contain_text("Expand the cells")
    command = site.get("commands/1")
    assert command["value"] == {"prompt": "inoculate-1", "inputs": {"inoculum_volume": 62.5}}
    assert len(browser.sent()) == 1


def test_batch_commands_follow_what_is_allowed(browser, site):
    page = browser.page
    commands = page.locator('[data-vessel="BR-101"] .commands')
    commands.get_by_role("button", name="Hold").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason, goes on record").fill("Foam on the probe")
    dialog.get_by_role("button", name="Hold BR-101").click()
    expect(dialog.locator(".stages li[data-reached]")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator('[data-vessel="BR-101"] .state-name')).to_have_text("Held")
    expect(commands.get_by_role("button", name="Restart")).to_be_enabled()
    expect(commands.get_by_role("button", name="Pause")).to_be_disabled()
    assert site.get("commands/1")["reason"] == "Foam on the probe"


def test_mode_and_output_by_hand(browser, site):
    page = browser.page
    page.locator('[data-vessel="BR-101"] [data-loop="temperature"] .loop-name').click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Manual").click()
    dialog.get_by_role("button", name="Investigation").click()
    dialog.get_by_role("button", name="Auto → Manual").click()
    expect(dialog.locator(".face")).to_contain_text("Mode Manual")
    dialog.get_by_label("Output by hand").fill("12.5")
    dialog.get_by_role("button", name="Output 12.5 %").click()
    expect(dialog.locator(".stages li[data-reached]")).to_have_count(3)
    assert site.get("commands/2")["value"] == {"value": 12.5}


def test_new_batch_on_a_free_vessel(browser, site):
    page = browser.page
    site.scene(batch=["BR-102", None])
    page.locator('[data-vessel="BR-102"]').get_by_role("button", name="New batch").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="CAR-T expansion").click()
    dialog.get_by_label("Culture temperature").fill("36.8")
    dialog.get_by_role("button", name="Operating instruction").click()
    dialog.get_by_role("button", name="Make batch").click()
    expect(dialog.locator(".stages li[data-reached]")).to_have_count(3)
    assert site.get("commands/1")["value"]["formula"] == {"culture_temperature": 36.8}
    page.keyboard.press("Escape")
    expect(page.locator('[data-vessel="BR-102"]').get_by_role("button", name="Start")).to_be_enabled()


def test_everything_by_keyboard(browser, site):
    page = browser.page
    page.locator('[data-vessel="BR-101"] [data-loop="do"] .loop-name').focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.type("52")
    expect(page.get_by_label("New setpoint")).to_have_value("52")
    page.get_by_label("Reason, goes on record").focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.locator(".stages li[data-reached]")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    focused = page.evaluate("document.activeElement?.className")
    assert focused == "setpoint"
    assert site.get("commands/1")["value"] == {"value": 52}
