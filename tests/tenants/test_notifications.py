"""Who is told of what, when, how often, and what it takes for a copy to be lost."""

import smtplib
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from email import message_from_bytes, policy
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from django.core import mail
from django.core.mail.backends import locmem
from django.db import transaction

from tenants import clock, pulse, tasks, terms
from tenants.models import (
    AlertLevel,
    AlertRobot,
    AlertState,
    Breach,
    LedgerEntry,
    Membership,
    Notification,
    NotificationDelivery,
    NotificationRecipient,
    Obligation,
    ObligationKind,
    Tenant,
    User,
)
from tenants.quiet import quiet_until
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tenants.services import (
    alert_robots,
    alert_sending,
    alert_settings,
    breach_alerts,
    deadman,
    ledger,
    notifications,
    obligations,
)
from tenants.tasks import escalate_alerts, find_breaches, mail_alerts, ping_deadman, post_alerts
from tests.tenants.alerted import (
    DING_SECRET,
    DING_TOKEN,
    FEISHU_SECRET,
    FEISHU_TOKEN,
    HOOK_SECRET,
    WECOM_KEY,
    Robots,
    free_port,
)

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DINGTALK = f"https://oapi.dingtalk.com/robot/send?access_token={DING_TOKEN}"
FEISHU = f"https://open.feishu.cn/open-apis/bot/v2/hook/{FEISHU_TOKEN}"
WECOM = f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={WECOM_KEY}"

MakeMember = Callable[..., User]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _one_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    # Threads would not see the rows of a test's own transaction.
    monkeypatch.setattr(tasks, "_SENDERS", 1)


@pytest.fixture
def people(in_tenant: Tenant, make_member: MakeMember) -> dict[str, User]:
    return {
        role: make_member(in_tenant, role)
        for role in (Role.SUPERVISOR, Role.CLIENT_ADMIN, Role.ACCOUNT_MANAGER, Role.AGENT)
    }


@pytest.fixture
def robots(settings: Any) -> Iterator[Robots]:
    fake = Robots()
    server = fake.start()
    settings.OUTWARD_ALLOWED = ["127.0.0.1"]
    settings.DINGTALK_API_BASE = settings.FEISHU_API_BASE = settings.WECOM_API_BASE = fake.base
    yield fake
    server.shutdown()
    server.server_close()


def add_robot(by: User, kind: str, address: str, secret: str = "", **fields: Any) -> AlertRobot:
    robot = AlertRobot(kind=kind, name=fields.pop("name", kind), **fields)
    return alert_robots.save(robot, by=by, address=address, secret=secret)


def begin(count: int = 1, kind: ObligationKind = ObligationKind.FIRST_REPLY) -> None:
    with transaction.atomic():
        ledger.append(
            *(
                obligations.start(
                    kind,
                    clause=terms.CLAUSE_FIRST_REPLY,
                    subject_id=uuid.uuid4(),
                    conversation_id=uuid.uuid4(),
                    at=NOW,
                    limit=timedelta(seconds=10),
                )
                for _number in range(count)
            )
        )


def tell(dedupe: str = "one", level: str = AlertLevel.CRITICAL, **fields: Any) -> None:
    said = {
        "kind": "report.late",
        "title": "月报未按时发出",
        "body": "十一月的月报应于今日发出。",
        "roles": {Role.SUPERVISOR},
    } | fields
    with transaction.atomic():
        notifications.notify(said.pop("kind"), level=level, dedupe=dedupe, **said)


def send(at: datetime) -> None:
    with clock.travel(at):
        mail_alerts()
        post_alerts()


def texts() -> list[str]:
    return [str(message.body) for message in mail.outbox]


def test_a_breach_tells_supervisors_and_the_client_once_each(people: dict[str, User]) -> None:
    begin()
    with clock.travel(after(12)):
        find_breaches()
        find_breaches()

    breach, told = Breach.objects.get(), Notification.objects.get()
    assert told.link == f"/admin/tenants/breach/{breach.pk}/change/"
    assert set(NotificationRecipient.objects.values_list("user_id", flat=True)) == {
        people[Role.SUPERVISOR].pk,
        people[Role.CLIENT_ADMIN].pk,
    }
    send(after(13))
    send(after(14))
    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        [people[Role.SUPERVISOR].email, people[Role.CLIENT_ADMIN].email]
    )
    copies = NotificationDelivery.objects.all()
    assert {(copy.state, copy.attempts) for copy in copies} == {(AlertState.SENT, 1)}
    assert all(copy.content_hash and copy.provider_id.startswith("<alert-") for copy in copies)
    assert LedgerEntry.objects.filter(kind="alert.sent").count() == 2


def test_what_is_kept_late_tells_too(people: dict[str, User]) -> None:
    begin()
    obligation = Obligation.objects.get()
    with transaction.atomic(), clock.travel(after(30)):
        events = obligations.meet(
            ObligationKind.FIRST_REPLY, subject_id=obligation.subject_id, at=after(30)
        )
        ledger.append(*events)
    assert not Notification.objects.exists()

    with clock.travel(after(31)):
        find_breaches()
        find_breaches()

    assert Notification.objects.get().dedupe == f"breach:{Breach.objects.get().pk}"
    assert not Breach.objects.filter(is_untold=True).exists()


def test_all_are_found_before_anybody_is_told_and_told_once(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(breach_alerts.AT_ONCE * 2 + 10)
    with monkeypatch.context() as busy, clock.travel(after(12)):
        busy.setattr(tasks, "_TELLING_SECONDS", 0.0)
        find_breaches()
    found = set(Breach.objects.values_list("pk", flat=True))
    assert len(found) == breach_alerts.AT_ONCE * 2 + 10
    assert not Notification.objects.exists()
    with clock.travel(after(73)):
        for sweeper in deadman.SWEEPERS:
            pulse.beat(sweeper)
        with monkeypatch.context() as watched:
            told: list[bool] = []
            watched.setattr(deadman, "ping", lambda fault: told.append(fault == "delivery_overdue"))
            ping_deadman()
    assert told == [True]

    with monkeypatch.context() as patient, clock.travel(after(74)):
        patient.setattr(tasks, "_TELLING_SECONDS", 60.0)
        find_breaches()
        find_breaches()

    assert {row.dedupe for row in Notification.objects.all()} == {f"breach:{pk}" for pk in found}
    assert Notification.objects.count() == len(found)
    for person in (people[Role.SUPERVISOR], people[Role.CLIENT_ADMIN]):
        assert NotificationRecipient.objects.filter(user=person).count() == len(found)
        assert NotificationDelivery.objects.filter(recipient=person).count() == len(found)


def test_telling_that_fails_is_done_again_and_stops_nobody_elses(
    people: dict[str, User], other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin()
    with tenant_scope(other_tenant):
        begin()
    mine = people[Role.SUPERVISOR]
    written = notifications._write

    def fail(*args: Any, **kwargs: Any) -> Any:
        if Membership.objects.filter(user=mine).exists():
            raise RuntimeError("no room on the disk")
        return written(*args, **kwargs)

    with monkeypatch.context() as broken, clock.travel(after(12)):
        broken.setattr(notifications, "_write", fail)
        find_breaches()
    with tenant_scope(other_tenant):
        assert Notification.objects.count() == 1
    assert not Notification.objects.exists()

    with clock.travel(after(13)):
        find_breaches()

    assert Notification.objects.count() == 1


def test_nothing_is_told_of_what_is_rolled_back(people: dict[str, User]) -> None:
    with transaction.atomic():
        notifications.notify("a.b", title="t", body="b", roles={Role.SUPERVISOR}, dedupe="x")
        transaction.set_rollback(True)

    assert not Notification.objects.exists()


def test_one_dedupe_is_told_once_to_each(people: dict[str, User]) -> None:
    tell()
    tell()
    tell(roles={Role.SUPERVISOR, Role.AGENT})

    assert Notification.objects.count() == 1
    assert NotificationRecipient.objects.count() == 2
    assert NotificationDelivery.objects.count() == 2


def test_storm_is_one_alert_and_digests_that_hold_every_breach(people: dict[str, User]) -> None:
    begin(3)
    with clock.travel(after(12)):
        find_breaches()
    send(after(13))
    begin(40)
    with clock.travel(after(14)):
        find_breaches()
    send(after(15))
    send(after(13 + 299))
    to = people[Role.SUPERVISOR].email
    assert len([1 for message in mail.outbox if message.to == [to]]) == 1

    send(after(13 + 301))

    mine = [str(message.body) for message in mail.outbox if message.to == [to]]
    assert len(mine) == 2
    numbers = [
        pk.hex[-8:] for pk in Breach.objects.order_by("detected_at").values_list("pk", flat=True)
    ]
    assert [sum(text.count(number) for text in mine) for number in numbers] == [1] * 43
    last = mail.outbox[-1]
    assert isinstance(last, mail.EmailMultiAlternatives)
    html = str(last.alternatives[0][0])
    assert all(number in html for number in numbers[3:])


def test_another_clause_does_not_wait_for_the_digest(people: dict[str, User]) -> None:
    begin()
    with clock.travel(after(12)):
        find_breaches()
    send(after(13))
    begin(kind=ObligationKind.HANDOFF)
    with clock.travel(after(14)):
        find_breaches()
    send(after(15))

    assert len(mail.outbox) == 4


class _Crash(BaseException):
    """The process is gone."""


def test_a_sender_that_dies_leaves_the_letter_to_the_next(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch
) -> None:
    with clock.travel(NOW):
        tell("one")
        tell("two")
    copy = NotificationDelivery.objects.first()

    def die(*args: Any) -> None:
        raise _Crash

    with monkeypatch.context() as patch, clock.travel(after(1)):
        patch.setattr(locmem.EmailBackend, "send_messages", die)
        with pytest.raises(_Crash):
            alert_sending.deliver(copy.pk)
    letter = NotificationDelivery.objects.first().letter
    with clock.travel(after(2)):
        tell("three")
    send(after(30))
    assert mail.outbox == []

    send(after(62))

    (message,) = mail.outbox
    assert message.extra_headers["Message-ID"] == f"<alert-{letter}@localhost>"
    assert NotificationDelivery.objects.filter(letter=letter, state=AlertState.SENT).count() == 2


def test_a_mail_server_that_fails_is_asked_again_and_given_up_in_the_end(
    people: dict[str, User], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with clock.travel(NOW):
        tell()

    def fail(*args: Any) -> None:
        raise smtplib.SMTPServerDisconnected("secret-of-the-server")

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", fail)
    at = NOW
    for _attempt in range(9):
        send(at)
        copy = NotificationDelivery.objects.get()
        at = copy.due_at + timedelta(seconds=1)

    assert (copy.state, copy.attempts, copy.last_error) == (
        AlertState.DEAD,
        9,
        "SMTPServerDisconnected",
    )
    assert LedgerEntry.objects.filter(kind="alert.given_up").count() == 1
    assert "secret-of-the-server" not in caplog.text


def test_quiet_hours_hold_all_but_what_is_critical(people: dict[str, User]) -> None:
    quiet = alert_settings.current()
    quiet.quiet_from, quiet.quiet_until = time(22), time(7, 30)
    alert_settings.change(quiet, by=people[Role.CLIENT_ADMIN])
    night = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
    with clock.travel(night):
        tell("warning", AlertLevel.WARNING)
        tell("critical", kind="other.kind")
    send(night + timedelta(seconds=1))
    assert len(mail.outbox) == 1

    send(datetime(2026, 11, 23, 23, 29, tzinfo=UTC))
    assert len(mail.outbox) == 1
    send(datetime(2026, 11, 23, 23, 31, tzinfo=UTC))
    assert len(mail.outbox) == 2


@pytest.mark.parametrize(
    ("at", "until"),
    [("21:59", "21:59"), ("22:00", "07:30"), ("03:00", "07:30"), ("07:30", "07:30")],
)
def test_quiet_span_holds_its_start_and_not_its_end(at: str, until: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    start = datetime.combine(NOW.date(), time.fromisoformat(at), tzinfo=zone)

    told = quiet_until(start, zone, time(22), time(7, 30)).astimezone(zone)

    assert told.time() == time.fromisoformat(until)
    assert timedelta() <= told - start < timedelta(days=1)


def test_roles_choose_the_urgency_of_their_mails(people: dict[str, User]) -> None:
    tell("info", AlertLevel.INFO)
    assert not NotificationDelivery.objects.exists()
    chosen = alert_settings.current()
    chosen.mail_levels = {Role.SUPERVISOR: AlertLevel.INFO}
    alert_settings.change(chosen, by=people[Role.CLIENT_ADMIN])

    tell("info-2", AlertLevel.INFO)

    assert NotificationDelivery.objects.count() == 1


def test_all_four_robots_are_signed_as_their_makers_want_it(
    people: dict[str, User], robots: Robots, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PUBLIC_URL = "https://yingda.example"
    by = people[Role.ACCOUNT_MANAGER]
    add_robot(by, "dingtalk", DINGTALK, DING_SECRET)
    add_robot(by, "feishu", FEISHU, FEISHU_SECRET)
    add_robot(by, "wecom", WECOM)
    add_robot(by, "webhook", f"{robots.base}/hook", HOOK_SECRET)
    begin()
    with clock.travel(after(12)):
        find_breaches()
    with clock.travel(clock.now()):
        post_alerts()

    assert sorted(kind for kind, _text in robots.heard) == [
        "dingtalk",
        "feishu",
        "webhook",
        "wecom",
    ]
    number = Breach.objects.get().pk.hex[-8:]
    assert all(number in str(text) for _kind, text in robots.heard)
    hook = next(text for kind, text in robots.heard if kind == "webhook")
    assert hook["data"]["alerts"][0]["url"].startswith("https://yingda.example/admin/")
    assert {copy.state for copy in NotificationDelivery.objects.exclude(robot=None)} == {
        AlertState.SENT
    }
    for secret in (DING_TOKEN, DING_SECRET, FEISHU_TOKEN, WECOM_KEY, HOOK_SECRET):
        assert secret not in caplog.text
        assert secret not in str(list(AlertRobot.objects.values()))


def test_a_robot_gets_fifteen_a_minute_and_the_last_carries_the_rest(
    people: dict[str, User], robots: Robots
) -> None:
    add_robot(people[Role.ACCOUNT_MANAGER], "wecom", WECOM)
    with clock.travel(NOW):
        for number in range(40):
            tell(f"kind-{number}", kind=f"noun.kind_{number}", title=f"第{number:02}件事", body="")

    for second in range(5):
        with clock.travel(after(second)):
            post_alerts()

    assert len(robots.heard) == 15
    said = "\n".join(text for _kind, text in robots.heard)
    copies = NotificationDelivery.objects.exclude(robot=None)
    assert {copy.state for copy in copies} == {AlertState.SENT}
    assert [said.count(f"- 第{number:02}件事") for number in range(40)] == [1] * 40


def test_a_text_too_long_for_a_robot_counts_the_rest(
    people: dict[str, User], robots: Robots
) -> None:
    add_robot(people[Role.ACCOUNT_MANAGER], "wecom", WECOM)
    with clock.travel(NOW):
        for number in range(100):
            tell(f"line-{number}", body=f"第{number:03}件事，" + "很长" * 20)
    send(after(1))

    ((_kind, text),) = robots.heard
    assert len(text.encode()) <= 4096
    shown = text.count("件事，")
    assert 0 < shown < 100
    assert str(100 - shown) in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("answer", "state", "wait"),
    [
        ((200, {"errcode": 45009}), AlertState.FAILED, 60),
        ((200, {"errcode": 93000}), AlertState.DEAD, None),
        ((502, "<html>"), AlertState.FAILED, 10),
    ],
)
def test_what_a_robot_answers_decides_what_follows(
    people: dict[str, User], robots: Robots, answer: Any, state: str, wait: int | None
) -> None:
    robot = add_robot(people[Role.ACCOUNT_MANAGER], "wecom", WECOM)
    robots.script = [answer]
    with clock.travel(NOW):
        tell()
    send(after(1))

    copy = NotificationDelivery.objects.get(robot=robot)
    robot.refresh_from_db()
    assert (copy.state, robot.failures) == (state, 1)
    if wait is not None:
        assert copy.due_at == after(1 + wait)
        send(after(2 + wait))
        copy.refresh_from_db()
        assert copy.state == AlertState.SENT


@pytest.mark.parametrize(
    ("kind", "address"),
    [
        ("dingtalk", "https://evil.example/robot/send?access_token=abc"),
        ("feishu", "https://open.feishu.cn/elsewhere/abc"),
        ("wecom", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"),
        ("webhook", "http://169.254.169.254/latest"),
    ],
)
def test_an_address_of_somebody_else_is_refused(
    people: dict[str, User], kind: str, address: str
) -> None:
    with pytest.raises(alert_robots.AddressError):
        add_robot(people[Role.ACCOUNT_MANAGER], kind, address, HOOK_SECRET)


def test_a_robot_hears_from_its_urgency_and_of_its_events_alone(
    people: dict[str, User], robots: Robots
) -> None:
    add_robot(people[Role.ACCOUNT_MANAGER], "wecom", WECOM, kinds=["report.late"])
    tell("a", AlertLevel.INFO)
    tell("b", AlertLevel.WARNING)
    tell("c", AlertLevel.CRITICAL, kind="noun.other")

    assert [
        copy.notification.dedupe for copy in NotificationDelivery.objects.exclude(robot=None)
    ] == ["b"]


def test_critical_and_unacknowledged_goes_up_after_a_quarter_of_an_hour(
    people: dict[str, User], operator: User, robots: Robots
) -> None:
    add_robot(people[Role.ACCOUNT_MANAGER], "wecom", WECOM)
    with clock.travel(NOW):
        tell()
    send(after(1))
    with clock.travel(after(899)):
        escalate_alerts()
    assert Notification.objects.count() == 1
    mail.outbox.clear()

    with clock.travel(after(901)):
        escalate_alerts()
        escalate_alerts()
    send(after(902))

    assert sorted(message.to[0] for message in mail.outbox) == sorted(
        [people[Role.ACCOUNT_MANAGER].email, operator.email]
    )
    assert "未确认" in mail.outbox[0].subject or "Not acknowledged" in mail.outbox[0].subject
    assert len(robots.heard) == 2


def test_one_acknowledgement_speaks_for_all_and_keeps_it_down(people: dict[str, User]) -> None:
    with clock.travel(NOW):
        tell(roles={Role.SUPERVISOR, Role.CLIENT_ADMIN})
    supervisor = people[Role.SUPERVISOR]
    (line,) = notifications.latest(supervisor)
    assert notifications.acknowledge(people[Role.AGENT], [line.pk]) == 0

    assert notifications.acknowledge(supervisor, [line.pk]) == 1

    assert (notifications.unread(supervisor), notifications.unread(people[Role.CLIENT_ADMIN])) == (
        0,
        1,
    )
    with clock.travel(after(2000)):
        escalate_alerts()
    told = Notification.objects.get()
    assert told.acknowledged_by == supervisor


def test_numbers_of_people_do_not_leave(people: dict[str, User]) -> None:
    tell(title="客户 13800138000 来电", body="邮箱 li@example.com")

    told = Notification.objects.get()
    assert "13800138000" not in told.title + told.body
    assert "li@example.com" not in told.body


def test_tenants_keep_their_alerts_apart(
    people: dict[str, User], other_tenant: Tenant, make_member: MakeMember
) -> None:
    tell()
    with tenant_scope(other_tenant):
        make_member(other_tenant, Role.SUPERVISOR)
        tell()
        assert Notification.objects.count() == 1
    with clock.travel(clock.now() + timedelta(seconds=1)):
        mail_alerts()

    assert len(mail.outbox) == 2
    assert {"青禾生活", "云杉家电"} == {message.subject.split(" · ")[-1] for message in mail.outbox}


def test_the_watcher_hears_only_while_alerts_leave(
    people: dict[str, User], robots: Robots, settings: Any
) -> None:
    settings.DEADMAN_URL = f"{robots.base}/ping"
    robots.script = [(200, "OK")] * 9

    def called(at: datetime) -> int:
        before = len(robots.headers)
        with clock.travel(at):
            ping_deadman()
        return len(robots.headers) - before

    assert called(NOW) == 0
    with clock.travel(NOW):
        find_breaches()
        mail_alerts()
        post_alerts()
        escalate_alerts()
    assert called(after(50)) == 1
    assert called(after(70)) == 0
    with clock.travel(after(100)):
        find_breaches()
        mail_alerts()
        post_alerts()
        escalate_alerts()
        tell()
    assert called(after(159)) == 1
    with clock.travel(after(170)):
        for sweeper in deadman.SWEEPERS:
            pulse.beat(sweeper)
        assert deadman.fault(overdue=True, unfound=False) == "delivery_overdue"
        assert deadman.fault(overdue=False, unfound=True) == "breach_unfound"
    assert called(after(170)) == 0


class _Inbox:
    """What a real mail server took in."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def test_a_mail_arrives_in_chinese_as_text_and_page(people: dict[str, User], settings: Any) -> None:
    inbox = _Inbox()
    server = Controller(inbox, hostname="127.0.0.1", port=free_port())
    server.start()
    try:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = server.port
        tell()
        with clock.travel(clock.now() + timedelta(seconds=1)):
            mail_alerts()
    finally:
        server.stop()

    (message,) = inbox.messages
    assert message["subject"].endswith("月报未按时发出 · 青禾生活")
    assert "应于今日发出" in message.get_body(("plain",)).get_content()
    page = message.get_body(("html",)).get_content()
    assert "应于今日发出" in page
    assert 'style="' in page
    assert "http" not in page
