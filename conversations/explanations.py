"""Why the assistant did what it did, in sentences that people understand."""

from collections.abc import Mapping

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.models import BotDecision, DecisionOutcome
from conversations.states import HandoffReason


def why(decision: BotDecision) -> str:
    """Return a sentence a person understands: why the assistant did what it did."""
    best = decision.candidates[_chosen(decision)] if decision.candidates else None
    facts = {
        "question": best["question"] if best else "",
        "percent": round(best["p"] * 100) if best else 0,
        "answer_from": round((decision.answer_threshold or 0) * 100),
        "reason": decision.get_reason_display(),
        "topics": sounds_like(decision.topics),
    }
    sentences = [_sentence(decision) % facts]
    wording = decision.advice.get("wording", {})
    if wording.get("went") == "well":
        sentences.append(_("The language model worded it; it says what the entry says."))
    elif wording.get("went") == "refused":
        sentences.append(_("The language model's wording was refused: it did not say the same."))
    # Where there is none to hear, nothing is missing.
    unheard = {"well", "refused", "absent", "unapproved"}
    if any(part.get("went") not in unheard for part in decision.advice.values()):
        sentences.append(_("The language model was not heard."))
    return sentence_space().join(sentences)


def sounds_like(topics: Mapping[str, float]) -> str:
    """Return what a message may be about in words, likeliest first: "Legal dispute 93%"; or ""."""
    likeliest = sorted(topics.items(), key=lambda item: -item[1])
    return _(", ").join(f"{_topic(code)} {round(p * 100)}%" for code, p in likeliest)


def sentence_space() -> str:
    """Return what stands between two sentences in the language in use."""
    return " " if translation.get_language() == "en" else ""


def _chosen(decision: BotDecision) -> int:
    """Return the place of the candidate that was taken, among those kept with the decision."""
    place = decision.advice.get("pick", {}).get("chosen")
    return place if decision.rule == "model.pick" and isinstance(place, int) else 0


def _topic(code: str) -> str:
    names = {
        "human": _("Asks for a person"),
        "ordinary": _("Ordinary question"),
        "smalltalk": _("Small talk"),
    }
    return names.get(code) or (
        str(HandoffReason(code).label) if code in HandoffReason.values else code
    )


def _sentence(decision: BotDecision) -> str:
    rule, _dot, which = decision.rule.partition(".")
    # Where a rule decided without asking the knowledge base there are no likelihoods either.
    likely = bool(decision.topics)
    if rule == "gate":
        return _by_gate(which, decision)
    if rule == "model":
        return _(
            "Answered with “%(question)s”, which the language model chose of those likely meant."
        )
    if rule == "button":
        return _("Answered with the question the visitor chose.")
    if rule == "several":
        return _("The message asks several things; offered the entry for each as a choice.")
    if rule == "wordless" and decision.outcome == DecisionOutcome.CLARIFY:
        return _("A picture, voice or file without words; asked for words.")
    if rule == "wordless":
        return _("Handed to people (%(reason)s): pictures, voice or files without words.")
    if rule == "low_content":
        return _("Too few words to look for; asked for more.")
    if rule == "smalltalk" and likely:
        return _("Sounds like small talk (%(topics)s), and no entry fits well enough to answer.")
    if rule == "smalltalk":
        return _("Small talk; the knowledge base was not asked.")
    if rule in ("topic", "asked") and likely:
        return _("Handed to people (%(reason)s) because of what it sounds like: %(topics)s.")
    if rule == "topic":
        return _(
            "Handed to people (%(reason)s): it holds words that always go to people, whatever the "
            "knowledge base says."
        )
    if decision.rule == "outside.decline":
        return _("Not the client's business; declined, as the contract says.")
    if rule == "outside":
        return _("Not the client's business; a person was offered, as the contract says.")
    if decision.rule == "asked.button":
        return _("Handed to people: the visitor pressed the button for a person.")
    if rule == "repeated":
        return _("Handed to people (%(reason)s): the answers before did not settle it.")
    if rule == "failed":
        return _("Handed to people (%(reason)s): an error occurred while it was thinking.")
    return _("Handed to people: %(reason)s.")


def _by_gate(which: str, decision: BotDecision) -> str:
    if which == "answer":
        return _(
            "Answered with “%(question)s”: %(percent)s%% sure, and %(answer_from)s%% is enough."
        )
    if which == "clarify":
        return _(
            "Offered a choice: “%(question)s” fits best with %(percent)s%%, "
            "less than the %(answer_from)s%% an answer needs."
        )
    if decision.reason == HandoffReason.LANGUAGE:
        return _("Handed to people (%(reason)s): most of it is written in another script.")
    if decision.reason in (HandoffReason.FAULT, HandoffReason.OFFTOPIC) and decision.topics:
        return _(
            "Handed to people (%(reason)s): no entry answers it, and it sounds like: %(topics)s."
        )
    if decision.candidates:
        return _(
            "Handed to people (%(reason)s): the closest entry, “%(question)s”, "
            "fits with only %(percent)s%%."
        )
    return _("Handed to people: %(reason)s.")
