/** Asks the server for the lists: their beginning, their next page, another list, a search. */
import { getConversations } from "./api.js";
import { changed, freshList, putPage, state } from "./store.js";
import { learnServerTime } from "./time.js";

const PAUSE_MS = 1_500;

async function fetchPage(name, query, before) {
  const sentAt = Date.now();
  const askedAt = performance.now();
  const page = await getConversations(name, { q: query, before });
  learnServerTime(page.server_time, sentAt);
  return { page, askedAt };
}

/** Show another list or another search. */
export function showList(name, query = "") {
  state.list = freshList(name, query);
  state.cursorId = null;
  changed("list");
  return refreshList();
}

/** Ask again for the beginning of the current list. */
export async function refreshList() {
  const list = state.list;
  try {
    const { page, askedAt } = await fetchPage(list.name, list.query);
    if (list === state.list) putPage(list.name, list.query, page, { askedAt, first: true });
  } catch (error) {
    if (list !== state.list || list.phase === "ready") return;
    list.phase = "failed";
    list.error = error.message;
    changed("list");
  }
}

let loadingMore = false;

/** Ask for the next page of the current list, if there is one. */
export async function loadMore() {
  const list = state.list;
  if (loadingMore || list.next === null || list.phase !== "ready") return;
  loadingMore = true;
  try {
    const { page, askedAt } = await fetchPage(list.name, list.query, list.next);
    if (list === state.list) putPage(list.name, list.query, page, { askedAt, first: false });
  } catch {
    // Scrolling on or the next resync asks again.
  } finally {
    loadingMore = false;
  }
}

/** Ask for the queue if another list is on screen: the alarm must know who waits. */
export async function refreshQueue() {
  if (state.list.name === "queue" && !state.list.query) return;
  try {
    const { page, askedAt } = await fetchPage("queue", "");
    putPage("queue", "", page, { askedAt, first: true });
  } catch {
    // The next resync asks again.
  }
}

let listTimer = 0;

/** Ask for the list after a short pause; several calls make one. */
export function refreshListSoon() {
  if (listTimer) return;
  listTimer = setTimeout(() => {
    listTimer = 0;
    refreshList();
  }, PAUSE_MS);
}
