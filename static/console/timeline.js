/** What stands in a thread and in which order: words, notes, marks, what is still on its way. */
import { markLine, messageBubble, noteBubble, pendingBubble } from "./bubble.js";
import { h } from "./dom.js";
import { languageTag, t } from "./i18n.js";
import { discard, resend, visibleOutbox } from "./outbox.js";
import { state } from "./store.js";
import { utterances } from "./threads.js";
import { day, dayName } from "./time.js";

const TOGETHER_MS = 120_000;

/** Return whether the signed-in agent wrote this message. */
export const isOwn = (message) =>
  message.author.kind === "agent" && message.author.id === state.me?.member?.id;

/**
 * Return what stands in a thread, in order: marks, messages, notes, what is on its way, typing.
 *
 * Each item is {key, signature, build}; it has to be built anew only when its signature changes.
 * `onEdit(text, kind)` gets a text that is taken back from the outbox.
 */
export function itemsOf(thread, onEdit) {
  const items = [];
  const lastOwn = lastAgentSeq(thread);
  const visitor = state.rows.get(thread.id)?.contact.name ?? "";
  let previous = null;
  const all = utterances(thread);
  for (const [index, { kind, key, value }] of all.entries()) {
    addMarks(items, thread, previous, value, kind);
    const follows =
      kind === "message" && goesOn(previous, value) && items.at(-1)?.key === previous.key;
    const mine = kind === "note" ? value.author?.id === state.me?.member?.id : isOwn(value);
    const next = all[index + 1];
    const marked = !(
      next?.kind === "message" &&
      goesOn({ kind, value }, next.value) &&
      next.value.status === value.status
    );
    const look = {
      follows,
      mine,
      marked,
      lastOwn: kind === "message" && value.seq === lastOwn,
      visitor: kind === "message" && value.author.kind === "customer" ? visitor : "",
      language: languageTag(),
    };
    items.push({
      key,
      signature: JSON.stringify([value, look]),
      build: () => (kind === "note" ? noteBubble(value, look) : messageBubble(value, look)),
    });
    previous = { kind, key, value };
  }
  for (const entry of visibleOutbox(thread, state.me?.member?.name))
    items.push(pendingItem(thread, entry, onEdit));
  if (thread.typing && thread.typing.until > Date.now()) items.push(typingItem());
  return items;
}

function lastAgentSeq(thread) {
  for (let seq = thread.lastSeq; seq >= thread.firstSeq; seq -= 1) {
    if (thread.messages.get(seq)?.author.kind === "agent") return seq;
  }
  return 0;
}

function goesOn(previous, message) {
  if (previous?.kind !== "message") return false;
  const { author, created_at: at } = previous.value;
  return (
    author.kind === message.author.kind &&
    author.kind !== "system" &&
    author.name === message.author.name &&
    Date.parse(message.created_at) - Date.parse(at) < TOGETHER_MS
  );
}

function addMarks(items, thread, previous, value, kind) {
  const today = day(value.created_at);
  if (!previous || day(previous.value.created_at) !== today) {
    items.push(markItem(`day:${today}`, dayName(value.created_at, languageTag()), "day"));
  }
  const inquiry = value.inquiry_id ?? null;
  const before = previous?.value.inquiry_id ?? null;
  if (kind === "message" && inquiry && before && inquiry !== before) {
    items.push(markItem(`inquiry:${inquiry}`, t("thread.inquiry"), "inquiry"));
  }
  if (kind === "message" && value.seq === thread.unreadFrom) {
    items.push(markItem("unread", t("thread.unread"), "unread"));
  }
}

function markItem(key, text, kind) {
  return { key, signature: text, build: () => markLine(text, kind) };
}

function pendingItem(thread, entry, onEdit) {
  return {
    key: `p${entry.client_msg_id}`,
    signature: JSON.stringify(entry),
    build: () =>
      pendingBubble(entry, {
        onRetry: () => resend(thread.id, entry),
        onDiscard: () => {
          discard(thread.id, entry);
          onEdit(entry.text, entry.kind);
        },
      }),
  };
}

function typingItem() {
  return {
    key: "typing",
    signature: "",
    build: () =>
      h(
        "div",
        { class: "say say-visitor typing" },
        h(
          "div",
          { class: "bubble" },
          h("span", { class: "hidden-text" }, t("thread.typing")),
          h("i", {}),
          h("i", {}),
          h("i", {}),
        ),
      ),
  };
}
