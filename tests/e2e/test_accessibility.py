"""What people open is readable for all of them: axe finds nothing serious, light and dark."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.callers import Caller
from tests.e2e.installation import Installation
from tests.e2e.people import PATIENCE_MS, a_browser
from tests.e2e.prepare import QUESTIONS

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
GRAVE = ("serious", "critical")
# Elements that one finding names.
MOST = 5
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def browser() -> Iterator[Browser]:
    with a_browser() as opened:
        yield opened


def faults(page: Page) -> list[Any]:
    """Return what axe calls serious or critical on the page, with the elements."""
    page.evaluate(f"{AXE}; 0")
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    return [
        (
            rule["id"],
            [(node["html"][:200], node["failureSummary"]) for node in rule["nodes"][:MOST]],
        )
        for rule in found["violations"]
        if rule["impact"] in GRAVE
    ]


def test_nothing_serious(installation: Installation, browser: Browser) -> None:
    team = installation.ask("roster")
    installation.start()
    Caller(installation)
    found: dict[str, list[Any]] = {}

    def someone(width: int = 1366) -> Page:
        # axe is written into the page, which the pages' own policy forbids.
        context = browser.new_context(
            viewport={"width": width, "height": 768},
            locale="zh-CN",
            reduced_motion="reduce",
            bypass_csp=True,
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    def look(page: Page, name: str) -> None:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            if wrong := faults(page):
                found[f"{name}, {scheme}"] = wrong

    for visit in (_visitor, _agent, _supervisor):
        visit(installation, team, someone, look)

    assert found == {}
    assert installation.tracebacks == []
    installation.stop()


Someone = Callable[..., Page]
Look = Callable[[Page, str], None]


def _visitor(installation: Installation, team: Any, someone: Someone, look: Look) -> None:
    page = someone(390)
    page.goto(f"{installation.url}/widget/v1/frame?k={installation.channel_key}")
    look(page, "notice")
    page.get_by_role("button", name="同意并开始").click()
    page.locator("[data-part=box]").fill(QUESTIONS[0])
    page.locator("[data-part=send]").click()
    expect(page.locator(".from-bot")).not_to_have_count(0)
    expect(page.locator(".is-pending")).to_have_count(0)
    look(page, "widget")
    page.goto(f"{installation.url}/tickets/{installation.channel_key}/")
    look(page, "ticket")


def _agent(installation: Installation, team: Any, someone: Someone, look: Look) -> None:
    page = someone()
    page.goto(f"{installation.url}/login/?next=/console/")
    look(page, "log-in")
    _sign_in(page, team["agent"])
    page.keyboard.press("g")
    page.keyboard.press("q")
    page.locator(".row").first.click()
    expect(page.locator(".say")).not_to_have_count(0)
    look(page, "conversation")
    page.keyboard.press("t")
    expect(page.locator(".composer-input")).to_be_focused()
    page.keyboard.type("/")
    expect(page.locator(".picker-item")).not_to_have_count(0)
    look(page, "composer")


def _supervisor(installation: Installation, team: Any, someone: Someone, look: Look) -> None:
    page = someone()
    page.goto(f"{installation.url}/login/?next=/console/")
    _sign_in(page, team["supervisor"])
    page.keyboard.press("g")
    page.keyboard.press("b")
    look(page, "board")
    for path in ("", "knowledge/entry/", "conversations/ticket/add/", "reporting/report/"):
        page.goto(f"{installation.url}/admin/{path}")
        look(page, f"admin/{path}")


def _sign_in(page: Page, login: dict[str, str]) -> None:
    page.locator("input[name=username]").fill(login["email"])
    page.locator("input[name=password]").fill(login["password"])
    page.keyboard.press("Enter")
    page.locator("html[data-ready=true]").wait_for(state="attached")
