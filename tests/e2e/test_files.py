"""A visitor and an agent send each other pictures and files, in two real browsers."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conversations.uploading import PDF, picture
from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e

PATIENCE_MS = 20_000


@pytest.fixture
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(found for found in map(shutil.which, names) if found)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


def page_of(browser: Browser, complaints: list[str]) -> Page:
    page = browser.new_context().new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda line: complaints.append(line.text) if "Content Security" in line.text else None,
    )
    return page


def visit(page: Page, installation: Installation) -> None:
    page.goto(f"{installation.url}/widget/v1/frame?k={installation.channel_key}")
    page.get_by_role("button", name="同意并开始").click()


def sit(page: Page, installation: Installation) -> None:
    login = installation.ask("staff")
    page.goto(f"{installation.url}/login/?next=/console/")
    page.fill("input[name=username]", login["email"])
    page.fill("input[name=password]", login["password"])
    page.locator("input[name=password]").press("Enter")
    page.locator("html[data-ready=true]").wait_for()


def is_loaded(page: Page, selector: str) -> None:
    """Wait until the last picture there has its pixels."""
    page.locator(selector).last.wait_for()
    expect(page.locator(selector).last).not_to_have_js_property("naturalWidth", 0)


@pytest.mark.browser
def test_pictures_reach_the_other_side(
    installation: Installation, browser: Browser, tmp_path: Path
) -> None:
    photo, form, trick = (tmp_path / name for name in ("商品.png", "发票.pdf", "trick.png"))
    photo.write_bytes(picture(size=(640, 480)))
    form.write_bytes(PDF)
    trick.write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>")
    installation.start()
    complaints: list[str] = []
    visitor, agent = page_of(browser, complaints), page_of(browser, complaints)

    # What is refused says so, and does not hinder the others.
    visit(visitor, installation)
    chooser = visitor.locator("[data-part=composer] input[type=file]")
    chooser.set_input_files([photo, trick])
    expect(visitor.locator(".tray-item.is-ready")).to_have_count(1)
    expect(visitor.locator(".tray-item.is-failed")).to_have_count(1)
    visitor.locator(".tray-item.is-failed .files-button").last.click()
    visitor.locator("[data-part=send]").click()
    is_loaded(visitor, ".from-customer .file-picture img")
    expect(visitor.locator(".from-bot").last).to_contain_text("文字")

    # The second wordless one goes to people; a pasted screenshot is one as well.
    visitor.locator("[data-part=box]").focus()
    visitor.evaluate(
        """async (url) => {
          const blob = await (await fetch(url)).blob();
          const carried = new DataTransfer();
          carried.items.add(new File([blob], "截图.png", { type: "image/png" }));
          document.querySelector("[data-part=box]").dispatchEvent(
            new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true }),
          );
        }""",
        visitor.locator(".file-picture img").first.get_attribute("src"),
    )
    expect(visitor.locator(".tray-item.is-ready")).to_have_count(1)
    visitor.locator("[data-part=send]").click()
    expect(visitor.locator(".from-customer .file-picture")).to_have_count(2)

    # The agent sees the picture, opens it with the keyboard, and answers with a file.
    sit(agent, installation)
    agent.keyboard.press("g")
    agent.keyboard.press("q")
    agent.locator(".row").first.click()
    is_loaded(agent, ".say-visitor .file-picture img")
    agent.locator(".say-visitor .file-picture").first.focus()
    agent.keyboard.press("Enter")
    expect(agent.locator("dialog.gallery")).to_be_visible()
    agent.keyboard.press("Escape")
    expect(agent.locator("dialog.gallery")).to_have_count(0)
    agent.locator(".composer-blocked button").click()
    agent.locator(".composer-input").wait_for()
    agent.locator(".composer input[type=file]").set_input_files([form])
    expect(agent.locator(".tray-item.is-ready")).to_have_count(1)
    agent.locator(".composer-send").click()
    expect(visitor.locator(".from-agent .file-card")).to_contain_text("发票.pdf")

    # A quote and a withdrawal, by the message's menu, are seen on the other side.
    agent.locator(".say-visitor").last.locator(".message-menu").press("Enter")
    agent.get_by_role("menuitem", name="引用").press("Enter")
    agent.locator(".composer-input").fill("说的是这张吗？")
    agent.locator(".composer-send").click()
    expect(visitor.locator(".from-agent .quoted")).to_contain_text("[图片]")
    expect(agent.locator(".say-agent").last).to_contain_text("说的是这张吗？")
    # A message still on its way has no menu.
    agent.locator(".say-agent").last.locator(".message-menu").press("Enter")
    agent.get_by_role("menuitem", name="撤回").press("Enter")
    agent.get_by_role("button", name="撤回").last.click()
    expect(visitor.locator(".from-agent").last).to_contain_text("消息已撤回")
    expect(agent.locator(".say-agent").last).to_contain_text("消息已撤回")
    expect(visitor.get_by_text("说的是这张吗？")).to_have_count(0)

    assert complaints == []
    installation.stop()
    assert installation.tracebacks == []


def test_endless_bodies_end(installation: Installation) -> None:
    installation.start()
    head = b"POST /api/client/v1/attachments HTTP/1.1\r\nHost: 127.0.0.1\r\n"

    with socket.create_connection(("127.0.0.1", installation.port), 20) as line:
        line.sendall(head + b"Content-Length: 99999999999\r\n\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")

    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    sent, cut_off = 0, False
    with socket.create_connection(("127.0.0.1", installation.port), 20) as line:
        line.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            while sent < 200:
                line.sendall(piece)
                sent += 1
        except (ConnectionResetError, BrokenPipeError):
            cut_off = True

    # What the system keeps in its buffers comes on top of what was read.
    assert cut_off
    assert 15 <= sent < 60
    installation.stop()
    assert installation.tracebacks == []
