/** Keeps threads equal to the database: asks again after every hint, on focus and every 25 s. */
import * as api from "./api.js";
import { refreshList, refreshQueue } from "./listing.js";
import { clearArrived, whenGap } from "./outbox.js";
import { changed, isMine, patchRow, putColleague, putRow, state } from "./store.js";
import {
  knownThread,
  lastSeqBy,
  mergeEarlier,
  mergeMessages,
  mergeNotes,
  mergeWithdrawn,
  renewalFloor,
  threadOf,
  unreadStart,
} from "./threads.js";
import { learnServerTime } from "./time.js";

const PAGE = 50;
const RESYNC_MS = 25_000;
const POLL_MS = 5_000;

let socket = null;
let watched = null;

/** Use this socket to say which conversation is open. */
export function useSocket(opened) {
  socket = opened;
}

/** Learn who is signed in; raises ApiError. */
export async function loadMe() {
  const sentAt = Date.now();
  const me = await api.getMe();
  learnServerTime(me.server_time, sentAt);
  state.me = me;
  state.presence = me.presence;
  for (const colleague of me.colleagues ?? []) putColleague(colleague);
  changed("me", "list", "thread", "detail");
  return me;
}

/** Learn who one's colleagues are, how the tenant wraps up, and what is unread. */
export async function loadDesk() {
  try {
    Object.assign(state.desk, await api.getDesk());
    changed("desk");
  } catch (error) {
    ignoreApiError(error);
  }
}

/** Open a conversation, or none with null. */
export async function openConversation(id) {
  if (state.openId === id) return;
  state.openId = id;
  changed("open", "list", "thread", "detail", "composer");
  rewatch();
  if (!id) return;
  const thread = threadOf(id);
  const readSeq = readBefore(id);
  thread.unreadFrom = null;
  if (thread.phase === "ready") {
    await Promise.all([loadDetail(id).catch(ignoreApiError), syncThread(id)]);
    thread.unreadFrom = readSeq === null ? null : unreadStart(thread, readSeq);
    changed("thread");
  } else await loadThread(id);
}

// In the queue everything is unread and a mark would say nothing.
function readBefore(id) {
  const row = state.rows.get(id);
  return isMine(row) && row.unread > 0 ? row.last_seq - row.unread : null;
}

/** Load a thread that is not there yet: its latest messages, all its notes, its detail. */
export async function loadThread(id) {
  const thread = threadOf(id);
  thread.phase = "loading";
  changed("thread");
  try {
    // The newest page is asked for by its end, which the row knows; without a row the detail does.
    const detail = loadDetail(id);
    const lastSeq = state.rows.get(id)?.last_seq ?? (await detail).last_seq;
    const readSeq = readBefore(id);
    const answer = await api.getMessages(id, { beforeSeq: lastSeq + 1, afterNote: 0, limit: PAGE });
    if (thread.phase === "loading") {
      mergeMessages(thread, answer.messages);
      mergeNotes(thread, answer.notes);
      thread.hasEarlier = answer.has_more && (thread.firstSeq ?? 1) > 1;
      thread.readSeq = readSeq ?? thread.lastSeq;
      thread.unreadFrom = readSeq === null ? null : unreadStart(thread, readSeq);
      thread.phase = "ready";
      clearArrived(thread);
    }
    changed("thread", "detail");
    await detail;
    await syncThread(id);
    rewatch();
    if (thread.hasEarlier) await loadFirstQuestion(thread);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    thread.phase = thread.phase === "ready" ? "ready" : "failed";
    thread.error = error;
    changed("thread");
  }
}

async function loadFirstQuestion(thread) {
  const answer = await api.getMessages(thread.id, {
    afterSeq: 0,
    afterNote: thread.lastNote,
    limit: 10,
  });
  thread.firstQuestion =
    answer.messages.find((message) => message.author.kind === "customer") ?? null;
  changed("detail");
}

/** Ask again for the hand-off, contact and state of a conversation. */
export async function loadDetail(id) {
  const detail = await api.getConversation(id);
  state.details.set(id, detail);
  const { handoff, contact_detail: contact, earlier, ...row } = detail;
  putRow(row);
  changed("detail", "composer");
  return detail;
}

/** Let a failed answer pass; anything else is a fault and stays one. */
export function ignoreApiError(error) {
  // The next resync asks again.
  if (!(error instanceof api.ApiError)) throw error;
}

const running = new Map();

/**
 * Ask for everything after what is held of a thread; calls while one runs make one more.
 *
 * With `renew` the marks (delivered, read) of one's own recent messages are asked for as well.
 */
export function syncThread(id, { renew = false } = {}) {
  const run = running.get(id);
  if (run) {
    run.again = true;
    run.renew ||= renew;
    return run.done;
  }
  const job = { again: false, renew, done: null };
  running.set(id, job);
  job.done = syncLoop(id, job).finally(() => running.delete(id));
  return job.done;
}

async function syncLoop(id, job) {
  const thread = threadOf(id);
  if (thread.phase !== "ready") return;
  do {
    job.again = false;
    let floor = job.renew ? renewalFloor(thread) : thread.lastSeq;
    job.renew = false;
    for (;;) {
      let answer;
      try {
        answer = await api.getMessages(id, {
          afterSeq: floor,
          afterNote: thread.lastNote,
          limit: 100,
        });
      } catch (error) {
        if (error instanceof api.ApiError) return;
        throw error;
      }
      mergeMessages(thread, answer.messages);
      mergeWithdrawn(thread, answer.withdrawn);
      mergeNotes(thread, answer.notes);
      clearArrived(thread);
      changed("thread", "detail");
      const reached = answer.messages.at(-1)?.seq ?? floor;
      if (!answer.has_more || reached <= floor) break;
      floor = reached;
    }
  } while (job.again);
}

let loadingEarlier = false;

/** Load the page before the first message held. */
export async function loadEarlier(id) {
  const thread = threadOf(id);
  if (loadingEarlier || !thread.hasEarlier || thread.phase !== "ready") return;
  loadingEarlier = true;
  try {
    const answer = await api.getMessages(id, {
      beforeSeq: thread.firstSeq,
      afterNote: thread.lastNote,
      limit: PAGE,
    });
    mergeEarlier(thread, answer.messages, answer.has_more);
    changed("thread", "detail");
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
  } finally {
    loadingEarlier = false;
  }
}

/** Say that everything held of the open conversation was read. */
export function markRead(id) {
  const thread = knownThread(id);
  const row = state.rows.get(id);
  // The visitor sees "read" only from the agent who looks after the conversation.
  if (thread?.phase !== "ready" || !isMine(row)) return;
  const seq = lastSeqBy(thread, "customer");
  if (seq <= thread.readSeq) return;
  thread.readSeq = seq;
  if (row.unread) patchRow(id, { unread: 0 });
  api.postRead(id, thread.lastSeq).catch(() => {
    thread.readSeq = 0;
  });
}

/** Say again what is open: a new socket knows nothing. */
export function watchAnew() {
  watched = null;
  rewatch();
}

function rewatch() {
  if (watched && watched !== state.openId) {
    socket?.send({ t: "unwatch", conversation_id: watched });
    watched = null;
    state.watchedId = null;
  }
  const thread = state.openId ? threadOf(state.openId) : null;
  if (!thread || thread.phase !== "ready") return;
  watched = thread.id;
  socket?.send({
    t: "watch",
    conversation_id: thread.id,
    last_seq: thread.lastSeq,
    last_note: thread.lastNote,
  });
  state.watchedId = watched;
  changed("watched");
}

/** Ask again for everything on screen. */
export function resync() {
  refreshList();
  refreshQueue();
  loadDesk();
  if (!state.openId) return;
  const thread = threadOf(state.openId);
  if (thread.phase === "ready") {
    syncThread(state.openId, { renew: true });
    loadDetail(state.openId).catch(ignoreApiError);
  } else if (thread.phase === "failed") loadThread(state.openId);
}

/** Begin to ask again: every 25 s, on focus, when the network returns, every 5 s without a socket. */
export function startResync() {
  whenGap((id) => syncThread(id));
  setInterval(() => {
    if (!state.link.polling) resync();
  }, RESYNC_MS);
  setInterval(() => {
    if (state.link.polling) resync();
  }, POLL_MS);
  // Without a socket this is how the server hears that the agent is still there.
  setInterval(() => {
    if (state.link.polling) loadMe().catch(ignoreApiError);
  }, RESYNC_MS);
  let attended = 0;
  const attend = () => {
    // Coming back fires visibilitychange and focus together.
    if (document.visibilityState !== "visible" || performance.now() - attended < 500) return;
    attended = performance.now();
    socket?.retryNow();
    resync();
  };
  document.addEventListener("visibilitychange", attend);
  addEventListener("focus", attend);
  addEventListener("online", attend);
  addEventListener("pageshow", (event) => event.persisted && attend());
}
