/** Replies and notes on their way: kept until the server has them, across reloads of the page. */
import { ApiError, postMessage, postNote } from "./api.js";
import { changed } from "./store.js";
import { knownThread, mergeMessages, mergeNotes } from "./threads.js";

const PREFIX = "yingda.outbox.";
const boxes = new Map();
const chains = new Map();

/** Return what is on its way in a conversation, oldest first. */
function outboxOf(id) {
  if (!boxes.has(id)) boxes.set(id, restore(id));
  return boxes.get(id);
}

function restore(id) {
  try {
    const entries = JSON.parse(sessionStorage.getItem(PREFIX + id)) ?? [];
    // The page was closed while these were under way: the same key makes asking again harmless.
    return entries.map((entry) => ({ ...entry, state: "failed", error: "" }));
  } catch {
    return [];
  }
}

function keep(id) {
  const box = boxes.get(id);
  try {
    if (box.length > 0) sessionStorage.setItem(PREFIX + id, JSON.stringify(box));
    else sessionStorage.removeItem(PREFIX + id);
  } catch {
    // Without storage the text still stands on screen with its retry button.
  }
  changed("thread");
}

/** Return a new id by which the server tells a repeat from another one. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Pages on plain http from another host have no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/**
 * Send a text as a "message" to the visitor or as a private "note"; it shows up at once.
 *
 * `more` goes along: the version_id a message says, the mentions of a note; `along` has the
 * attachments of a message and what it quotes.
 */
export function send(id, kind, text, more = {}, along = {}) {
  const entry = {
    kind,
    text,
    more,
    attachments: along.attachments ?? [],
    quote: along.quote ?? null,
    client_msg_id: newKey(),
    created_at: new Date().toISOString(),
    state: "sending",
    error: "",
  };
  outboxOf(id).push(entry);
  keep(id);
  enqueue(id, entry);
}

/** Try a failed one again. */
export function resend(id, entry) {
  entry.state = "sending";
  entry.error = "";
  keep(id);
  enqueue(id, entry);
}

/** Try again everything that failed for want of a connection. */
export function resendStranded() {
  for (const [id, box] of boxes) {
    for (const entry of box) if (entry.state === "failed" && entry.stranded) resend(id, entry);
  }
}

/** Give up a failed one. */
export function discard(id, entry) {
  const box = outboxOf(id);
  box.splice(box.indexOf(entry), 1);
  keep(id);
}

// One after the other, so that two quick replies arrive in the order they were written.
function enqueue(id, entry) {
  const before = chains.get(id) ?? Promise.resolve();
  const done = before.then(() => deliver(id, entry));
  chains.set(id, done);
  done.finally(() => chains.get(id) === done && chains.delete(id));
}

function moreOf(entry) {
  if (entry.kind === "note") return entry.more;
  const attachments = (entry.attachments ?? []).map((file) => file.id);
  return { ...entry.more, attachments, quote: entry.quote?.id ?? null };
}

async function deliver(id, entry) {
  const post = entry.kind === "note" ? postNote : postMessage;
  try {
    const stored = await post(id, entry.client_msg_id, entry.text, moreOf(entry));
    entry.state = "sent";
    if (entry.kind === "note") entry.number = stored.number;
    else entry.seq = stored.seq;
    const thread = knownThread(id);
    if (thread) settle(thread, entry, stored);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    entry.state = "failed";
    entry.error = error.message;
    entry.stranded = error.status === 0;
  }
  keep(id);
}

let onGap = () => {};

/** Call the listener with a conversation's id when what was sent cannot yet be joined to it. */
export function whenGap(listener) {
  onGap = listener;
}

function settle(thread, entry, stored) {
  const gap =
    entry.kind === "note" ? mergeNotes(thread, [stored]) : mergeMessages(thread, [stored]);
  if (gap) onGap(thread.id);
  clearArrived(thread);
}

/** Drop from the outbox whatever the thread already holds. */
export function clearArrived(thread) {
  const box = outboxOf(thread.id);
  const rest = box.filter((entry) => !hasArrived(thread, entry));
  if (rest.length === box.length) return;
  boxes.set(thread.id, rest);
  keep(thread.id);
}

function hasArrived(thread, entry) {
  if (entry.kind === "note") {
    if (entry.number) return thread.notes.has(entry.number);
    return [...thread.notes.values()].some((note) => note.client_msg_id === entry.client_msg_id);
  }
  if (entry.seq) return thread.messages.has(entry.seq);
  return [...thread.messages.values()].some(
    (message) => message.client_msg_id === entry.client_msg_id,
  );
}

/** Return the entries to draw: a note whose frame came before its answer is not drawn twice. */
export function visibleOutbox(thread, ownName) {
  return outboxOf(thread.id).filter((entry) => {
    if (hasArrived(thread, entry)) return false;
    if (entry.kind !== "note" || entry.state !== "sending") return true;
    const since = Date.parse(entry.created_at) - 60_000;
    return ![...thread.notes.values()].some(
      (note) =>
        note.text === entry.text &&
        note.author?.name === ownName &&
        Date.parse(note.created_at) > since,
    );
  });
}
