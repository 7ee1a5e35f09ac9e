"""Replies compared with their sources: what differs is found, and reported once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from conversations.models import ContactSession, Message, MismatchKind, MismatchReport
from conversations.services import fidelity
from conversations.services.fidelity import compare, compare_new, report, save_report
from knowledge.models import Entry, EntryVersion, Release
from knowledge.services import entries, releases
from tenants import clock
from tenants.models import LedgerEntry, Tenant, User
from tenants.scoping import tenant_scope
from tests.conftest import KNOWLEDGE
from tests.conversations.conftest import ANSWER, KNOWN, UNKNOWN
from tests.conversations.doors import ask

OTHER, OTHER_ANSWER = KNOWLEDGE[1][1], KNOWLEDGE[1][3]
LATER = timedelta(hours=1)


@pytest.fixture
def replies(in_tenant: Tenant, knowledge: Release, visitor: ContactSession) -> list[Message]:
    """Three answers, the first two from one entry; small talk beside them."""
    ask(visitor, "你好")
    return [ask(visitor, text) for text in (KNOWN, KNOWLEDGE[0][2][0], OTHER)]


def tamper(message: Message, text: str) -> None:
    Message.objects.filter(pk=message.pk).update(text=text)


def events(kind: str) -> list[LedgerEntry]:
    return list(LedgerEntry.objects.filter(kind=kind).order_by("position"))


def test_what_was_released_is_what_visitors_heard(replies: list[Message]) -> None:
    found = compare()

    assert (found.compared, found.mismatched, found.message_ids) == (3, 0, ())
    assert report(found) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (ANSWER[:-3], "truncated"),
        (f"{ANSWER} ", "drift"),
        (OTHER_ANSWER, "wrong_entry"),
        ("", "truncated"),
    ],
)
def test_a_reply_that_was_tampered_with_is_found(
    replies: list[Message], text: str, kind: str
) -> None:
    tamper(replies[1], text)

    found = compare()

    assert (found.compared, found.mismatched) == (3, 1)
    assert found.message_ids == (replies[1].pk,)
    (finding,) = found.findings
    assert (finding.kind, finding.first_id, finding.replies) == (kind, replies[1].pk, 1)


def test_the_words_of_an_earlier_version_are_stale(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    entry = Entry.objects.get(question=KNOWN)
    entry.answer = "现货订单 48 小时内发货。"
    entries.save_entry(entry, by=None)
    releases.publish(by=None)
    tamper(ask(visitor, KNOWN), ANSWER)

    assert [finding.kind for finding in compare().findings] == [MismatchKind.STALE]


def test_replies_are_read_in_batches_and_named_up_to_a_bound(
    replies: list[Message], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(fidelity, "_BATCH", 2)
    monkeypatch.setattr(fidelity, "NAMED", 2)
    for message in replies:
        tamper(message, "别的话")

    # Two batches, and where the words of each come from.
    with django_assert_num_queries(4):
        found = compare()

    assert (found.compared, found.mismatched) == (3, 3)
    assert found.message_ids == (replies[0].pk, replies[1].pk)
    assert sorted(finding.replies for finding in found.findings) == [1, 2]


def test_a_span_of_time_holds_its_beginning_and_not_its_end(replies: list[Message]) -> None:
    instants = [message.created_at for message in replies]

    assert compare(since=instants[1]).compared == 2
    assert compare(until=instants[1]).compared == 1
    assert compare(since=instants[1], until=instants[2]).compared == 1
    assert compare(since=instants[2] + timedelta(days=3)).compared == 0


def test_another_tenants_replies_are_not_looked_at(
    replies: list[Message], other_tenant: Tenant
) -> None:
    tamper(replies[0], "别的话")

    with tenant_scope(other_tenant):
        assert compare() == fidelity.Comparison(0, 0, (), ())


def test_one_report_names_all_replies_of_the_version(replies: list[Message]) -> None:
    tamper(replies[1], "别的话")

    (row,) = report(compare())
    again = report(compare())

    assert again == []
    assert MismatchReport.objects.get() == row
    assert (row.kind, row.owner, row.found_by) == ("drift", "provider", "machine")
    assert row.message_id == replies[1].pk
    assert list(row.affected_replies()) == replies[:2]
    (event,) = events("mismatch.reported")
    assert (event.subject, event.data["message"]) == (str(row.pk), str(replies[1].pk))


def test_each_version_and_each_kind_has_a_report_of_its_own(replies: list[Message]) -> None:
    for message, text in zip(replies, (ANSWER[:2], "别的话", "别的话"), strict=True):
        tamper(message, text)

    opened = report(compare())

    assert sorted((row.kind, row.message_id) for row in opened) == [
        ("drift", replies[1].pk),
        ("drift", replies[2].pk),
        ("truncated", replies[0].pk),
    ]


def test_what_was_settled_is_reported_again_only_when_it_happens_again(
    replies: list[Message], visitor: ContactSession
) -> None:
    tamper(replies[0], "别的话")
    (row,) = report(compare())
    row.closed_at = clock.now()
    save_report(row, by=None)
    settled = report(compare())

    tamper(ask(visitor, KNOWN), "别的话")

    assert settled == []
    assert len(report(compare())) == 1
    assert MismatchReport.objects.count() == 2


def test_the_database_keeps_one_open_report_of_a_kind(replies: list[Message]) -> None:
    version = replies[0].entry_version_id
    fields = {"entry_version_id": version, "kind": "drift", "created_at": clock.now()}
    MismatchReport.objects.create(**fields, closed_at=clock.now())
    MismatchReport.objects.create(**fields)

    with pytest.raises(IntegrityError), transaction.atomic():
        MismatchReport.objects.create(**fields)


def test_a_night_compares_what_was_said_since_the_last(
    replies: list[Message], visitor: ContactSession
) -> None:
    tamper(replies[0], "别的话")
    with clock.travel(clock.now() + LATER):
        first = compare_new()
        second = compare_new()
    with clock.travel(clock.now() + LATER / 2):
        ask(visitor, KNOWN)
    too_early = datetime(2000, 1, 1, tzinfo=UTC)

    assert (first.compared, first.mismatched) == (3, 1)
    assert (second.compared, second.mismatched) == (0, 0)
    assert MismatchReport.objects.count() == 1
    before, after = events("answers.compared")
    assert before.data["since"] is None
    assert (before.data["compared"], before.data["mismatched"]) == (3, 1)
    assert after.data["since"] == before.data["until"]
    assert datetime.fromisoformat(after.data["until"]) > too_early


def test_a_reply_still_being_written_is_left_to_the_next_night(
    replies: list[Message], visitor: ContactSession
) -> None:
    now = clock.now()
    with clock.travel(now):
        at_first = compare_new().compared
    with clock.travel(now + fidelity.SETTLED + LATER):
        then = compare_new().compared

    assert (at_first, then) == (0, 3)


def test_what_a_person_reports_begins_with_the_first_reply(
    replies: list[Message], operator: User
) -> None:
    version = EntryVersion.objects.get(pk=replies[0].entry_version_id)
    row = MismatchReport(
        entry_version=version, kind="client_text", owner="client", found_by="visitor", note="写错了"
    )

    save_report(row, by=operator)
    row.fix = "已改"
    save_report(row, by=None)

    row.refresh_from_db()
    assert (row.message_id, row.created_by) == (replies[0].pk, operator)
    (made,), (changed,) = events("mismatch.reported"), events("mismatch.changed")
    assert made.data["by"] == operator.pk
    assert changed.data["before"]["fix_sha256"] is None
    assert changed.data["after"]["fix_sha256"]
    assert "写错了" not in str(made.data)


def test_what_gave_no_answer_is_not_compared(
    in_tenant: Tenant, knowledge: Release, visitor: ContactSession
) -> None:
    ask(visitor, UNKNOWN)

    assert compare().compared == 0
