"""People at their browsers: the console as staff see it, the chat as a visitor sees it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.e2e.installation import Installation

PATIENCE_MS = 40_000
NAMES = ("chromium", "chromium-browser", "google-chrome")

# Headless browsers are silent: what would sound is counted.
COUNT_TONES = """
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...args) {
    const { dataset } = document.documentElement;
    dataset.tones = Number(dataset.tones ?? 0) + 1;
    return start.apply(this, args);
  };
"""


@contextmanager
def a_browser() -> Iterator[Browser]:
    """Open a browser that allows sound, and be patient with what it shows."""
    expect.set_options(timeout=PATIENCE_MS)
    path = next(filter(None, map(shutil.which, NAMES)))
    args = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=args)
        yield browser
        browser.close()


def someone(browser: Browser, faults: list[str]) -> Page:
    """Return a page of a person of their own; errors on it are added to `faults`."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.add_init_script(COUNT_TONES)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda line: faults.append(line.text) if "Content Security" in line.text else None,
    )
    return page


def sit_down(page: Page, installation: Installation, login: dict[str, str]) -> None:
    """Sign in to the console and wait until it is live."""
    page.goto(f"{installation.url}/login/?next=/console/")
    page.locator("input[name=username]").fill(login["email"])
    page.locator("input[name=password]").fill(login["password"])
    page.keyboard.press("Enter")
    page.locator("html[data-ready=true]").wait_for(state="attached")


def be_online(page: Page) -> None:
    """Choose to be online, by the keyboard."""
    page.locator("[data-part=presence]").focus()
    page.keyboard.press("Enter")
    page.locator(":popover-open [data-presence=online]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=presence][data-presence=online]")).to_be_visible()


def press(page: Page, keys: str) -> None:
    """Press keys after each other with nothing focused that would write them."""
    page.evaluate("document.activeElement.blur()")
    for key in keys.split():
        page.keyboard.press(key)


def visit(page: Page, installation: Installation) -> None:
    """Open the chat and agree to its notice."""
    page.goto(f"{installation.url}/widget/v1/frame?k={installation.channel_key}")
    page.get_by_role("button", name="同意并开始").click()


def write(page: Page, words: str) -> None:
    """Send a message as the visitor."""
    page.locator("[data-part=box]").fill(words)
    page.locator("[data-part=box]").press("Enter")
    expect(page.locator(".from-customer").last).to_contain_text(words)


def served_by(page: Page, name: str) -> None:
    """Wait until the visitor sees who serves them."""
    expect(page.locator("[data-part=name]")).to_have_text(name)


def has_pixels(picture: Locator) -> None:
    """Wait until a picture is loaded."""
    picture.wait_for()
    expect(picture).not_to_have_js_property("naturalWidth", 0)
