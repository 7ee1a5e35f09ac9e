/** Puts the console together and starts it. */
import { canReply, take } from "./actions.js";
import { markSeen, startAlerts, tickAlerts } from "./alerts.js";
import { ApiError, whenSignedOut } from "./api.js";
import { startBoard } from "./board.js";
import { toggleChoosing } from "./bulk.js";
import { startCanned } from "./canned.js";
import {
  edit,
  focusReply,
  openCanned,
  putAnswer,
  sendAnswer,
  setMode,
  startComposer,
} from "./composer.js";
import { startContext } from "./context.js";
import { part } from "./dom.js";
import { takeFrame } from "./frames.js";
import { closeOpen, snoozeOpen } from "./head.js";
import { startHeader } from "./header.js";
import { t, useLanguage } from "./i18n.js";
import { keyHelp, startKeys } from "./keys.js";
import { startKnowledge } from "./knowledge-panel.js";
import {
  focusList,
  focusSearch,
  moveCursor,
  openCursor,
  restoreList,
  startList,
  switchList,
} from "./list.js";
import { openMentions, startMentions } from "./mentions.js";
import { acceptFirst, declineFirst, startOffers, tickOffers } from "./offer.js";
import { dialog, toast } from "./overlay.js";
import { buildPreferences } from "./preferences.js";
import { goTo, startRoute } from "./route.js";
import { startSearch } from "./search.js";
import { choose, setting } from "./settings.js";
import { openSocket } from "./socket.js";
import { changed, state, waitingRows } from "./store.js";
import { startSuggestions } from "./suggestion.js";
import { loadDesk, loadMe, openConversation, startResync, useSocket } from "./sync.js";
import { focusThread, showLatest, showPlace, startThread, takeOpen } from "./thread.js";
import { startTicketCard } from "./ticket-card.js";
import { newTicket, startTicketDialog } from "./ticket-dialog.js";
import { openTicket, openTickets, startTickets } from "./tickets.js";
import { useZone } from "./time.js";
import { openTransfer, startTransfer } from "./transfer.js";
import { startViewing } from "./viewing.js";
import { tickWaits } from "./waits.js";

const SOCKET = "/ws/console/v1/";
const ME_AGAIN_MS = 5_000;

const columns = part("columns");
const narrow = matchMedia("(max-width: 699px)");
const cramped = matchMedia("(max-width: 1099px)");
let socket = null;

useLanguage(document.documentElement.dataset.locale);

function setLink(link) {
  // A signed-out answer of REST outlives whatever the socket says afterwards.
  if (state.link.phase === "signed_out") return;
  state.link = link;
  changed("link");
}

whenSignedOut(() => {
  socket?.stop();
  setLink({ phase: "signed_out", retryAt: 0, polling: false });
});

function openRow(id, { byKey }) {
  goTo(id);
  if (byKey) focusThread();
  else if (!narrow.matches) queueMicrotask(focusReply);
}

async function takeById(id) {
  markSeen(id);
  if (id !== state.openId) goTo(id);
  if (!(await take(id))) return;
  if (state.list.name === "queue") switchList("mine");
  focusReply();
}

function showRoute(id) {
  if (id) {
    state.cursorId = id;
    markSeen(id);
  }
  columns.dataset.view = id ? "thread" : "list";
  if (cramped.matches) showContext(false, { keep: false });
  openConversation(id);
}

function showContext(open, { keep = true } = {}) {
  columns.dataset.context = open ? "open" : "closed";
  if (keep && !cramped.matches) choose({ context: open });
}

const contextIsOpen = () => columns.dataset.context === "open";

function back() {
  if (cramped.matches && contextIsOpen()) return showContext(false);
  goTo(null);
  focusList();
}

function toggleLists() {
  const closed = columns.dataset.lists === "closed";
  columns.dataset.lists = closed ? "open" : "closed";
  part("lists-toggle").setAttribute("aria-expanded", String(closed));
}

const openKeys = dialog("keys-dialog", t("keys.title"), keyHelp);
const openSettings = dialog("settings-dialog", t("settings.title"), buildPreferences);

startTransfer({ onTake: goTo });
startOffers({ onAccept: takeById, onOpen: goTo });
const showBoard = startBoard({
  onOpen: goTo,
  onWhisper: (id) => {
    goTo(id);
    setMode("note", { focus: true });
  },
});
const openKnowledge = startKnowledge({ onUse: putAnswer, onSend: sendAnswer });
const openSearch = startSearch((id, place) => {
  goTo(id);
  showPlace(place);
});

// The one who has waited longest, of those that are not open already.
function openNextWaiting() {
  const next = waitingRows().find((row) => row.id !== state.openId);
  if (next) openRow(next.id, { byKey: true });
  else toast(t("empty.queue"), "info");
}

startHeader({
  openSettings,
  openKeys,
  openBoard: showBoard,
  openTickets,
  onRetry: () => socket?.retryNow(),
});
startMentions(goTo);
startCanned();
startList(openRow, openSearch);
startThread({
  onBack: back,
  onContext: () => showContext(!contextIsOpen()),
  onTake: takeById,
  onEdit: edit,
});
startComposer({
  onTake: takeById,
  onSent: showLatest,
  onLeave: focusThread,
  onKnowledge: openKnowledge,
  sendFrame: (frame) => socket?.send(frame) ?? false,
});
startContext({ onClose: () => showContext(false) });
startAlerts(goTo);
startSuggestions();
startViewing((frame) => socket?.send(frame) ?? false);
startTickets(goTo);
startTicketDialog(openTicket);
startTicketCard(openTicket);
startKeys({
  j: () => moveCursor(1),
  k: () => moveCursor(-1),
  Enter: openCursor,
  t: () =>
    state.openId
      ? takeOpen().then((done) => done && focusReply())
      : state.cursorId && takeById(state.cursorId),
  r: focusReply,
  n: () => state.openId && setMode("note", { focus: true }),
  p: openCanned,
  b: openKnowledge,
  s: snoozeOpen,
  x: closeOpen,
  q: openNextWaiting,
  m: openMentions,
  f: openSearch,
  v: toggleChoosing,
  Escape: back,
  "/": focusSearch,
  i: () => showContext(!contextIsOpen()),
  "?": openKeys,
  a: acceptFirst,
  d: declineFirst,
  o: () => canReply(state.rows.get(state.openId)) && openTransfer(state.openId),
  "g b": showBoard,
  "g g": () => state.me?.groups.length && switchList("group"),
  "g q": () => switchList("queue"),
  "g m": () => switchList("mine"),
  "g s": () => switchList("snoozed"),
  "g a": () => switchList("all"),
  "g c": () => switchList("closed"),
  "g t": openTickets,
  w: newTicket,
});
part("lists-toggle").addEventListener("click", toggleLists);
cramped.addEventListener("change", () =>
  showContext(!cramped.matches && setting("context"), { keep: false }),
);
showContext(!cramped.matches && setting("context"), { keep: false });

function tick() {
  tickWaits();
  tickAlerts();
  tickOffers();
  socket.beat();
}

function startTicking() {
  try {
    const worker = new Worker(new URL("./ticker.js", import.meta.url));
    worker.addEventListener("message", tick);
    worker.addEventListener("error", () => setInterval(tick, 1000), { once: true });
  } catch {
    setInterval(tick, 1000);
  }
}

async function begin() {
  try {
    const me = await loadMe();
    useZone(me.tenant.time_zone);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isSignedOut) return;
    if (error.status === 403) return setLink({ phase: "refused", retryAt: 0, polling: false });
    setLink({ phase: "waiting", retryAt: Date.now() + ME_AGAIN_MS, polling: false });
    setTimeout(begin, ME_AGAIN_MS);
    return;
  }
  socket = openSocket(SOCKET, { frame: takeFrame, link: setLink });
  useSocket(socket);
  loadDesk();
  restoreList();
  // A mail names the ticket in the address.
  const named = location.hash.match(/^#\/t\/([\w-]+)$/);
  startRoute(showRoute);
  if (named) openTicket(named[1]);
  startResync();
  startTicking();
  document.documentElement.dataset.ready = "true";
}

begin();
