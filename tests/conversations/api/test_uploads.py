"""The doors for files: what comes in, what goes out, and how inert it is."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.multipartparser import MultiPartParser
from django.test import Client

from conversations.api.uploads import BoundedUpload
from conversations.models import Attachment, Channel, ContactSession, Conversation
from conversations.services import attachments, desk
from conversations.services.contacts import Admission
from conversations.services.handoff import request_handoff
from conversations.services.withdrawal import withdraw
from conversations.uploads.errors import FileTooLargeError
from tenants import clock
from tenants.models import Membership, Tenant, User
from tenants.roles import Role
from tenants.scoping import tenant_scope
from tests.conversations.api.clients import API, Caller, problem
from tests.conversations.doors import send
from tests.conversations.uploading import PDF, huge_png, picture, post_file


@pytest.fixture
def admission(channel: Channel, admit: Callable[..., Admission]) -> Admission:
    return admit(channel)


@pytest.fixture
def token(admission: Admission) -> str:
    return admission.token


def files_under(settings: Any) -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def test_visitor_uploads_and_sends_a_picture(token: str) -> None:
    uploaded = post_file(token, picture("JPEG"), name="合影.png").json()

    assert set(uploaded) == {"id", "name", "mime", "size", "width", "height", "url"}
    assert (uploaded["name"], uploaded["mime"]) == ("合影.jpg", "image/jpeg")
    call = Caller(token)
    room = call("POST", "/conversations").json()["id"]
    body = {"client_msg_id": "m-1", "type": "image", "text": "", "attachments": [uploaded["id"]]}
    sent = call("POST", f"/conversations/{room}/messages", body)
    again = call("POST", f"/conversations/{room}/messages", body)

    assert (sent.status_code, again.status_code) == (201, 200)
    assert sent.json()["attachments"] == again.json()["attachments"] == [uploaded]
    assert (sent.json()["type"], sent.json()["text"]) == ("image", "")
    taken = call("POST", f"/conversations/{room}/messages", {**body, "client_msg_id": "m-2"})
    assert problem(taken) == (409, "attachment_unavailable")


def served(address: str, **headers: str) -> Any:
    response = Client().get(address, headers=headers)
    # Read to its end, which closes the file.
    response.body = response.getvalue()  # type: ignore[attr-defined]
    return response


def test_picture_is_shown_in_place_and_can_do_nothing(token: str) -> None:
    address = post_file(token, picture(), name="截图 1.png").json()["url"]

    response = served(address)

    assert response.status_code == 200
    assert response.body.startswith(b"\x89PNG")
    assert response["Content-Type"] == "image/png"
    assert response["Content-Disposition"].startswith("inline")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert response["Cache-Control"] == "private, max-age=3600"
    assert response["X-Frame-Options"] == "DENY"
    assert not response.cookies
    assert unquote(address).endswith("/截图 1.png")


@pytest.mark.parametrize(
    ("content", "name", "mime"),
    [
        (PDF, "发票.pdf", "application/pdf"),
        (b"a,b\n1,2\n", "a.csv", "application/octet-stream"),
        (b"hello", "a.txt", "application/octet-stream"),
    ],
)
def test_everything_else_is_saved_not_shown(
    token: str, content: bytes, name: str, mime: str
) -> None:
    response = served(post_file(token, content, name, "text/html").json()["url"])

    assert response.body == content
    assert response["Content-Type"] == mime
    assert response["Content-Disposition"].startswith("attachment")
    assert response["X-Content-Type-Options"] == "nosniff"


def altered(address: str) -> list[str]:
    _empty, folder, token, name = address.split("/")
    facts, signature = token.rsplit("~", 1)
    tenant, attachment, day = facts.split(".")
    forged = [
        f"{int(tenant) + 1}.{attachment}.{day}~{signature}",
        f"{tenant}.{attachment}.{int(day) + 1}~{signature}",
        f"{tenant}.{'A' * len(attachment)}.{day}~{signature}",
        f"{facts}~{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}",
        facts,
        f"{facts}~",
        "~",
        "x" * 300,
    ]
    return [f"/{folder}/{each}/{name}" for each in forged]


def test_altered_addresses_lead_nowhere(token: str) -> None:
    address = post_file(token, picture()).json()["url"]

    assert {served(each).status_code for each in altered(address)} == {404}


def test_address_ends_within_seven_days(token: str) -> None:
    at = clock.now()
    with clock.travel(at):
        address = post_file(token, picture()).json()["url"]

    with clock.travel(at + timedelta(days=6)):
        assert served(address).status_code == 200
    with clock.travel(at + timedelta(days=7)):
        assert served(address).status_code == 404


def test_address_stays_the_same_within_a_day(tenant: Tenant, token: str) -> None:
    address = post_file(token, picture()).json()["url"]

    with tenant_scope(tenant):
        from conversations.wire import attachment_object  # noqa: PLC0415 -- beside its use

        assert attachment_object(Attachment.objects.get())["url"] == address


def test_removed_suspended_and_lost_files_are_not_found(
    tenant: Tenant, token: str, settings: Any
) -> None:
    lost, removed, kept = (post_file(token, picture()).json() for _number in range(3))
    with tenant_scope(tenant):
        Path(settings.MEDIA_ROOT, Attachment.objects.get(pk=lost["id"]).path).unlink()
        attachments.remove(Attachment.objects.get(pk=removed["id"]), by=None, reason="erasure")

    assert [served(each["url"]).status_code for each in (lost, removed, kept)] == [404, 404, 200]
    Tenant.objects.filter(pk=tenant.pk).update(status="suspended")
    assert served(kept["url"]).status_code == 404


def test_upload_needs_a_token(token: str) -> None:
    assert problem(post_file("", picture())) == (401, "token_expired")
    assert problem(post_file(token + "x", picture())) == (401, "token_expired")


def test_upload_waits_for_the_privacy_notice(token: str, tenant: Tenant, channel: Channel) -> None:
    with tenant_scope(tenant):
        Channel.objects.filter(pk=channel.pk).update(notice_version=2)

    assert problem(post_file(token, picture())) == (409, "notice_outdated")


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        (b"", "a.png", (422, "file_empty")),
        (b"<svg onload=alert(1)>", "a.png", (422, "file_kind_refused")),
        (picture()[:50], "a.png", (422, "file_broken")),
        (huge_png(10_000, 10_000), "a.png", (422, "image_too_large")),
        (b"MZ\x90\0", "a.pdf", (422, "file_kind_refused")),
    ],
)
def test_refusals_say_why_and_leave_nothing(
    token: str, settings: Any, content: bytes, name: str, expected: tuple[int, str]
) -> None:
    response = post_file(token, content, name)

    assert problem(response) == expected
    assert files_under(settings) == []


def test_form_without_a_file_is_refused(token: str) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"})

    response = client.post(f"{API}/attachments", {"file": "just words"})

    assert problem(response) == (422, "file_empty")


def test_form_with_two_files_is_refused(token: str, settings: Any) -> None:
    client = Client(headers={"Authorization": f"Bearer {token}"})
    two = [SimpleUploadedFile(name, picture()) for name in ("a.png", "b.png")]

    response = client.post(f"{API}/attachments", {"file": two})

    assert problem(response) == (400, "malformed")
    assert files_under(settings) == []


def test_announced_size_is_refused_before_anything_is_read(token: str, settings: Any) -> None:
    settings.ATTACHMENT_MB = 1

    response = post_file(token, b"x", CONTENT_LENGTH=str(50 * 1024 * 1024))

    assert problem(response) == (413, "too_large")


def test_size_is_bounded_while_it_is_read_whatever_was_announced(settings: Any) -> None:
    boundary = b"frontier"
    form = (
        b'--frontier\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n'
        b"Content-Type: image/png\r\n\r\n" + b"x" * 5_000_000 + b"\r\n--frontier--\r\n"
    )
    stream = BytesIO(form)
    handler = BoundedUpload(limit=1_000_000)
    meta = {
        "CONTENT_TYPE": f"multipart/form-data; boundary={boundary.decode()}",
        "CONTENT_LENGTH": "100",
    }

    with pytest.raises(FileTooLargeError):
        MultiPartParser(meta, stream, [handler], "utf-8").parse()

    assert stream.tell() < 1_500_000
    assert handler.file.closed
    assert files_under(settings) == []


def test_twenty_uploads_a_minute_and_no_more(token: str, time_machine: Any) -> None:
    time_machine.move_to("2026-11-20T04:00:30Z", tick=False)

    statuses = [post_file(token, PDF, "a.pdf").status_code for _number in range(21)]

    assert statuses == [201] * 20 + [429]


# Agents


@pytest.fixture
def held(tenant: Tenant, admission: Admission, agent: Membership) -> Conversation:
    with tenant_scope(tenant):
        room = request_handoff(send(admission.session, "转人工").message.conversation_id)
        return desk.take(room.pk, by=agent)


def console_upload(client: Client, room: object, content: bytes = b"") -> Any:
    file = SimpleUploadedFile("步骤.png", content or picture(), "image/png")
    return client.post(f"/console/api/conversations/{room}/attachments", {"file": file})


def test_agent_sends_a_picture_that_the_visitor_gets(
    token: str, held: Conversation, agent: Membership, client_as: Callable[[User], Client]
) -> None:
    client = client_as(agent.user)
    uploaded = console_upload(client, held.pk).json()

    sent = client.post(
        f"/console/api/conversations/{held.pk}/messages",
        {"client_msg_id": "r-1", "text": "", "attachments": [uploaded["id"]]},
        content_type="application/json",
    )

    assert sent.status_code == 201
    history = Caller(token)("GET", f"/conversations/{held.pk}/messages").json()["messages"]
    assert history[-1]["attachments"] == [uploaded]
    assert served(history[-1]["attachments"][0]["url"]).status_code == 200


def test_agents_upload_needs_the_csrf_token(held: Conversation, agent: Membership) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(agent.user, backend="django.contrib.auth.backends.ModelBackend")

    response = console_upload(client, held.pk)

    assert problem(response) == (403, "forbidden")


def test_foreign_tenants_agents_find_nothing(
    held: Conversation,
    other_tenant: Tenant,
    make_member: Callable[..., User],
    client_as: Callable[[User], Client],
) -> None:
    client = client_as(make_member(other_tenant, Role.AGENT))

    assert problem(console_upload(client, held.pk)) == (404, "not_found")
    for path in ("attachments", "withdraw"):
        response = client.post(
            f"/console/api/conversations/{held.pk}/{path}",
            {"message_id": str(uuid.uuid4())} if path == "withdraw" else None,
            content_type="application/json"
            if path == "withdraw"
            else "multipart/form-data; boundary=x",
        )
        assert problem(response) == (404, "not_found")


def test_agent_withdraws_and_the_file_with_it(
    tenant: Tenant,
    token: str,
    held: Conversation,
    agent: Membership,
    client_as: Callable[[User], Client],
) -> None:
    client = client_as(agent.user)
    uploaded = console_upload(client, held.pk).json()
    path = f"/console/api/conversations/{held.pk}"
    sent = client.post(
        f"{path}/messages",
        {"client_msg_id": "r-1", "text": "看图", "attachments": [uploaded["id"]]},
        content_type="application/json",
    ).json()

    def take_back() -> Any:
        return client.post(
            f"{path}/withdraw", {"message_id": sent["id"]}, content_type="application/json"
        )

    first, second = take_back(), take_back()

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["withdrawn_at"] == second.json()["withdrawn_at"] is not None
    last = Caller(token)("GET", f"/conversations/{held.pk}/messages").json()["messages"][-1]
    assert (last["text"], last["attachments"], last["withdrawn_at"] is not None) == ("", [], True)
    assert served(uploaded["url"]).status_code == 404


def test_withdrawal_after_two_minutes_is_refused(
    tenant: Tenant, held: Conversation, agent: Membership, client_as: Callable[[User], Client]
) -> None:
    with tenant_scope(tenant), clock.travel(clock.now() - timedelta(minutes=3)):
        message, _created = desk.reply(held.pk, "晚了", by=agent, client_msg_id="r-1")

    response = client_as(agent.user).post(
        f"/console/api/conversations/{held.pk}/withdraw",
        {"message_id": str(message.pk)},
        content_type="application/json",
    )

    assert problem(response) == (409, "too_late")


def test_asking_for_what_comes_after_says_what_was_delivered(
    tenant: Tenant, token: str, held: Conversation, agent: Membership
) -> None:
    with tenant_scope(tenant):
        message, _created = desk.reply(held.pk, "在", by=agent, client_msg_id="r-1")
    call = Caller(token)

    call("GET", f"/conversations/{held.pk}/messages?after_seq={message.seq - 1}")
    with tenant_scope(tenant):
        assert Conversation.objects.get().contact_delivered_seq == message.seq - 1
    call("GET", f"/conversations/{held.pk}/messages?after_seq={message.seq}")

    with tenant_scope(tenant):
        assert Conversation.objects.get().contact_delivered_seq == message.seq


def test_history_of_many_files_and_quotes_asks_no_more_questions(
    tenant: Tenant,
    admission: Admission,
    django_assert_num_queries: Any,
) -> None:
    def write(count: int) -> None:
        with tenant_scope(tenant):
            session: ContactSession = admission.session
            for _number in range(count):
                kept = attachments.receive(
                    BytesIO(PDF), "a.pdf", sender=attachments.Sender(contact=session.contact)
                )
                message = send(session, "", attachments=[kept.pk]).message
                send(session, "同上", quote=message.pk)

    write(1)
    call = Caller(admission.token)
    with tenant_scope(tenant):
        room = Conversation.objects.get().pk
    path = f"/conversations/{room}/messages"
    call("GET", path)
    from django.db import connection  # noqa: PLC0415 -- beside its use
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 -- beside its use

    with CaptureQueriesContext(connection) as few:
        call("GET", path)
    write(3)

    with django_assert_num_queries(len(few)):
        assert len(call("GET", path).json()["messages"]) == 8


def test_withdrawn_quote_reaches_the_console_as_such(
    tenant: Tenant, held: Conversation, agent: Membership, client_as: Callable[[User], Client]
) -> None:
    with tenant_scope(tenant):
        message, _created = desk.reply(held.pk, "说错了", by=agent, client_msg_id="r-1")
        desk.reply(held.pk, "应该是这样", by=agent, client_msg_id="r-2", quote=message.pk)
        withdraw(held.pk, message.pk, by=agent)

    page = client_as(agent.user).get(f"/console/api/conversations/{held.pk}/messages").json()

    assert page["messages"][-1]["quote"]["withdrawn"] is True
    assert page["messages"][-1]["quote"]["author"]["name"] == "林晓"
