"""Uploads: kept once, bound once, gone when they should be."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from conversations import files, wire
from conversations.models import (
    Attachment,
    Channel,
    Contact,
    ContactSession,
    Conversation,
    Message,
)
from conversations.services import attachments, bot, contacts, desk, intake, phrases
from conversations.services.attachments import (
    PER_MESSAGE,
    AttachmentUnavailableError,
    QuotaSpentError,
    Sender,
    TooManyAttachmentsError,
)
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.identity import Identity, Introduction
from conversations.services.intake import EmptyMessageError
from conversations.services.withdrawal import withdraw
from conversations.tasks import clear_uploads
from conversations.uploads.errors import BrokenFileError, FileTooLargeError
from knowledge.models import Proposal
from tenants import clock
from tenants.models import LedgerEntry, Membership, Tenant
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.doors import ask, at_once, send
from tests.conversations.uploading import PDF, picture

pytestmark = pytest.mark.usefixtures("in_tenant")


def upload(session: ContactSession, content: bytes = b"", name: str = "照片.png") -> Attachment:
    return attachments.receive(
        BytesIO(content or picture()), name, sender=Sender(contact=session.contact)
    )


def stored_files(settings: Any) -> list[Path]:
    folder = Path(settings.MEDIA_ROOT) / "attachments"
    return [path for path in folder.rglob("*") if path.is_file()]


def test_upload_is_kept_under_a_name_that_nobody_chose(
    visitor: ContactSession, settings: Any, tenant: Tenant
) -> None:
    kept = upload(visitor, name="../../我的照片.php.png")

    (path,) = stored_files(settings)
    assert path == Path(settings.MEDIA_ROOT) / kept.path
    assert path.parent.parent.name == str(tenant.pk)
    assert len(path.name) == 40
    assert path.stat().st_mode & 0o077 == 0
    assert kept.name == "我的照片.php.png"
    assert (kept.mime, kept.width, kept.height, kept.is_image) == ("image/png", 60, 40, True)
    assert kept.size == path.stat().st_size
    assert kept.contact_id == visitor.contact_id
    assert (kept.message_id, kept.conversation_id) == (None, None)


def test_refused_upload_leaves_nothing(visitor: ContactSession, settings: Any) -> None:
    with pytest.raises(BrokenFileError):
        upload(visitor, picture()[:60])

    assert stored_files(settings) == []
    assert not Attachment.objects.exists()


def test_upload_that_cannot_be_written_leaves_nothing(
    visitor: ContactSession, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "attachments").write_text("a file where the folder should be")

    with pytest.raises(OSError, match="attachments"):
        upload(visitor)

    assert not Attachment.objects.exists()


def test_upload_whose_owner_is_erased_before_it_is_written_leaves_no_file(
    visitor: ContactSession, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = files.write

    def late(path: str, content: Any) -> None:
        attachments.remove(Attachment.objects.get(path=path), by=None, reason="erasure")
        write(path, content)

    monkeypatch.setattr(files, "write", late)

    with pytest.raises(AttachmentUnavailableError):
        upload(visitor)

    assert stored_files(settings) == []
    assert Attachment.objects.get().removed_at is not None


def test_file_over_the_limit_is_refused(visitor: ContactSession, settings: Any) -> None:
    settings.ATTACHMENT_MB = 1

    with pytest.raises(FileTooLargeError) as refusal:
        upload(visitor, PDF + b" " * 1024 * 1024, "a.pdf")

    assert "1 MB" in refusal.value.detail


def test_a_day_holds_so_much_for_a_visitor(
    visitor: ContactSession, settings: Any, admit: Callable[..., Admission], channel: Channel
) -> None:
    settings.ATTACHMENT_DAILY_MB = 1
    content = PDF.replace(b"\n", b"\n" + b" " * 100_000, 6)
    yesterday = clock.now() - timedelta(days=1, minutes=1)
    with clock.travel(yesterday):
        upload(visitor, content, "a.pdf")
    upload(visitor, content, "a.pdf")

    with pytest.raises(QuotaSpentError):
        upload(visitor, content, "a.pdf")

    upload(admit(channel).session, content, "a.pdf")


def test_a_day_holds_so_much_for_a_tenant(
    visitor: ContactSession, settings: Any, admit: Callable[..., Admission], channel: Channel
) -> None:
    settings.ATTACHMENT_TENANT_DAILY_MB = 1
    content = PDF.replace(b"\n", b"\n" + b" " * 100_000, 6)
    upload(visitor, content, "a.pdf")

    with pytest.raises(QuotaSpentError):
        upload(admit(channel).session, content, "a.pdf")


def test_message_carries_its_files_in_order(visitor: ContactSession) -> None:
    first, second = upload(visitor), upload(visitor, PDF, "发票.pdf")

    message = send(visitor, "就是这个", attachments=[second.pk, first.pk]).message

    shown = wire.message_object(message)
    assert [each["id"] for each in shown["attachments"]] == [str(second.pk), str(first.pk)]
    assert [each["name"] for each in shown["attachments"]] == ["发票.pdf", "照片.png"]
    assert (shown["type"], shown["text"]) == ("file", "就是这个")
    assert message.conversation.last_text == "就是这个 [文件] [图片]"
    first.refresh_from_db()
    assert (first.message_id, first.conversation_id) == (message.pk, message.conversation_id)


def test_picture_alone_is_asked_about_once_and_then_goes_to_people(
    visitor: ContactSession,
) -> None:
    reply = ask(visitor, "", attachments=[upload(visitor).pk])
    with phrases.language_of(visitor.contact):
        assert reply.text == str(phrases.SMALL_TALK["describe"])
    assert Conversation.objects.get().status == "bot"

    ask(visitor, "", attachments=[upload(visitor).pk])

    conversation = Message.objects.latest("seq").conversation
    assert (conversation.status, conversation.handoff_reason) == ("waiting_human", "unclear")
    pictured = Message.objects.get(seq=1)
    assert wire.message_object(pictured)["text"] == ""
    assert wire.message_object(pictured)["type"] == "image"
    assert pictured.decision.rule == "wordless"


def test_words_beside_a_picture_are_what_counts(knowledge: object, visitor: ContactSession) -> None:
    question = "下单之后多长时间发货？"

    reply = ask(visitor, question, attachments=[upload(visitor).pk])

    assert reply.kind == "answer"


def test_an_english_visitors_picture_is_named_in_english(
    admit: Callable[..., Admission], channel: Channel
) -> None:
    session = admit(channel, locale="en").session

    message = send(session, "", attachments=[upload(session).pk]).message

    assert message.conversation.last_text == "[image]"


def test_nothing_at_all_is_still_nothing(visitor: ContactSession) -> None:
    with pytest.raises(EmptyMessageError):
        send(visitor, " ")


def test_upload_goes_with_one_message_only(visitor: ContactSession) -> None:
    kept = upload(visitor)
    first = send(visitor, "一", client_msg_id="m-1", attachments=[kept.pk])

    with pytest.raises(AttachmentUnavailableError):
        send(visitor, "二", client_msg_id="m-2", attachments=[kept.pk])
    again = send(visitor, "一", client_msg_id="m-1", attachments=[kept.pk])

    assert (again.message.pk, again.created) == (first.message.pk, False)
    assert Message.objects.count() == 1


def test_strangers_uploads_are_nobodys(
    visitor: ContactSession,
    admit: Callable[..., Admission],
    channel: Channel,
    agent: Membership,
    other_tenant: Tenant,
    make_channel: Callable[..., Channel],
) -> None:
    someone = admit(channel).session
    conversation = send(someone, "你好").message.conversation
    agents = attachments.receive(
        BytesIO(picture()), "a.png", sender=Sender(member=agent, conversation=conversation)
    )
    elsewhere = make_channel(other_tenant)
    with tenant_scope(other_tenant):
        foreign = upload(admit(elsewhere).session)

    for stolen in (upload(someone).pk, agents.pk, foreign.pk, uuid.uuid4()):
        with pytest.raises(AttachmentUnavailableError):
            send(visitor, "看", attachments=[stolen])
    assert not Message.objects.filter(contact=visitor.contact).exists()


def test_a_message_carries_nine_files_at_most(visitor: ContactSession) -> None:
    ids = [upload(visitor, PDF, "a.pdf").pk for _number in range(PER_MESSAGE + 1)]

    with pytest.raises(TooManyAttachmentsError):
        send(visitor, "", attachments=ids)
    message = send(visitor, "", attachments=ids[:PER_MESSAGE]).message

    assert message.attachments.count() == PER_MESSAGE
    assert len(message.stand_in) <= 120


@pytest.mark.django_db(transaction=True)
def test_of_many_messages_at_once_one_gets_the_upload(visitor: ContactSession) -> None:
    kept = upload(visitor)
    send(visitor, "先有会话")

    results = at_once(5, lambda number: send(visitor, f"第{number}条", attachments=[kept.pk]))

    won = [each for each in results if not isinstance(each, Exception)]
    lost = {type(each) for each in results if isinstance(each, Exception)}
    assert (len(won), lost) == (1, {AttachmentUnavailableError})
    assert Message.objects.exclude(stand_in="").count() == 1
    if connection.features.has_select_for_update:
        assert Attachment.objects.get().message_id == won[0].message.pk


@pytest.mark.django_db(transaction=True)
def test_one_message_sent_many_times_at_once_is_stored_once(visitor: ContactSession) -> None:
    kept = upload(visitor)

    results = at_once(
        5, lambda _number: send(visitor, "", client_msg_id="m-1", attachments=[kept.pk])
    )

    assert {each.message.pk for each in results} == {Message.objects.get().pk}
    assert sum(each.created for each in results) == 1


def test_agent_replies_with_a_picture_and_without_words(
    visitor: ContactSession, agent: Membership
) -> None:
    conversation = request_handoff(send(visitor, "转人工").message.conversation_id)
    desk.take(conversation.pk, by=agent)
    sender = Sender(member=agent, conversation=conversation)
    kept = attachments.receive(BytesIO(picture()), "步骤.png", sender=sender)

    message, created = desk.reply(
        conversation.pk, "", by=agent, client_msg_id="r-1", attached=[kept.pk]
    )
    again, created_again = desk.reply(
        conversation.pk, "", by=agent, client_msg_id="r-1", attached=[kept.pk]
    )

    assert (created, created_again, again.pk) == (True, False, message.pk)
    assert wire.message_object(message)["attachments"][0]["name"] == "步骤.png"
    with pytest.raises(EmptyMessageError):
        desk.reply(conversation.pk, "", by=agent, client_msg_id="r-2")


def test_uploads_of_another_conversation_stay_there(
    visitor: ContactSession,
    admit: Callable[..., Admission],
    channel: Channel,
    agent: Membership,
) -> None:
    rooms = []
    for session in (visitor, admit(channel).session):
        room = request_handoff(send(session, "转人工").message.conversation_id)
        rooms.append(desk.take(room.pk, by=agent))
    kept = attachments.receive(
        BytesIO(picture()), "a.png", sender=Sender(member=agent, conversation=rooms[0])
    )

    with pytest.raises(AttachmentUnavailableError):
        desk.reply(rooms[1].pk, "", by=agent, client_msg_id="r-1", attached=[kept.pk])


def test_who_logs_in_takes_along_what_they_have_uploaded(
    visitor: ContactSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = upload(visitor)
    send(visitor, "", attachments=[sent.pk])
    unsent = upload(visitor)
    monkeypatch.setattr(
        contacts, "prove", lambda _channel, _who: Identity(external_id="C-1", profile={})
    )

    session = contacts.identify(visitor, Introduction(device_id="device"))

    assert set(Attachment.objects.values_list("contact", flat=True)) == {session.contact_id}
    message = send(session, "", attachments=[unsent.pk]).message
    assert message.contact_id == session.contact_id == Contact.objects.get(verified=True).pk


def test_what_was_not_sent_within_a_day_is_deleted(visitor: ContactSession, settings: Any) -> None:
    with clock.travel(clock.now() - timedelta(days=1, minutes=1)):
        forgotten = upload(visitor)
        sent = upload(visitor)
        send(visitor, "", attachments=[sent.pk])
    fresh = upload(visitor)

    clear_uploads()

    assert set(Attachment.objects.values_list("pk", flat=True)) == {sent.pk, fresh.pk}
    assert {str(path.relative_to(settings.MEDIA_ROOT)) for path in stored_files(settings)} == {
        sent.path,
        fresh.path,
    }
    assert forgotten.path not in {sent.path, fresh.path}


def test_removed_file_is_gone_and_its_row_says_so(
    visitor: ContactSession,
    agent: Membership,
    settings: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    kept = upload(visitor)
    message = send(visitor, "", attachments=[kept.pk]).message

    with django_capture_on_commit_callbacks(execute=True):
        removed = attachments.remove(kept, by=agent, reason="erasure")
        attachments.remove(kept, by=agent, reason="erasure")

    assert stored_files(settings) == []
    assert removed.removed_at is not None
    message.refresh_from_db()
    (shown,) = wire.message_object(message)["attachments"]
    assert (shown["name"], shown["url"], shown["mime"]) == ("", None, "image/png")
    facts = [row.data for row in LedgerEntry.objects.filter(kind="attachment.removed")]
    assert [(each["reason"], each["by"]) for each in facts] == [("erasure", str(agent.pk))]


def test_file_that_outlived_its_removal_is_swept(visitor: ContactSession, settings: Any) -> None:
    kept = upload(visitor)
    send(visitor, "", attachments=[kept.pk])
    attachments.remove(kept, by=None, reason="retention")
    # The test's own transaction never commits: as if the process had died right after it.
    assert len(stored_files(settings)) == 1

    clear_uploads()

    assert stored_files(settings) == []
    assert Attachment.objects.get().path == ""


def test_deleting_twice_is_deleting_once() -> None:
    files.delete("attachments/1/aa/nothing")
    files.delete("")


def test_bot_hears_of_earlier_pictures_of_the_same_question(
    knowledge: object, visitor: ContactSession
) -> None:
    send(visitor, "", attachments=[upload(visitor).pk])
    last = send(visitor, "下单之后多长时间发货？")

    reply = bot.take_turn(last.message.pk)

    assert reply is not None
    assert reply.kind == "answer"


def test_intake_keeps_a_quote_of_the_same_conversation_only(
    visitor: ContactSession, admit: Callable[..., Admission], channel: Channel
) -> None:
    first = send(visitor, "多久发货？").message
    foreign = send(admit(channel).session, "别人的话").message

    quoting = send(visitor, "我问的是这个", quote=first.pk).message

    quote = wire.message_object(quoting)["quote"]
    assert (quote["id"], quote["excerpt"], quote["withdrawn"]) == (
        str(first.pk),
        "多久发货？",
        False,
    )
    with pytest.raises(intake.NotFoundError):
        send(visitor, "这个呢", quote=foreign.pk)


def test_what_stands_for_a_picture_is_not_proposed_as_a_phrasing(
    knowledge: object, visitor: ContactSession, offered: Callable[..., Any]
) -> None:
    offered()

    ask(visitor, "商品能做礼盒包装吗", attachments=[upload(visitor).pk])

    assert Message.objects.get(seq=1).stand_in == "[图片]"
    assert set(Proposal.objects.values_list("text", flat=True)) == {"商品能做礼盒包装吗"}


def test_administration_shows_files_and_what_was_withdrawn(
    visitor: ContactSession,
    agent: Membership,
    make_member: Callable[..., Any],
    client_as: Callable[..., Any],
    tenant: Tenant,
) -> None:
    room = request_handoff(
        send(visitor, "", attachments=[upload(visitor).pk]).message.conversation_id
    )
    desk.take(room.pk, by=agent)
    said, _created = desk.reply(room.pk, "说错的话", by=agent, client_msg_id="r-1")
    withdraw(room.pk, said.pk, by=agent)

    page = client_as(make_member(tenant, Role.SUPERVISOR)).get(
        f"/admin/conversations/conversation/{room.pk}/change/"
    )

    shown = page.content.decode()
    assert "照片.png" in shown
    assert files.link_to(Attachment.objects.get()).split("/")[2] in shown
    assert "说错的话" in shown
