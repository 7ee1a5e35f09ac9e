/** What the log shows, derived from the chat's view: pure, no DOM. */

import { timeMark } from "./dates.js";
import { t } from "./i18n.js";

const SAME_VOICE_MS = 5 * 60 * 1000;
const WITH_PEOPLE = ["waiting_human", "human"];

// An own message keeps the key it had in the outbox, so that its bubble stays where it is.
const keyOf = (message) =>
  message.author.kind === "customer" && message.client_msg_id
    ? message.client_msg_id
    : message.id;

/** State of a message that is still in the outbox. */
function pendingState(entry, hold) {
  if (entry.problem) return "failed";
  if (hold && ["notice", "closed", "refused"].includes(hold.reason)) return "unsent_hold";
  if (hold && hold.reason === "rate") return "unsent_rate";
  return entry.late ? "unsent" : "sending";
}

/** Return which of a message's reply buttons the visitor chose later, by label, or null. */
function chosenButton(message, later) {
  const labels = new Set(
    (message.buttons || []).filter((each) => each.action === "reply").map((each) => each.label),
  );
  const answer = later.find((each) => each.author.kind === "customer" && labels.has(each.text));
  return answer ? answer.text : null;
}

function feedbackOf(message, view) {
  const features = (view.config && view.config.features) || {};
  if (message.author.kind !== "bot" || message.kind !== "answer" || features.feedback === false) {
    return null;
  }
  const own = view.feedback.get(message.id);
  return {
    value: own ? own.value : message.feedback || null,
    failed: Boolean(own && own.failed),
    // Asked only where the thumb was just turned down, not again at every later look.
    asking: Boolean(own && own.value === "unhelpful" && !own.done),
    reason: own ? own.reason : "",
  };
}

/** What the message asks about satisfaction, as it stands for this visitor now. */
function surveyOf(message, view) {
  const own = view.surveys.get(message.id);
  return {
    survey: (own && own.survey) || message.survey || null,
    surveyFailed: Boolean(own && own.failed),
  };
}

function messageItem(message, previous, later, view) {
  const kind = message.author.kind;
  const known = previous && previous.author.kind === kind;
  const sameName = known && previous.author.name === message.author.name;
  const gap = previous ? Date.parse(message.created_at) - Date.parse(previous.created_at) : 0;
  return {
    type: "message",
    key: keyOf(message),
    id: message.id,
    author: kind,
    name: message.author.name || null,
    headed: !(sameName && gap < SAME_VOICE_MS),
    seq: message.seq,
    text: message.withdrawn_at ? t("file_withdrawn") : message.text || "",
    withdrawn: Boolean(message.withdrawn_at),
    attachments: message.attachments || [],
    quote: message.quote || null,
    at: message.created_at,
    buttons: message.buttons || [],
    chosen: chosenButton(message, later),
    handoffOpen: !view.conversation || !WITH_PEOPLE.includes(view.conversation.status),
    sources: message.sources || [],
    feedback: feedbackOf(message, view),
    ...surveyOf(message, view),
    state: null,
  };
}

function messageItems(messages, view, dividerSeq) {
  const items = [];
  const pending = view.outbox
    .filter((entry) => entry.kind === "message")
    .map((entry) => ({ author: { kind: "customer" }, text: entry.text }));
  messages.forEach((message, index) => {
    const previous = messages[index - 1];
    const mark = timeMark(
      new Date(message.created_at),
      previous ? new Date(previous.created_at) : null,
    );
    if (message.seq === dividerSeq) items.push({ type: "divider", key: "divider" });
    if (mark) items.push({ type: "time", key: `mark-${message.id}`, text: mark });
    const voice = mark || message.seq === dividerSeq ? null : previous;
    const later = messages.slice(index + 1).concat(pending);
    items.push(messageItem(message, voice, later, view));
  });
  return items;
}

function pendingItems(view) {
  const delivered = new Set(view.messages.map((each) => each.client_msg_id));
  return view.outbox
    .filter((entry) => entry.kind === "message" && !delivered.has(entry.id))
    .map((entry) => ({
      type: "message",
      key: entry.id,
      id: entry.id,
      author: "customer",
      name: null,
      headed: false,
      text: entry.text,
      attachments: entry.attachments || [],
      quote: entry.quote || null,
      at: new Date(entry.created_at).toISOString(),
      buttons: [],
      sources: [],
      feedback: null,
      state: pendingState(entry, view.hold),
    }));
}

function greetingItem(view, key) {
  return {
    type: "message",
    key,
    id: key,
    author: "bot",
    name: null,
    headed: true,
    text: view.config.greeting,
    at: null,
    buttons: [],
    sources: [],
    feedback: null,
    state: null,
  };
}

/** Say on the visitor's newest delivered message that it was sent, or read. */
function markNewestSent(items, messages) {
  const own = messages.filter((each) => each.author.kind === "customer").pop();
  if (!own) return;
  const item = items.find((each) => each.key === keyOf(own));
  item.state = own.status === "read" ? "read" : "sent";
}

/** Return the list of items, oldest first, each with a stable key. */
export function logItems(view) {
  const items = [];
  if (view.hasOlder) items.push({ type: "older", key: "older", loading: view.loadingOlder });
  for (const messages of view.earlier) {
    items.push(...messageItems(messages, view, null));
    items.push({ type: "break", key: `break-${messages[0].conversation_id}` });
  }
  const greeting = view.config && view.phase !== "refused" ? view.config.greeting : null;
  if (greeting && view.fromTheStart) {
    const id = view.conversation ? view.conversation.id : "new";
    items.push(greetingItem(view, `greeting-${id}`));
  }
  items.push(...messageItems(view.messages, view, view.dividerSeq));
  markNewestSent(items, view.messages);
  items.push(...pendingItems(view));
  return items;
}

/** Return the quick questions to offer now: only before the visitor has said anything. */
export function quickQuestions(view) {
  const spoke = view.messages.some((each) => each.author.kind === "customer");
  const asking = view.outbox.some((each) => each.kind === "message");
  const withPeople = view.conversation && WITH_PEOPLE.includes(view.conversation.status);
  if (spoke || asking || withPeople || !view.config || !view.fromTheStart) return [];
  return view.config.quick_questions || [];
}
