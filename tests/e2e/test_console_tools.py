"""An agent works by the keyboard: canned reply, standard answer, snooze, wrap-up."""

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.callers import Caller
from tests.e2e.installation import Installation
from tests.e2e.prepare import QUESTIONS

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

PATIENCE_MS = 30_000
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def page() -> Iterator[Page]:
    path = next(filter(None, map(shutil.which, NAMES)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        opened = browser.new_page(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


def test_a_shift_by_the_keyboard(installation: Installation, page: Page) -> None:
    expect.set_options(timeout=PATIENCE_MS)
    seat = installation.ask("seats")
    installation.start()
    visitor = Caller(installation)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))

    sign_in(page, installation.url, seat)
    take(page)
    send_canned_reply(page, visitor)
    send_standard_answer(page, visitor)
    put_aside_and_come_back(page, visitor)
    wrap_up(page)

    assert faults == []
    assert installation.tracebacks == []
    installation.stop()


def sign_in(page: Page, url: str, seat: dict[str, str]) -> None:
    page.goto(f"{url}/login/?next=/console/")
    page.locator("input[name=username]").fill(seat["email"])
    page.locator("input[name=password]").fill(seat["password"])
    page.keyboard.press("Enter")
    page.locator("html[data-ready=true]").wait_for(state="attached")


def take(page: Page) -> None:
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("q")
    expect(page.locator(".status-waiting_human")).to_be_visible()
    expect(page.locator(".say")).not_to_have_count(0)
    page.keyboard.press("t")
    expect(page.locator(".composer-input")).to_be_focused()


def send_canned_reply(page: Page, visitor: Caller) -> None:
    field = page.locator(".composer-input")
    page.keyboard.type("/ord")
    expect(page.locator(".picker-item")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(field).to_have_value("林晓为您查询 {{order_no}}。")
    expect(page.locator(".composer-gaps")).to_contain_text("order_no")

    # What is left open is not sent, but chosen, so that typing completes it.
    page.keyboard.press("Enter")
    assert visitor.heard() == []
    page.keyboard.type("A17")
    expect(page.locator(".composer-gaps")).to_be_hidden()
    page.keyboard.press("Enter")

    expect(page.locator(".say-agent:not(.say-pending)")).to_have_count(1)
    assert [each["text"] for each in visitor.heard()] == ["林晓为您查询 A17。"]


def send_standard_answer(page: Page, visitor: Caller) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    page.keyboard.type("多久发货")
    expect(page.locator(".entries .entry").first).to_contain_text(QUESTIONS[0])
    page.keyboard.press("Control+Enter")

    expect(page.locator(".say-agent:not(.say-pending)")).to_have_count(2)
    expect(page.locator(".say-agent").last).to_contain_text("标准答案")
    assert visitor.heard()[-1]["text"] == f"关于“{QUESTIONS[0]}”：可以的。"


def put_aside_and_come_back(page: Page, visitor: Caller) -> None:
    page.keyboard.press("g")
    page.keyboard.press("m")
    expect(page.locator(".row")).to_have_count(1)
    page.keyboard.press("s")
    expect(page.locator(".popover:popover-open .menu-item").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".thread-who .tag-snooze")).to_be_visible()
    expect(page.locator(".row")).to_have_count(0)
    expect(page.locator(".tab[data-list=snoozed] .tab-count")).to_have_text("1")

    visitor.say("我又来了")

    expect(page.locator(".row")).to_have_count(1)
    expect(page.locator(".thread-who .tag-snooze")).to_have_count(0)
    expect(page.locator(".toast").last).to_contain_text("会话已恢复")


def wrap_up(page: Page) -> None:
    page.keyboard.press("x")
    expect(page.locator("[name=resolved]").first).to_be_focused()
    page.keyboard.press("1")
    page.locator("[name=summary]").fill("已查到订单")
    # Turning away keeps what was written.
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("x")
    expect(page.locator("[name=category_id]")).to_be_visible()
    expect(page.locator("[name=summary]")).to_have_value("已查到订单")
    page.locator("[name=category_id]").select_option(label="物流")
    page.keyboard.press("Control+Enter")

    expect(page.locator(".status-closed")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("c")
    expect(page.locator(".row")).to_contain_text("已解决")
    expect(page.locator(".row")).to_contain_text("物流")
