/** Messages and notes of conversations, kept gapless: the order is `seq`, nothing is held twice. */

const KEPT = 20;
const threads = new Map();

/** Return the thread of a conversation, empty at first; the least recently opened are forgotten. */
export function threadOf(id) {
  const thread = threads.get(id) ?? {
    id,
    messages: new Map(),
    notes: new Map(),
    firstSeq: null,
    lastSeq: 0,
    lastNote: 0,
    hasEarlier: false,
    firstQuestion: null,
    phase: "empty",
    error: null,
    typing: null,
    unreadFrom: null,
    readSeq: 0,
  };
  threads.delete(id);
  threads.set(id, thread);
  for (const key of threads.keys()) {
    if (threads.size <= KEPT) break;
    threads.delete(key);
  }
  return thread;
}

/** Return the thread if it is known, without making one. */
export function knownThread(id) {
  return threads.get(id);
}

/**
 * Take over messages, in any order, with those already held.
 *
 * Returns true if some could not be joined because messages between are missing; the caller then
 * asks for what follows `lastSeq`.
 */
export function mergeMessages(thread, messages) {
  let gap = false;
  for (const message of [...messages].sort((a, b) => a.seq - b.seq)) {
    const { seq } = message;
    if (thread.firstSeq === null) thread.firstSeq = seq;
    if (seq > thread.lastSeq + 1 && thread.messages.size > 0) gap = true;
    else if (seq >= thread.firstSeq || seq === thread.firstSeq - 1) put(thread, message);
  }
  return gap;
}

function put(thread, message) {
  const known = thread.messages.get(message.seq);
  // A frame may know less than an answer: what it does not mention stays.
  const decision = message.decision ?? known?.decision ?? null;
  thread.messages.set(message.seq, { ...known, ...message, decision });
  thread.lastSeq = Math.max(thread.lastSeq, message.seq);
  thread.firstSeq = Math.min(thread.firstSeq, message.seq);
}

/** Take over a page of earlier messages, which ends right before the first one held. */
export function mergeEarlier(thread, messages, hasMore) {
  for (const message of [...messages].sort((a, b) => b.seq - a.seq)) {
    if (thread.firstSeq === null || message.seq === thread.firstSeq - 1)
      mergeMessages(thread, [message]);
  }
  thread.hasEarlier = hasMore && thread.firstSeq > 1;
}

/** Take over notes; returns true if some between are missing. */
export function mergeNotes(thread, notes) {
  let gap = false;
  for (const note of [...notes].sort((a, b) => a.number - b.number)) {
    if (note.number > thread.lastNote + 1) gap = true;
    else {
      thread.notes.set(note.number, { ...thread.notes.get(note.number), ...note });
      thread.lastNote = Math.max(thread.lastNote, note.number);
    }
  }
  return gap;
}

/** Return messages and the notes between them, oldest first. */
export function utterances(thread) {
  const items = [...thread.messages.values()].map((message) => ({
    kind: "message",
    key: `m${message.seq}`,
    place: [message.seq, 0],
    value: message,
  }));
  for (const note of thread.notes.values()) {
    if (thread.hasEarlier && note.after_seq < thread.firstSeq) continue;
    items.push({
      kind: "note",
      key: `n${note.number}`,
      place: [note.after_seq, note.number],
      value: note,
    });
  }
  return items.sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1]);
}

/** Return the seq after which to ask again, so that marks of own recent messages are renewed. */
export function renewalFloor(thread) {
  const from = Math.max(thread.firstSeq ?? 1, thread.lastSeq - 50);
  for (let seq = from; seq <= thread.lastSeq; seq += 1) {
    const message = thread.messages.get(seq);
    if (message?.author.kind === "agent" && message.status !== "read") return seq - 1;
  }
  return thread.lastSeq;
}

/** Return the visitor's first and last question: from what is held, as far as it is held. */
export function questions(thread) {
  let first = thread.firstQuestion;
  let last = null;
  for (let seq = thread.firstSeq ?? 1; seq <= thread.lastSeq; seq += 1) {
    const message = thread.messages.get(seq);
    if (message?.author.kind !== "customer" || !message.text) continue;
    if (!first && !thread.hasEarlier) first = message;
    last = message;
  }
  return { first, last };
}

/** Mark agents' messages up to a place as read by the visitor. */
export function markReadUpTo(thread, seq) {
  for (const [number, message] of thread.messages) {
    if (number <= seq && message.author.kind === "agent" && message.status !== "read") {
      thread.messages.set(number, { ...message, status: "read" });
    }
  }
}

/** Mark agents' messages up to a place as delivered to the visitor's device, unless they are read. */
export function markDeliveredUpTo(thread, seq) {
  for (const [number, message] of thread.messages) {
    if (number <= seq && message.author.kind === "agent" && message.status === "sent") {
      thread.messages.set(number, { ...message, status: "delivered" });
    }
  }
}

/** Take over messages that were withdrawn, of those held. */
export function mergeWithdrawn(thread, messages = []) {
  for (const message of messages) {
    if (thread.messages.has(message.seq)) put(thread, message);
  }
}

/** Return the seq of the last message by this kind of author, or 0. */
export function lastSeqBy(thread, kind) {
  for (let seq = thread.lastSeq; seq >= (thread.firstSeq ?? 1); seq -= 1) {
    if (thread.messages.get(seq)?.author.kind === kind) return seq;
  }
  return 0;
}

/** Return the seq of the visitor's first message after those read, or null if there is none. */
export function unreadStart(thread, readSeq) {
  for (let seq = Math.max(readSeq + 1, thread.firstSeq ?? 1); seq <= thread.lastSeq; seq += 1) {
    if (thread.messages.get(seq)?.author.kind === "customer") return seq;
  }
  return null;
}
