/** What the page knows: who is signed in, the lists and their rows. Changes are told by topic. */

/** Everything on screen is drawn from here; only this module's functions and sync.js write it. */
export const state = {
  me: null,
  presence: "offline",
  colleagues: new Map(),
  // connecting | live | waiting (to reconnect) | signed_out | refused
  link: { phase: "connecting", retryAt: 0, polling: false },
  rows: new Map(),
  details: new Map(),
  list: freshList("queue", ""),
  counts: { queue: null, mine: null, snoozed: null, group: null, all: null },
  // Who is there to be called, and how the tenant wraps up.
  desk: {
    people: [],
    channels: [],
    wrap_up: { demand: "optional", categories: [] },
    mentions_unread: 0,
  },
  openId: null,
  // The open conversation, once the socket watches it.
  watchedId: null,
  cursorId: null,
};

const stamps = new Map();
const listeners = new Map();
const pending = new Set();
let sorted = null;

/** Call the listener after something of these topics changed; several changes make one call. */
export function subscribe(topics, listener) {
  for (const topic of topics) {
    if (!listeners.has(topic)) listeners.set(topic, new Set());
    listeners.get(topic).add(listener);
  }
}

/**
 * Tell that something of a topic changed: me, desk, link, list, rows, open, watched, thread, detail,
 * composer, viewing.
 */
export function changed(...topics) {
  if (topics.includes("rows") || topics.includes("list")) sorted = null;
  if (pending.size === 0) queueMicrotask(tell);
  for (const topic of topics) pending.add(topic);
}

function tell() {
  const called = new Set();
  for (const topic of pending) {
    for (const listener of listeners.get(topic) ?? []) called.add(listener);
  }
  pending.clear();
  for (const listener of called) listener();
}

/** Return an empty list, about to load. */
export function freshList(name, query) {
  return { name, query, ids: new Set(), pages: 1, next: null, phase: "loading", error: null };
}

/** Return whether this row is held by the signed-in person. */
export function isMine(row) {
  return Boolean(row?.agent && state.me && row.agent.id === state.me.member.id);
}

/** Return whether the signed-in person may take, reply and close; operators may only look. */
export function mayHandle() {
  return state.me?.member.can_handle !== false;
}

/** Return whether a waiting row rings at the signed-in person. */
export function ringsAtMe(row) {
  return Boolean(row?.offer && state.me && row.offer.to === state.me.member.id);
}

/** Return the rows that ring at the signed-in person, the first to end first. */
export function myOffers() {
  return [...state.rows.values()]
    .filter((row) => row.status === "waiting_human" && ringsAtMe(row))
    .sort((a, b) => time(a.offer.until) - time(b.offer.until));
}

function worksIn(group) {
  return Boolean(group && state.me?.groups.some((one) => one.id === group.id));
}

/** Forget a row that is no longer to be seen. */
export function dropRow(id) {
  const before = state.rows.get(id);
  if (!before || id === state.openId) return;
  for (const name of Object.keys(state.counts)) {
    if (state.counts[name] && belongs(before, name)) state.counts[name] -= 1;
  }
  state.rows.delete(id);
  state.list.ids.delete(id);
  changed("rows", "list");
}

/** Return since when somebody waits for a person's word: in the queue, or with an agent. */
export function waitingSince(row) {
  // Who waits over there waits in no queue of ours.
  if (row.elsewhere?.held) return null;
  if (row.waiting_since) return row.waiting_since;
  return row.status === "human" && row.last_author === "customer" ? row.last_at : null;
}

/** Return whether a row belongs to a list by its state alone. */
function belongs(row, name) {
  // A conversation in which nothing was said yet is in no list.
  if (row.last_seq === 0) return false;
  if (name === "queue") return row.status === "waiting_human" && !row.elsewhere?.held;
  if (name === "mine") return row.status === "human" && isMine(row) && !row.snoozed_until;
  if (name === "snoozed") return row.status === "human" && isMine(row) && Boolean(row.snoozed_until);
  if (name === "closed") return row.status === "closed";
  if (name === "group") return row.status !== "closed" && worksIn(row.group);
  return row.status !== "closed";
}

const time = (iso) => Date.parse(iso ?? 0) || 0;
const newestFirst = (a, b) => time(b.last_at) - time(a.last_at) || order(a.id, b.id);
const order = (a, b) => (a < b ? -1 : Number(a > b));

function longestWaitFirst(a, b) {
  const [first, second] = [waitingSince(a), waitingSince(b)];
  if (Boolean(first) !== Boolean(second)) return first ? -1 : 1;
  if (!first) return newestFirst(a, b);
  return time(first) - time(second) || order(a.id, b.id);
}

function comparator(name) {
  return name === "queue" || name === "mine" ? longestWaitFirst : newestFirst;
}

/** Return the rows of the current list in their order: the longest wait first where people wait. */
export function listedRows() {
  // Scrolling asks for them many times between two changes.
  sorted ??= [...state.list.ids]
    .map((id) => state.rows.get(id))
    .filter(Boolean)
    .sort(comparator(state.list.name));
  return sorted;
}

/** Return the conversations that wait for a person, the longest wait first. */
export function waitingRows() {
  return [...state.rows.values()].filter((row) => belongs(row, "queue")).sort(longestWaitFirst);
}

/** Take over a row that just arrived by the socket; what it says is newer than any running fetch. */
export function putRow(row) {
  const before = state.rows.get(row.id);
  stamps.set(row.id, performance.now());
  state.rows.set(row.id, row);
  shiftCounts(before, row);
  place(row);
  changed("rows", "list");
}

/** Change some fields of a known row. */
export function patchRow(id, fields) {
  const row = state.rows.get(id);
  if (row) putRow({ ...row, ...fields });
}

function shiftCounts(before, after) {
  if (!before) return;
  for (const name of Object.keys(state.counts)) {
    if (state.counts[name] === null) continue;
    const step = Number(belongs(after, name)) - Number(belongs(before, name));
    state.counts[name] = Math.max(0, state.counts[name] + step);
  }
}

function place(row) {
  const { ids, name, query, next, phase } = state.list;
  if (phase !== "ready") return;
  // A searched list shows what was found, whatever becomes of it.
  if (query) return;
  if (!belongs(row, name)) ids.delete(row.id);
  else if (!ids.has(row.id) && (next === null || precedesEnd(row))) ids.add(row.id);
}

function precedesEnd(row) {
  const last = listedRows().at(-1);
  return !last || comparator(state.list.name)(row, last) < 0;
}

/**
 * Take over one page of a list that was asked for at `askedAt` (performance.now()).
 *
 * Rows that a socket changed since then are kept. A first page also says what is no longer there:
 * known rows that would stand within it and do not are dropped from the list.
 */
export function putPage(name, query, page, { askedAt, first }) {
  for (const row of page.conversations) {
    if ((stamps.get(row.id) ?? -1) < askedAt) state.rows.set(row.id, row);
  }
  if (page.counts) Object.assign(state.counts, page.counts);
  if (first && !query) forgetGone(name, page, askedAt);
  const list = state.list;
  if (name === list.name && query === list.query) extendList(list, page, { askedAt, first });
  changed("rows", "list");
}

function extendList(list, page, { askedAt, first }) {
  const whole = first && page.next === null;
  if (whole || list.phase !== "ready") list.ids = new Set();
  for (const row of page.conversations) {
    if (list.query || belongs(state.rows.get(row.id), list.name)) list.ids.add(row.id);
  }
  if (!list.query) addFresh(list, askedAt);
  // Pages loaded by scrolling stay: a renewed beginning does not move the end.
  if (!first) list.pages += 1;
  else if (whole || list.phase !== "ready") list.pages = 1;
  if (!first || list.pages === 1) list.next = page.next ?? null;
  list.phase = "ready";
  list.error = null;
}

function forgetGone(name, page, askedAt) {
  const listed = new Set(page.conversations.map((row) => row.id));
  const end = page.next === null ? null : state.rows.get(page.conversations.at(-1)?.id);
  for (const row of [...state.rows.values()]) {
    if (listed.has(row.id) || !belongs(row, name) || (stamps.get(row.id) ?? -1) >= askedAt)
      continue;
    if (end && comparator(name)(row, end) >= 0) continue;
    if (name === state.list.name) state.list.ids.delete(row.id);
    // It left this list unseen, so its state is unknown until another answer names it.
    if (row.id !== state.openId) state.rows.delete(row.id);
  }
}

function addFresh(list, askedAt) {
  for (const [id, stamp] of stamps) {
    const row = state.rows.get(id);
    if (row && stamp >= askedAt && belongs(row, list.name)) list.ids.add(id);
  }
}

/** Remember a colleague's presence, or one's own as another tab or the server set it. */
export function putColleague({ member_id: id, name, status, rested = false }) {
  if (state.me && id === state.me.member.id) {
    state.presence = status;
    state.me.rested = rested;
  } else state.colleagues.set(id, { name, status });
  changed("me");
}

/** Return the next or previous row's id in the current list, for the keyboard. */
export function neighbour(id, step) {
  const rows = listedRows();
  if (rows.length === 0) return null;
  const at = rows.findIndex((row) => row.id === id);
  if (at === -1) return rows[step > 0 ? 0 : rows.length - 1].id;
  return rows[Math.min(rows.length - 1, Math.max(0, at + step))].id;
}
