/** Who looks at the same conversation: told by the sockets, forgotten when they fall silent. */
import { changed, state, subscribe } from "./store.js";

const EVERY_MS = 20_000;
const OVER_MS = 45_000;
const ANSWER_MS = 2_000;

// conversation -> member -> {name, until}
const seen = new Map();
let send = () => false;
let told = { id: null, at: 0 };

/** Begin to say what one looks at; `sendFrame(frame)` returns success. */
export function startViewing(sendFrame) {
  send = sendFrame;
  subscribe(["open", "watched"], () => tell());
  setInterval(() => {
    tell({ again: true });
    forgetSilent();
  }, EVERY_MS);
}

function tell({ again = false } = {}) {
  const id = state.watchedId;
  if (!id || document.visibilityState === "hidden") return;
  if (!again && told.id === id && performance.now() - told.at < ANSWER_MS) return;
  if (send({ t: "viewing", conversation_id: id, on: true }))
    told = { id, at: performance.now() };
}

/** Take over that a colleague looks at a conversation, or no longer. */
export function takeViewing({ conversation_id: id, member, on }) {
  if (member.id === state.me?.member?.id) {
    // Another window of one's own was closed; this one is still here.
    if (!on) tell();
    return;
  }
  const people = seen.get(id) ?? new Map();
  const isNew = on && !people.has(member.id);
  if (on) people.set(member.id, { name: member.name, until: Date.now() + OVER_MS });
  else people.delete(member.id);
  seen.set(id, people);
  // Who has just come does not know yet who is here.
  if (isNew && id === state.watchedId) tell();
  changed("viewing");
}

function forgetSilent() {
  for (const [id, people] of seen) {
    for (const [key, person] of people) if (person.until < Date.now()) people.delete(key);
    if (people.size === 0) seen.delete(id);
  }
  changed("viewing");
}

/** Return the names of the colleagues who look at a conversation now. */
export function viewersOf(id) {
  return [...(seen.get(id)?.values() ?? [])].map((person) => person.name).sort();
}
