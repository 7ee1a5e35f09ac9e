"""A shift of an agent by the keyboard, with a supervisor and a visitor in browsers of their own."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conversations.uploading import picture
from tests.e2e.callers import Caller
from tests.e2e.installation import Installation
from tests.e2e.people import (
    a_browser,
    be_online,
    has_pixels,
    press,
    served_by,
    sit_down,
    someone,
    visit,
    write,
)
from tests.e2e.prepare import QUESTIONS
from tests.e2e.roster import AGENT, SUPERVISOR

pytestmark = [pytest.mark.alone, pytest.mark.e2e, pytest.mark.browser]


def test_a_shift(installation: Installation, tmp_path: Path) -> None:
    photo = tmp_path / "商品.png"
    photo.write_bytes(picture(size=(320, 240)))
    logins = installation.ask("roster")
    installation.start()
    faults: list[str] = []
    with a_browser() as browser:
        agent, supervisor, visitor = (someone(browser, faults) for _ in range(3))
        sit_down(agent, installation, logins["agent"])
        sit_down(supervisor, installation, logins["supervisor"])
        be_online(agent)
        be_online(supervisor)

        ask_for_a_person(visitor, installation)
        accept_what_rings(agent, visitor)
        read_the_brief(agent)
        send_canned_reply(agent, visitor)
        send_standard_answer(agent, visitor)
        exchange_pictures(agent, visitor, photo)
        withdraw(agent, visitor)
        tag_the_customer(agent)
        call_the_supervisor(agent, supervisor, visitor)
        open_a_ticket(agent, supervisor, visitor)
        pass_on_and_get_back(agent, supervisor, visitor)
        put_aside_and_come_back(agent, visitor)
        lead(agent, supervisor, visitor)
        wrap_up(agent, supervisor)
        rate(agent, visitor)
        close_several(agent, installation)
        find_a_word(agent)
        show_the_keys(agent)
    installation.stop()
    assert faults == []
    assert installation.tracebacks == []


def ask_for_a_person(visitor: Page, installation: Installation) -> None:
    visit(visitor, installation)
    write(visitor, QUESTIONS[1])
    expect(visitor.locator(".from-bot").last).to_contain_text("可以的")
    visitor.locator("[data-part=human]").click()
    expect(visitor.locator("[data-part=human-word]")).to_have_text("转接中")


def accept_what_rings(agent: Page, visitor: Page) -> None:
    expect(agent.locator(".offer .offer-left")).to_contain_text("剩")
    expect(agent.locator("html")).to_have_attribute("data-tones", re.compile(r"[2-9]|\d\d"))
    expect(agent).to_have_title(re.compile(r"\(1\)"))
    press(agent, "a")
    expect(agent.locator(".composer-input")).to_be_focused()
    expect(agent.locator(".offer")).to_have_count(0)
    served_by(visitor, AGENT)
    expect(visitor.locator("[data-part=human-word]")).to_have_text("人工中")


def read_the_brief(agent: Page) -> None:
    brief = agent.locator("[data-part=context] .card").first
    expect(brief).to_contain_text("转人工")
    expect(brief).to_contain_text(QUESTIONS[1])


def send_canned_reply(agent: Page, visitor: Page) -> None:
    agent.keyboard.type("/ord")
    expect(agent.locator(".picker-item")).not_to_have_count(0)
    agent.keyboard.press("Enter")
    # The gap is chosen, so that typing fills it.
    expect(agent.locator(".composer-gaps")).to_contain_text("order_no")
    agent.keyboard.type("A17")
    agent.keyboard.press("Enter")
    expect(visitor.locator(".from-agent").last).to_contain_text(f"{AGENT}为您查询 A17。")


def send_standard_answer(agent: Page, visitor: Page) -> None:
    press(agent, "b")
    agent.locator(".entries .entry").first.wait_for()
    agent.keyboard.type("多久发货")
    expect(agent.locator(".entries .entry").first).to_contain_text(QUESTIONS[0])
    agent.keyboard.press("Control+Enter")
    expect(visitor.locator(".from-agent").last).to_contain_text(f"关于“{QUESTIONS[0]}”")


def exchange_pictures(agent: Page, visitor: Page, photo: Path) -> None:
    visitor.locator("[data-part=composer] input[type=file]").set_input_files([photo])
    expect(visitor.locator(".tray-item.is-ready")).to_have_count(1)
    visitor.locator("[data-part=send]").click()
    has_pixels(agent.locator(".say-visitor .file-picture img"))

    agent.locator(".composer input[type=file]").set_input_files([photo])
    expect(agent.locator(".tray-item.is-ready")).to_have_count(1)
    agent.locator(".composer-input").press("Enter")
    has_pixels(visitor.locator(".from-agent .file-picture img"))


def withdraw(agent: Page, visitor: Page) -> None:
    agent.locator(".composer-input").focus()
    agent.keyboard.type("发错窗口了")
    agent.keyboard.press("Enter")
    expect(visitor.locator(".from-agent").last).to_contain_text("发错窗口了")
    said = agent.locator(".say-agent:not(.say-pending)").filter(has_text="发错窗口了")
    expect(said.locator(".delivery-read")).to_be_visible()
    said.locator(".message-menu").press("Enter")
    agent.get_by_role("menuitem", name="撤回").press("Enter")
    # The question that floats up has the focus on its answer.
    expect(agent.locator(".ask [type=submit]")).to_be_focused()
    agent.keyboard.press("Enter")
    expect(visitor.locator(".from-agent").last).to_contain_text("消息已撤回")
    expect(visitor.get_by_text("发错窗口了")).to_have_count(0)


def tag_the_customer(agent: Page) -> None:
    agent.locator(".tag-input").focus()
    agent.keyboard.type("老客户")
    agent.keyboard.press("Enter")
    expect(agent.locator(".tag-list")).to_contain_text("老客户")


def call_the_supervisor(agent: Page, supervisor: Page, visitor: Page) -> None:
    press(agent, "n")
    agent.keyboard.type(f"@{SUPERVISOR[:1]}")
    expect(agent.locator(".picker-item")).to_have_count(1)
    agent.keyboard.press("Enter")
    agent.keyboard.type("请看看这一单")
    agent.keyboard.press("Enter")

    expect(supervisor.locator("[data-part=mentions]")).to_have_text("1")
    press(supervisor, "m")
    expect(supervisor.locator(".mention").first).to_be_focused()
    supervisor.keyboard.press("Enter")
    expect(supervisor.locator(".say-note")).to_contain_text(f"@{SUPERVISOR} 请看看这一单")
    expect(supervisor.locator(".mention-me")).to_be_visible()
    expect(supervisor.locator("[data-part=mentions]")).to_have_text("")
    # The tag is there for whoever looks; the note is not there for the visitor.
    expect(supervisor.locator(".tag-list")).to_contain_text("老客户")
    expect(visitor.get_by_text("请看看这一单")).to_have_count(0)


def open_a_ticket(agent: Page, supervisor: Page, visitor: Page) -> None:
    press(agent, "w")
    dialog = agent.locator("[data-part=ticket-dialog]")
    expect(dialog.locator("input").first).to_be_focused()
    agent.keyboard.press("Control+A")
    agent.keyboard.type("补发商品")
    dialog.locator("textarea").fill("外盒破损，请补发。")
    dialog.locator("input").first.press("Enter")
    expect(agent.locator("[data-part=context] .ticket-line")).to_have_count(1)

    press(supervisor, "g t")
    tickets = supervisor.locator("[data-part=tickets-dialog]")
    tickets.locator(".tab[data-list=open]").focus()
    supervisor.keyboard.press("Enter")
    expect(tickets.locator(".ticket-rows")).to_contain_text("补发商品")
    supervisor.keyboard.press("Escape")
    expect(tickets).to_be_hidden()

    visitor.locator("[data-part=more]").click()
    visitor.locator("[data-part=menu-tickets]").click()
    expect(visitor.locator("[data-part=tickets-content]")).to_contain_text("补发商品")
    visitor.locator("[data-part=tickets-close]").click()


def pass_on_and_get_back(agent: Page, supervisor: Page, visitor: Page) -> None:
    pass_on(agent, SUPERVISOR, note="这位要主管答复")
    expect(supervisor.locator(".offer")).to_have_count(1)
    press(supervisor, "a")
    # Who has taken it is put where they can write: keys before that would be words.
    expect(supervisor.locator(".composer-input")).to_be_focused()
    served_by(visitor, SUPERVISOR)
    expect(supervisor.locator(".say-note").last).to_contain_text("这位要主管答复")
    expect(agent.locator(".composer-blocked")).to_contain_text(SUPERVISOR)

    pass_on(supervisor, AGENT, note="已答复，请收尾")
    expect(agent.locator(".offer")).to_have_count(1)
    press(agent, "a")
    expect(agent.locator(".composer-input")).to_be_focused()
    served_by(visitor, AGENT)
    expect(agent.locator(".say-note").last).to_contain_text("已答复，请收尾")


def pass_on(page: Page, name: str, *, note: str) -> None:
    press(page, "o")
    choose_colleague(page, name)
    page.locator(".transfer textarea").fill(note)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("[data-part=transfer-dialog]")).to_be_hidden()


def choose_colleague(page: Page, name: str) -> None:
    # What the dialog held last time stays in it until it is opened again.
    expect(page.locator("[data-part=transfer-dialog]")).to_be_visible()
    choice = page.locator(".transfer .choice").filter(has_text=name).locator("input")
    choice.focus()
    page.keyboard.press("Space")
    expect(choice).to_be_checked()


def put_aside_and_come_back(agent: Page, visitor: Page) -> None:
    press(agent, "g m")
    expect(agent.locator(".row")).to_have_count(1)
    # Only one's own can be put aside, and the head says so a moment after the list.
    expect(agent.locator("[data-part=snooze]")).to_be_visible()
    press(agent, "s")
    expect(agent.locator(".popover:popover-open .menu-item").first).to_be_focused()
    agent.keyboard.press("Enter")
    expect(agent.locator(".row")).to_have_count(0)
    expect(agent.locator(".tab[data-list=snoozed] .tab-count")).to_have_text("1")

    write(visitor, "我又来了")
    expect(agent.locator(".row")).to_have_count(1)
    expect(agent.locator(".thread-who .tag-snooze")).to_have_count(0)


def lead(agent: Page, supervisor: Page, visitor: Page) -> None:
    board = open_board(supervisor)
    expect(board.locator(".board-group").first).to_contain_text("0 人排队")
    expect(board.locator(".board-agents li").filter(has_text=AGENT)).to_contain_text("1/")
    expect(board.locator(".board-list li")).to_have_count(1)

    board.locator("[data-key^=whisper-]").press("Enter")
    expect(supervisor.locator(".composer-input")).to_be_focused()
    supervisor.keyboard.type("可以先退运费")
    supervisor.keyboard.press("Enter")
    expect(agent.locator(".toast").filter(has_text="可以先退运费")).to_be_visible()
    expect(agent.locator(".say-note").last).to_contain_text("可以先退运费")
    expect(visitor.get_by_text("可以先退运费")).to_have_count(0)

    open_board(supervisor)
    board.locator("[data-key^=over-]").press("Enter")
    served_by(visitor, SUPERVISOR)
    expect(agent.locator(".composer-blocked")).to_contain_text(SUPERVISOR)

    open_board(supervisor)
    board.locator("[data-key^=give-]").press("Enter")
    choose_colleague(supervisor, AGENT)
    supervisor.locator(".transfer [type=submit]").press("Enter")
    served_by(visitor, AGENT)
    expect(agent.locator(".composer-input")).to_be_visible()


def open_board(page: Page) -> Locator:
    press(page, "g b")
    board = page.locator("[data-part=board-dialog]")
    expect(board).to_be_visible()
    return board


def wrap_up(agent: Page, supervisor: Page) -> None:
    press(agent, "x")
    expect(agent.locator("[name=resolved]").first).to_be_focused()
    agent.keyboard.press("1")
    agent.locator("[name=summary]").fill("已查到订单")
    agent.locator("[name=category_id]").select_option(label="物流")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".status-closed")).to_be_visible()

    press(supervisor, "g c")
    row = supervisor.locator(".row").first
    expect(row).to_contain_text("已解决")
    expect(row).to_contain_text("物流")


def rate(agent: Page, visitor: Page) -> None:
    visitor.locator(".survey [data-score='100']").last.click()
    expect(visitor.locator(".survey [data-score='100'][aria-pressed=true]")).to_have_count(1)
    expect(agent.locator(".survey-line")).to_contain_text("非常满意")


def close_several(agent: Page, installation: Installation) -> None:
    callers = [Caller(installation) for _ in range(2)]
    press(agent, "g q")
    expect(agent.locator(".row")).to_have_count(2)
    press(agent, "v")
    agent.locator(".bulk button").first.press("Enter")
    expect(agent.locator(".bulk-count")).to_contain_text("2")
    agent.locator(".bulk .button-danger").press("Enter")
    expect(agent.locator("[data-part=wrapup-dialog]")).to_contain_text("2")
    agent.keyboard.press("2")
    agent.keyboard.press("Control+Enter")
    expect(agent.locator(".row")).to_have_count(0)
    assert [caller.status for caller in callers] == ["closed", "closed"]


def find_a_word(agent: Page) -> None:
    press(agent, "f")
    expect(agent.locator("[data-part=search-dialog] .search-input")).to_be_focused()
    agent.keyboard.type("退运费")
    expect(agent.locator(".hit mark").first).to_have_text("退运费")
    agent.keyboard.press("ArrowDown")
    agent.keyboard.press("Enter")
    expect(agent.locator(".say-note").filter(has_text="可以先退运费")).to_be_visible()


def show_the_keys(agent: Page) -> None:
    press(agent, "?")
    keys = agent.locator("[data-part=keys-dialog]")
    for words in ("转接", "班长看板", "提及"):
        expect(keys).to_contain_text(words)
    agent.keyboard.press("Escape")
    expect(keys).to_be_hidden()
