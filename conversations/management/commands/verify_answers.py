"""Prove the answers: every reply is compared with the entry version it cites."""

import json
import random
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction

from conversations.bench.rehearsal import open_channel
from conversations.models import Channel, ContactSession, Message, MessageKind
from conversations.services import bot, contacts, fidelity, intake
from conversations.services.identity import Introduction
from conversations.services.intake import Inbound
from conversations.states import ConversationStatus
from knowledge.models import QUESTION_LENGTH, Category, Entry, Phrasing
from knowledge.services import releases
from knowledge.training.paraphrases import read_intents
from tenants import throwaway
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tenants.services.onboarding import create_tenant

# The rehearsal's knowledge base: entries of all trades, and how many of its texts each knows.
ENTRIES, KNOWN = 60, 6
# Questions one visitor asks before the next one comes.
QUESTIONS = 10
_SHOWN = 10
_TOLD_EVERY = 1000
_SEED = 20260101
_SOURCE_RULE = "message_answer_has_source"


def positive(text: str) -> int:
    """Return a number above zero. Raises ArgumentTypeError."""
    if text.isdecimal() and int(text):
        return int(text)
    raise ArgumentTypeError(f"{text!r} is not a number above zero")


class Command(BaseCommand):
    """Compare what is stored, or as many answers as wished in a database of its own."""

    help = (
        "Compare every answer with the entry version it cites; exit 1 on a mismatch. With "
        "--rehearse N, ask N questions in a throw-away database first and compare those; also try "
        "to store an answer without a source, and exit 1 where the database takes it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="this tenant alone")
        parser.add_argument("--rehearse", type=positive, metavar="N", help="questions to ask")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["rehearse"]:
            if options["tenant"]:
                raise CommandError("A rehearsal makes a tenant of its own: leave --tenant out.")
            throwaway.enter()
            figures = self._rehearse(options["rehearse"])
            failed = bool(figures["mismatched"]) or not figures["sourceless_refused"]
            failed = failed or not figures["answered"]
            rows: list[dict[str, Any]] = []
        else:
            rows = [_compared(tenant) for tenant in _tenants(options["tenant"])]
            figures = {name: sum(row[name] for row in rows) for name in ("compared", "mismatched")}
            failed = bool(figures["mismatched"])
        if options["json"]:
            found = figures if options["rehearse"] else {"tenants": rows, **figures}
            self.stdout.write(json.dumps(found, indent=2))
        else:
            for row in rows:
                self.stdout.write(_line(row))
            self.stdout.write(" ".join(f"{name}={value}" for name, value in figures.items()))
        if failed:
            sys.exit(1)

    def _rehearse(self, count: int) -> dict[str, Any]:
        with tenant_scope(create_tenant(slug="rehearsal", name="Rehearsal")):
            questions = _build()
            answered = _ask(open_channel(), questions, count, tell=self.stderr.write)
            comparison = fidelity.compare()
            return {
                "answered": answered,
                "compared": comparison.compared,
                "mismatched": comparison.mismatched,
                "sourceless_refused": _sourceless_refused(),
            }


def _tenants(slug: str | None) -> list[Tenant]:
    tenants = Tenant.objects.order_by("slug")
    if slug is None:
        return list(tenants)
    found = list(tenants.filter(slug=slug))
    if not found:
        raise CommandError(f"There is no tenant {slug}.")
    return found


def _compared(tenant: Tenant) -> dict[str, Any]:
    with tenant_scope(tenant):
        comparison = fidelity.compare()
    return {
        "tenant": tenant.slug,
        "compared": comparison.compared,
        "mismatched": comparison.mismatched,
        "messages": [str(pk) for pk in comparison.message_ids],
    }


def _line(row: dict[str, Any]) -> str:
    line = f"{row['tenant']}: {row['compared']} compared, {row['mismatched']} mismatched"
    if not row["mismatched"]:
        return line
    shown = ", ".join(row["messages"][:_SHOWN])
    return f"{line}: {shown}{' …' if row['mismatched'] > _SHOWN else ''}"


def _build() -> list[str]:
    """Give the tenant in scope a released knowledge base; return what to ask it."""
    category = Category.objects.create(name="Rehearsal")
    intents = read_intents()
    chosen = {intent.texts[0]: intent for intent in intents[:: len(intents) // ENTRIES]}
    entries, phrasings, asked = [], [], []
    for question, intent in chosen.items():
        texts = [text for text in intent.texts[1:] if len(text) <= QUESTION_LENGTH]
        entry = Entry(category=category, question=question, answer=intent.answer)
        entries.append(entry)
        phrasings += [
            Phrasing(entry=entry, text=text, position=place)
            for place, text in enumerate(dict.fromkeys(texts[: KNOWN - 1]))
        ]
        asked += [question, *texts]
    Entry.objects.bulk_create(entries)
    Phrasing.objects.bulk_create(phrasings)
    releases.publish(by=None)
    return asked


def _ask(
    channel: Channel, questions: list[str], count: int, *, tell: Callable[[str], object]
) -> int:
    """Let visitors ask, one after the other; return how many questions were answered."""
    began = time.perf_counter()
    answered = asked_here = 0
    session: ContactSession | None = None
    for number, text in enumerate(_drawn(questions, count), 1):
        if session is None or asked_here == QUESTIONS:
            session = contacts.admit(channel, Introduction(device_id=f"rehearsal-{number}")).session
            asked_here = 0
        asked_here += 1
        received = intake.receive(
            session.contact, channel, Inbound(client_msg_id=str(number), text=text)
        )
        reply = bot.reply_to(received.message, question=text)
        answered += reply is not None and reply.kind == MessageKind.ANSWER
        if reply is None or reply.conversation.status != ConversationStatus.BOT:
            session = None
        if number % _TOLD_EVERY == 0 or number == count:
            each = (time.perf_counter() - began) * 1000 / number
            tell(f"{number} asked, {answered} answered, {each:.1f} ms each")
    return answered


def _drawn(questions: list[str], count: int) -> Iterator[str]:
    """Yield so many questions in an order that is the same each time, all before any again."""
    draw = random.Random(_SEED)  # noqa: S311 -- repeatable, no secret
    left: list[str] = []
    for _number in range(count):
        if not left:
            left = draw.sample(questions, len(questions))
        yield left.pop()


def _sourceless_refused() -> bool:
    """Return whether the database takes no source from an answer and no answer without one."""
    answer = Message.objects.filter(kind=MessageKind.ANSWER).select_related("conversation").first()
    if answer is None:
        return False
    copy = Message(
        conversation_id=answer.conversation_id,
        seq=answer.conversation.last_seq + 1,
        author_kind=answer.author_kind,
        kind=MessageKind.ANSWER,
        text=answer.text,
        received_at=answer.received_at,
        created_at=answer.created_at,
    )
    return _refused(lambda: copy.save(force_insert=True)) and _refused(
        lambda: Message.objects.filter(pk=answer.pk).update(entry_version=None)
    )


def _refused(write: Callable[[], object]) -> bool:
    try:
        with transaction.atomic():
            write()
    except IntegrityError as error:
        return _SOURCE_RULE in str(error)
    return False
