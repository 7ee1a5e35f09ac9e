/** The conversation in the middle: its head with the actions, and all that was said, in order. */
import { canStepIn, canTake, take } from "./actions.js";
import { fill, h, part } from "./dom.js";
import { startHead } from "./head.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { state, subscribe } from "./store.js";
import { loadEarlier, loadThread, markRead } from "./sync.js";
import { knownThread } from "./threads.js";
import { isOwn, itemsOf } from "./timeline.js";

const NEAR_BOTTOM_PX = 60;
const NEAR_TOP_PX = 240;

let stream;
let lines;
let pill;
let empty;
let shown = { id: null, keys: new Map(), lastSeq: 0 };
let stuck = true;
let fresh = 0;
let handlers = {};

/** Build the column; handlers: onBack, onContext, onEdit(text, kind). */
export function startThread(given) {
  handlers = given;
  startHead(given);
  lines = h("div", {
    class: "lines",
    role: "log",
    "aria-live": "polite",
    "aria-relevant": "additions",
    "aria-label": t("thread.log"),
  });
  empty = h("div", { class: "thread-empty" });
  stream = h(
    "div",
    { class: "stream", id: "thread", tabindex: -1, on: { scroll: onScroll } },
    empty,
    lines,
  );
  pill = h("button", { type: "button", class: "pill", hidden: true, on: { click: toBottom } });
  fill(part("thread-body"), stream, pill);
  // The keyboard of a phone or a growing composer must not push the last line out of sight.
  new ResizeObserver(() => stuck && toBottom()).observe(stream);
  subscribe(["open", "thread", "me", "composer"], draw);
  addEventListener("focus", readIfSeen);
  document.addEventListener("visibilitychange", readIfSeen);
}

const MOST_PAGES = 40;

/** Show the place of a message (`seq`) or note in the open conversation, however far back. */
export async function showPlace({ seq, note }) {
  const id = state.openId;
  for (let page = 0; page < MOST_PAGES && id === state.openId; page += 1) {
    const thread = knownThread(id);
    const wanted = seq ?? thread?.notes.get(note)?.after_seq;
    if (thread?.phase === "failed") return;
    if (thread?.phase === "ready" && (!thread.hasEarlier || wanted >= thread.firstSeq)) break;
    if (thread?.phase === "ready") await loadEarlier(id);
    else await new Promise((resolve) => setTimeout(resolve, 100));
  }
  if (id !== state.openId) return;
  draw();
  const place = lines.querySelector(seq ? `[data-seq="${seq}"]` : `[data-note="${note}"]`);
  if (!place) return;
  stuck = false;
  place.scrollIntoView({ block: "center" });
  place.classList.add("is-found");
  place.tabIndex = -1;
  place.focus({ preventScroll: true });
  setTimeout(() => place.classList.remove("is-found"), 3_000);
}

/** Put the keyboard focus onto what was said. */
export function focusThread() {
  stream.focus();
}

function draw() {
  const thread = state.openId ? knownThread(state.openId) : null;
  drawEmpty(thread);
  if (shown.id !== state.openId) {
    shown = { id: state.openId, keys: new Map(), lastSeq: 0 };
    lines.replaceChildren();
    stuck = true;
    fresh = 0;
    pill.hidden = true;
  }
  if (thread?.phase !== "ready") return;
  drawLines(thread);
}

function drawEmpty(thread) {
  const row = state.rows.get(state.openId);
  const kind = !state.openId ? "none" : (thread?.phase ?? "loading");
  empty.hidden = kind === "ready" && thread.messages.size + thread.notes.size > 0;
  const signature = `${kind}:${state.openId}:${Boolean(row)}`;
  if (empty.dataset.kind === signature) return;
  empty.dataset.kind = signature;
  if (kind === "none")
    fill(
      empty,
      icon("chat"),
      h("h1", { class: "empty-title" }, t("thread.none")),
      h("p", {}, t("thread.none_hint")),
    );
  else if (kind === "failed") fill(empty, failure(thread));
  else if (kind === "ready") fill(empty, h("p", {}, t("thread.silent")));
  else
    fill(empty, h("span", { class: "hidden-text", role: "status" }, t("thread.loading")), bones());
}

function bones() {
  return ["visitor", "agent", "visitor", "agent"].map((side) =>
    h("div", { class: `bone-say bone-${side}` }),
  );
}

function failure(thread) {
  const gone = thread.error?.status === 404;
  return [
    h("p", { class: "empty-title" }, gone ? t("thread.gone") : t("thread.failed")),
    h("p", {}, gone ? t("thread.gone_hint") : thread.error?.message),
    !gone &&
      h(
        "button",
        { type: "button", class: "button", on: { click: () => loadThread(thread.id) } },
        icon("retry"),
        t("action.retry"),
      ),
  ];
}

/** Take the open conversation, whoever asks: a button or a key. */
export async function takeOpen() {
  const row = state.rows.get(state.openId);
  if (!canTake(row) && !canStepIn(row)) return false;
  return take(row.id);
}

function drawLines(thread) {
  const wasStuck = stuck;
  const first = shown.keys.size === 0;
  const anchor = first ? null : holdPlace();
  const items = itemsOf(thread, handlers.onEdit);
  const keys = new Map();
  let cursor = lines.firstChild;
  for (const { key, signature, build } of items) {
    const known = shown.keys.get(key);
    const element = known?.signature === signature ? known.element : build();
    if (known && known.element !== element) {
      carryOpen(known.element, element);
      if (cursor === known.element) cursor = cursor.nextSibling;
      known.element.remove();
    }
    keys.set(key, { signature, element });
    if (cursor === element) cursor = cursor.nextSibling;
    else lines.insertBefore(element, cursor);
  }
  for (const [key, { element }] of shown.keys) if (!keys.has(key)) element.remove();
  shown.keys = keys;
  countFresh(thread, first, wasStuck);
  if (first && thread.unreadFrom && keys.has("unread")) settleAtUnread(keys.get("unread").element);
  else if (wasStuck || first) toBottom();
  else anchor?.();
  readIfSeen();
  if (stream.scrollHeight <= stream.clientHeight && thread.hasEarlier) loadEarlier(thread.id);
}

// An opened explanation stays open when its message is drawn anew.
function carryOpen(before, after) {
  const opened = before.querySelector?.("details")?.open;
  const details = after.querySelector?.("details");
  if (opened && details) details.open = true;
}

// What one reads keeps its place on screen while lines above it come and go.
function holdPlace() {
  const top = stream.scrollTop;
  // A day mark moves to the new top when an earlier page comes; what was said does not.
  const said = lines.querySelectorAll(":scope > [data-seq], :scope > [data-note]");
  const held = [...said].find((element) => element.offsetTop + element.offsetHeight > top);
  if (!held) return null;
  const distance = held.offsetTop - top;
  return () => {
    if (held.isConnected) stream.scrollTop = held.offsetTop - distance;
  };
}

function settleAtUnread(mark) {
  toBottom();
  const place = mark.offsetTop - 24;
  if (place < stream.scrollTop) {
    stream.scrollTop = place;
    stuck = isNearBottom();
  }
}

function countFresh(thread, first, wasStuck) {
  if (!first && !wasStuck) {
    for (let seq = shown.lastSeq + 1; seq <= thread.lastSeq; seq += 1) {
      const message = thread.messages.get(seq);
      if (message && !isOwn(message)) fresh += 1;
    }
  }
  shown.lastSeq = thread.lastSeq;
  drawPill();
}

function isNearBottom() {
  return stream.scrollHeight - stream.scrollTop - stream.clientHeight < NEAR_BOTTOM_PX;
}

function toBottom() {
  stream.scrollTop = stream.scrollHeight;
  stuck = true;
  fresh = 0;
  drawPill();
}

/** Scroll to the end, as after sending something oneself. */
export function showLatest() {
  toBottom();
}

function drawPill() {
  pill.hidden = stuck || fresh === 0;
  if (!pill.hidden) fill(pill, icon("chevron"), t("thread.fresh", { n: fresh }));
}

function onScroll() {
  stuck = isNearBottom();
  if (stuck) {
    fresh = 0;
    readIfSeen();
  }
  drawPill();
  if (stream.scrollTop < NEAR_TOP_PX && state.openId) loadEarlier(state.openId);
}

function readIfSeen() {
  if (!state.openId || !stuck || document.visibilityState !== "visible" || !document.hasFocus())
    return;
  markRead(state.openId);
}
