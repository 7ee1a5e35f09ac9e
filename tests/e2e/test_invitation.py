"""An invitation on the demonstration's page, in a real browser."""

import shutil
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

WORDS = "演示：需要帮忙吗？<b>"
PATIENCE_MS = 20_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Visit:
    """A new visitor's page, and how often it has told the server about an invitation."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.page: Page = browser.new_context(locale="zh-CN").new_page()
        self._told = 0
        self.page.on("requestfinished", self._finished)
        self.page.goto(f"{url}/demo/")

    def _finished(self, request: Request) -> None:
        self._told += request.method == "POST" and "/widget/v1/invitation" in request.url

    def counted(self, times: int) -> None:
        """Wait until the server has heard of it so often."""
        deadline = time.monotonic() + PATIENCE_MS / 1000
        while self._told < times:
            assert time.monotonic() < deadline, f"told {self._told} times"
            self.page.wait_for_timeout(50)


def test_visitors_are_invited_once_and_answer_as_they_like(
    installation: Installation, browser: Browser
) -> None:
    installation.ask("prepare_invitation")
    installation.start()

    # Put away with a key, from wherever the focus is; it stays there.
    visit = Visit(browser, installation.url)
    page = visit.page
    invitation = page.locator(".invitation")
    expect(invitation).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator(".invitation-words")).to_have_text(WORDS)
    assert page.evaluate("document.activeElement === document.body")
    page.keyboard.press("Escape")
    expect(invitation).to_have_count(0)
    visit.counted(2)
    page.reload()
    page.wait_for_timeout(4000)
    expect(invitation).to_have_count(0)

    # Reached and put away with the keyboard alone.
    visit = Visit(browser, installation.url)
    page = visit.page
    shut = page.get_by_role("button", name="关闭邀请")
    expect(shut).to_be_visible(timeout=PATIENCE_MS)
    shut.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".invitation")).to_have_count(0)
    visit.counted(2)

    # Followed: the chat opens.
    visit = Visit(browser, installation.url)
    page = visit.page
    page.locator(".invitation-words").click(timeout=PATIENCE_MS)
    expect(page.locator(".panel")).to_be_visible()
    expect(page.locator(".invitation")).to_have_count(0)
    visit.counted(2)

    # Who opens the chat before needs no invitation.
    page = Visit(browser, installation.url).page
    page.locator(".launcher").click(timeout=PATIENCE_MS)
    page.wait_for_timeout(4000)
    expect(page.locator(".invitation")).to_have_count(0)

    assert installation.ask("read_invitation") == {"别处": [0, 0, 0], "演示": [3, 1, 2]}
    assert installation.tracebacks == []
