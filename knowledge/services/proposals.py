"""The learning loop: keep what visitors said, and let people make phrasings of it."""

import re
import unicodedata
import uuid

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from knowledge.models import (
    ANSWER_LENGTH,
    QUESTION_LENGTH,
    Entry,
    EntryVersion,
    Phrasing,
    Proposal,
    ProposalSource,
    ProposalState,
)
from knowledge.retrieval.text import is_low_content, normalise, text_key
from knowledge.services import entries, golden
from tenants import clock
from tenants.errors import DomainError
from tenants.models import User
from tenants.scoping import as_uuid
from tenants.services import ledger
from tenants.services.ledger import Event

_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
# Six digits and more: telephone, order and identity card numbers, however they are parted.
_DIGITS = re.compile(r"\d(?:[\s()\u2010-\u2015-]*\d){5,}")


class EntryNeededError(DomainError):
    """Nobody has said which entry the words ask for."""

    code = "entry_needed"
    message = _("Choose the entry that answers this first.")


class AlreadyDecidedError(DomainError):
    """Somebody else was faster."""

    code = "already_decided"
    status = 409
    message = _("This has been decided already.")


def propose(
    text: str,
    *,
    source: ProposalSource,
    version_id: uuid.UUID | str | None = None,
    message_id: uuid.UUID | str | None = None,
    p: float | None = None,
) -> Proposal | None:
    """Keep a visitor's words for people to decide about, or count them once more.

    `version_id` names the entry version that answers them; None where nothing did. Returns None
    and keeps nothing of what says too little, is too long for a phrasing, looks like personal
    data, is known already, or means a version that is not there. One message counts once. A
    decision stands, however often the words come again; once an entry is known for them, a
    pending proposal without one is dropped. Safe to call from several processes at once.
    """
    text = " ".join(text.split())
    if len(text) > QUESTION_LENGTH or is_low_content(text) or holds_personal_data(text):
        return None
    entry = None
    if version_id is not None:
        version = (
            EntryVersion.objects.filter(pk=as_uuid(version_id)).select_related("entry").first()
        )
        if version is None:
            return None
        entry = version.entry
    if _is_known(text, entry):
        return None
    with transaction.atomic():
        return _keep(text, entry, source, as_uuid(message_id) if message_id else None, p)


def propose_entry(
    question: str, answer: str, *, message_id: uuid.UUID | str | None = None
) -> Proposal | None:
    """Keep a drafted entry for people to decide about; return its proposal.

    Returns None and keeps nothing of what says too little, is too long, looks like personal data,
    or asks what an entry asks already. The same question again counts once more; the first answer
    stays, and so does a decision.
    """
    question, answer = " ".join(question.split()), answer.strip()
    if len(question) > QUESTION_LENGTH or len(answer) > ANSWER_LENGTH or not answer:
        return None
    if is_low_content(question) or any(map(holds_personal_data, (question, answer))):
        return None
    if _is_known(question, None):
        return None
    with transaction.atomic():
        proposal = _keep(
            question, None, ProposalSource.DRAFT, as_uuid(message_id) if message_id else None, None
        )
        if proposal.is_pending and not proposal.answer:
            proposal.answer, proposal.source = answer, ProposalSource.DRAFT
            proposal.save(update_fields=["answer", "source"])
    return proposal


def accept(proposal: Proposal, *, by: User | None, entry: Entry | None = None) -> Phrasing:
    """Make the words the last phrasing of their entry, or of `entry`; return the phrasing.

    Locks the rows. Visitors are understood by it after the next release; the golden questions are
    tried in the background. Raises
    AlreadyDecidedError, or EntryNeededError where no entry is known.
    """
    target_id = entry.pk if entry else proposal.entry_id
    with transaction.atomic():
        # The entry before its proposals: whoever takes both takes them in this order.
        found = Entry.objects.select_for_update(no_key=True).filter(pk=target_id).first()
        proposal = _locked(proposal)
        if found is None:
            raise EntryNeededError
        # Rows first: whoever proposes the same words now must not wait for the ledger's head.
        event = _accepted(proposal, found, by)
        phrasing = entries.add_phrasing(found, proposal.text, by=by)
        ledger.append(event)
        golden.run_soon()
    return phrasing


def dismiss(proposal: Proposal, *, by: User | None) -> None:
    """Decide that the words are no phrasing; they are not proposed again for this entry.

    Locks the row. Raises AlreadyDecidedError.
    """
    with transaction.atomic():
        proposal = _locked(proposal)
        _decided(proposal, ProposalState.DISMISSED, by)
        ledger.append(Event("proposal.dismissed", proposal.pk, {"by": by.pk if by else None}))


def settle(entry: Entry, *, by: User | None) -> int:
    """Accept what is pending and says what the entry says by now; return how many that were.

    For an editor who wrote the words into the entry by hand, or made a new entry of them. Locks
    the rows; call it after the commit of what was written.
    """
    texts = [entry.question, *Phrasing.objects.filter(entry=entry).values_list("text", flat=True)]
    with transaction.atomic():
        said = list(
            Proposal.objects.select_for_update()
            .filter(Q(entry=entry) | Q(entry=None), state=ProposalState.PENDING)
            .filter(text_key__in={text_key(text) for text in texts})
            .order_by("pk")
        )
        # One row for each wording: accepting it takes its twin in.
        single = {row.text_key: row for row in said}.values()
        events = [_accepted(proposal, entry, by) for proposal in single]
        if events:
            ledger.append(*events)
    return len(said)


def holds_personal_data(text: str) -> bool:
    """Return whether the text holds what looks like an e-mail address or a number of a person."""
    plain = unicodedata.normalize("NFKC", text)
    return bool(_MAIL.search(plain) or _DIGITS.search(plain))


def _is_known(text: str, entry: Entry | None) -> bool:
    if entry is None:
        return (
            Entry.objects.filter(question=text, is_active=True).exists()
            or Phrasing.objects.filter(text=text, entry__is_active=True).exists()
        )
    texts = Phrasing.objects.filter(entry=entry).values_list("text", flat=True)
    return normalise(text) in {normalise(known) for known in (entry.question, *texts)}


def _keep(
    text: str,
    entry: Entry | None,
    source: ProposalSource,
    message_id: uuid.UUID | None,
    p: float | None,
) -> Proposal:
    key, now = text_key(text), clock.now()
    unknown = Proposal.objects.filter(text_key=key, entry=None)
    if entry is None:
        # Somebody knows the answer, though it is not heard yet: no second row for it.
        standing = (
            Proposal.objects.filter(text_key=key, entry__isnull=False)
            .exclude(state=ProposalState.DISMISSED)
            .first()
        )
        if standing is not None:
            return _counted(standing, message_id, p)
    else:
        unknown.filter(state=ProposalState.PENDING).delete()
    proposal, created = Proposal.objects.get_or_create(
        text_key=key,
        entry=entry,
        defaults={
            "text": text,
            "source": source,
            "p": p,
            "message_id": message_id,
            "first_seen": now,
            "last_seen": now,
        },
    )
    return proposal if created else _counted(proposal, message_id, p)


def _counted(proposal: Proposal, message_id: uuid.UUID | None, p: float | None) -> Proposal:
    rows = Proposal.objects.filter(pk=proposal.pk)
    if message_id is not None:
        rows = rows.exclude(message_id=message_id)
    rows.update(
        times=F("times") + 1,
        last_seen=clock.now(),
        message_id=message_id or F("message_id"),
        p=F("p") if p is None else p,
    )
    proposal.refresh_from_db()
    return proposal


def _locked(proposal: Proposal) -> Proposal:
    """Return the row, locked with all of the same words, if it is still to be decided."""
    same = Proposal.objects.select_for_update().filter(text_key=proposal.text_key).order_by("pk")
    locked = {row.pk: row for row in same}.get(proposal.pk)
    if locked is None or not locked.is_pending:
        raise AlreadyDecidedError
    return locked


def _accepted(proposal: Proposal, entry: Entry, by: User | None) -> Event:
    """Write the decision; return what the ledger is to say."""
    # Chosen by hand, the entry may have a row for these words already: one of them is enough.
    twin = Proposal.objects.filter(text_key=proposal.text_key, entry=entry).exclude(pk=proposal.pk)
    for other in twin:
        proposal.times += other.times
        proposal.first_seen = min(proposal.first_seen, other.first_seen)
        proposal.last_seen = max(proposal.last_seen, other.last_seen)
        other.delete()
    proposal.entry = entry
    _decided(proposal, ProposalState.ACCEPTED, by)
    facts = {"by": by.pk if by else None, "entry": entry.pk, "source": proposal.source}
    return Event("proposal.accepted", proposal.pk, facts)


def _decided(proposal: Proposal, state: ProposalState, by: User | None) -> None:
    proposal.state = state
    proposal.decided_at, proposal.decided_by = clock.now(), by
    proposal.save()
