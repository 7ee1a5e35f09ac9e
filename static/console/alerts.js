/** Calls the agent: sound, title, tab mark and desktop notice, until the waiting are taken or seen. */
import { badge } from "./favicon.js";
import { t } from "./i18n.js";
import { announce } from "./overlay.js";
import { setting } from "./settings.js";
import { isMine, ringsAtMe, state, subscribe, waitingRows } from "./store.js";
import { playCall, playKnock } from "./tones.js";

const REPEAT_MS = 10_000;
const NOTICE_AGAIN_MS = 30_000;
// Who has looked at somebody waiting is left in peace for so long, and then called again.
const LOOKED_MS = 60_000;
const LOCK = "yingda-console-alerts";

const seen = new Map();
const told = new Set();
const heard = new Map();
let speaks = !navigator.locks;
let lastCall = 0;
let lastNotice = 0;
let flash = false;
let plainTitle = "";
let icon = "";
let open = () => {};

/** Begin to watch the queue; `onOpen(id)` shows a conversation whose notice was clicked. */
export function startAlerts(onOpen) {
  open = onOpen;
  plainTitle = document.title;
  icon = document.querySelector("link[rel=icon]").dataset.plain;
  // Of several console tabs of one person only the holder of the lock makes noise.
  navigator.locks?.request(LOCK, () => {
    speaks = true;
    return new Promise(() => {});
  });
  subscribe(["rows", "list", "open", "me"], look);
}

/** Return whether the browser can show desktop notices, and whether it may. */
export function noticePermission() {
  return "Notification" in window ? Notification.permission : "unsupported";
}

/** Ask the person for leave to show desktop notices. */
export async function askForNotices() {
  return "Notification" in window ? Notification.requestPermission() : "unsupported";
}

/** Count the conversation as seen: it does not ring for a minute. */
export function markSeen(id) {
  seen.set(id, Date.now());
}

/** Sound, and show a desktop notice, that a conversation needs somebody; unless left in peace. */
export function callAbout(tag, title, id) {
  if (!mayCall() || !speaks) return;
  playKnock();
  notify(`notice-${tag}`, title, "", id);
}

const wasSeen = (id) => Date.now() - (seen.get(id) ?? -Infinity) < LOOKED_MS;

// Where agents are asked one after the other, only the one who is asked hears it.
function callingRows() {
  return waitingRows().filter((row) => {
    if (row.offer) return ringsAtMe(row);
    return !row.group?.auto_assign;
  });
}

function unseen() {
  return callingRows().filter((row) => !wasSeen(row.id) || ringsAtMe(row));
}

// Online rings until somebody takes, busy is told once or not at all, the others are left in peace.
const mayCall = () =>
  state.presence === "online" || (state.presence === "busy" && !setting("quietBusy"));

function look() {
  if (state.openId && !seen.has(state.openId)) markSeen(state.openId);
  const waiting = new Set();
  for (const row of callingRows()) {
    waiting.add(row.id);
    if (told.has(row.id) || (wasSeen(row.id) && !ringsAtMe(row))) continue;
    told.add(row.id);
    callFor(row);
  }
  for (const id of told) {
    if (waiting.has(id)) continue;
    // One that waits again later calls again.
    told.delete(id);
    if (id !== state.openId) seen.delete(id);
  }
  listenToVisitors();
  showCount();
}

function callFor(row) {
  if (!mayCall()) return;
  const name = row.contact.name || t("contact.anonymous");
  announce(t("alert.waiting", { name }));
  ring();
  lastNotice = Date.now();
  notify(
    `queue-${row.id}`,
    t("alert.waiting", { name }),
    row.reason_label ?? row.channel.name,
    row.id,
  );
}

function ring() {
  const now = Date.now();
  if (!speaks || now - lastCall < 1500) return;
  lastCall = now;
  playCall();
}

/** Call the agent once for something of their own: sound and desktop notice. */
export function call(tag, text, id) {
  if (!speaks || !mayCall()) return;
  playKnock();
  notify(tag, text, "", id);
}

function listenToVisitors() {
  for (const row of state.rows.values()) {
    const before = heard.get(row.id);
    heard.set(row.id, row.last_seq);
    if (before === undefined || row.last_seq <= before) continue;
    if (!isMine(row) || row.status !== "human" || row.last_author !== "customer") continue;
    if (document.hasFocus() && row.id === state.openId) continue;
    if (!speaks || (state.presence === "busy" && setting("quietBusy"))) continue;
    playKnock();
    notify(
      `mine-${row.id}`,
      t("alert.message", { name: row.contact.name || t("contact.anonymous") }),
      row.channel.name,
      row.id,
    );
  }
}

// The visitor's words stay off the desktop, where anybody may look.
function notify(tag, title, body, id) {
  if (!speaks || !setting("notifications") || noticePermission() !== "granted") return;
  if (document.hasFocus()) return;
  try {
    const notice = new Notification(title, { body, tag, icon, silent: true, renotify: true });
    notice.addEventListener("click", () => {
      window.focus();
      notice.close();
      open(id);
    });
  } catch {
    // Phones allow notices only from a service worker; sound and title remain.
  }
}

function unreadMine() {
  let count = 0;
  for (const row of state.rows.values())
    if (isMine(row) && row.status === "human" && row.unread > 0) count += 1;
  return count;
}

function showCount() {
  const waiting = waitingRows().length;
  badge(waiting + unreadMine());
  if (unseen().length === 0 || !mayCall()) showTitle();
}

function showTitle() {
  const count = waitingRows().length + unreadMine();
  const title = count > 0 ? `(${count}) ${plainTitle}` : plainTitle;
  if (document.title !== title) document.title = title;
}

/** Repeat the call and flash the title; to be called every second. */
export function tickAlerts() {
  const waiting = unseen();
  if (waiting.length === 0 || !mayCall()) {
    flash = false;
    return showTitle();
  }
  flash = !flash;
  if (flash) document.title = t("alert.title", { n: waiting.length });
  else showTitle();
  if (state.presence !== "online") return;
  if (Date.now() - lastCall >= REPEAT_MS) ring();
  if (Date.now() - lastNotice >= NOTICE_AGAIN_MS) remind(waiting[0]);
}

function remind(row) {
  lastNotice = Date.now();
  const name = row.contact.name || t("contact.anonymous");
  const since = Math.max(0, Math.floor((Date.now() - Date.parse(row.waiting_since)) / 60_000));
  notify(
    `queue-${row.id}`,
    t("alert.still_waiting", { name, m: since }),
    row.reason_label ?? row.channel.name,
    row.id,
  );
}
