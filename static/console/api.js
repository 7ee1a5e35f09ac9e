/** The console's REST calls; every failure is an ApiError with the server's own sentence. */
import { t } from "./i18n.js";
import { postFile } from "../files/upload.js";

const BASE = "/console/api/";
const TIMEOUT_MS = 15_000;

/** A call that failed: `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor({ status, code = "", detail = "", extra = {} }) {
    super(detail || t(status === 0 ? "error.network" : "error.server"));
    this.status = status;
    this.code = code;
    this.extra = extra;
  }

  /** Whether trying the same again may succeed. */
  get mayPass() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** Whether the person is no longer signed in. */
  get isSignedOut() {
    return this.status === 401;
  }
}

let onSignedOut = () => {};

/** Call the listener whenever an answer says that nobody is signed in. */
export function whenSignedOut(listener) {
  onSignedOut = listener;
}

function csrfToken() {
  const cookie = document.cookie.match(/(?:^|; )csrftoken=([^;]+)/);
  // The cookie outlives a sign-in made in another tab; the page's own copy does not.
  return cookie ? decodeURIComponent(cookie[1]) : document.documentElement.dataset.csrf;
}

/** Send one call below the console's API and return its answer; raises ApiError. */
export async function call(method, path, { query = {}, body } = {}) {
  const url = new URL(BASE + path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError({ status: 0 });
  }
  // A redirect leads to the sign-in page, whose HTML is no answer to anything.
  if (response.type === "opaqueredirect") throw signedOut(401, {});
  const text = await response.text().catch(() => "");
  const answer = parse(text);
  if (response.ok) return answer;
  const { code, detail, title, ...extra } = answer;
  if (response.status === 401 || code === "not_authenticated")
    throw signedOut(401, { code, detail });
  throw new ApiError({ status: response.status, code, detail: detail ?? title, extra });
}

function parse(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function signedOut(status, { code = "not_authenticated", detail }) {
  onSignedOut();
  return new ApiError({ status, code, detail: detail ?? t("error.signed_out") });
}

const conversation = (id, tail = "") => `conversations/${encodeURIComponent(id)}${tail}`;

/** Return who is signed in, the tenant, the promises and the server's time. */
export const getMe = () => call("GET", "me");

/** Return what the system noticed for this person within the last 15 minutes, latest first. */
export const getNotices = () => call("GET", "notices");

/** Set one's own presence: online, busy, rest or offline. */
export const postPresence = (status) => call("POST", "presence", { body: { status } });

/** Return one page of a list: queue, mine, snoozed, all or closed. */
export const getConversations = (list, { q, before } = {}) =>
  call("GET", "conversations", { query: { list, q, before } });

/** Return one conversation with its hand-off, contact and earlier conversations. */
export const getConversation = (id) => call("GET", conversation(id));

/** Return messages and notes after or before a place. */
export const getMessages = (id, { afterSeq, beforeSeq, afterNote, limit } = {}) =>
  call("GET", conversation(id, "/messages"), {
    query: { after_seq: afterSeq, before_seq: beforeSeq, after_note: afterNote, limit },
  });

/** Take a waiting conversation; raises ApiError already_taken if somebody was faster. */
export const postTake = (id) => call("POST", conversation(id, "/take"), { body: {} });

/** Give a conversation back to the assistant, with a note for colleagues if there is one. */
export const postReturn = (id, note) =>
  call("POST", conversation(id, "/return"), { body: note ? { note } : {} });

/** Close a conversation, with what came of it or null. */
export const postClose = (id, wrapUp) =>
  call("POST", conversation(id, "/close"), { body: { wrap_up: wrapUp } });

/** Say that everything up to a message was read. */
export const postRead = (id, seq) =>
  call("POST", conversation(id, "/read"), { body: { up_to_seq: seq } });

/** Say that one is typing to the visitor, or no longer. */
export const postTyping = (id, on) => call("POST", conversation(id, "/typing"), { body: { on } });

/** Send a reply to the visitor; the same client_msg_id never makes two. */
export const postMessage = (id, clientMsgId, text, more = {}) =>
  call("POST", conversation(id, "/messages"), {
    body: { client_msg_id: clientMsgId, text, ...more },
  });

/** Carry a file to the server, for a reply; returns {done, cancel} as `postFile` does. */
export const uploadFile = (id, file, progress) =>
  postFile(new URL(BASE + conversation(id, "/attachments"), location.origin).href, file, {
    headers: { "X-CSRFToken": csrfToken() },
    withCookies: true,
    progress,
  });

/** Take back one's own message, shortly after it was sent. */
export const postWithdraw = (id, messageId) =>
  call("POST", conversation(id, "/withdraw"), { body: { message_id: messageId } });

/** Leave a private note; the same client_msg_id never makes two. */
export const postNote = (id, clientMsgId, text, more = {}) =>
  call("POST", conversation(id, "/notes"), { body: { client_msg_id: clientMsgId, text, ...more } });

/** Return colleagues, channels, how conversations are wrapped up, and mentions unread. */
export const getDesk = () => call("GET", "desk");

/** Return the canned replies that fit a conversation, filled. */
export const getCanned = (id) => call("GET", conversation(id, "/canned"));

/** Write a canned reply of one's own; with an id it is changed. */
export const postCanned = (reply) => call("POST", "canned", { body: reply });

/** Give up a canned reply of one's own. */
export const postCannedRemoved = (id) => call("POST", "canned/remove", { body: { id } });

/** Count that a canned reply was used. */
export const postCannedUsed = (id) => call("POST", "canned/use", { body: { id } });

/** Return the entries of the knowledge base that may be meant. */
export const getKnowledge = (q) => call("GET", "knowledge", { query: { q } });

/** Return what may answer the visitor's latest question. */
export const getSuggestion = (id) => call("GET", conversation(id, "/suggestion"));

/** Say that a suggestion was no help. */
export const postRefused = (id, messageId, versionId) =>
  call("POST", conversation(id, "/suggestion"), {
    body: { message_id: messageId, version_id: versionId },
  });

/** Return where one was called. */
export const getMentions = () => call("GET", "mentions");

/** Say that one has seen these mentions. */
export const postMentionsRead = (ids) => call("POST", "mentions", { body: { ids } });

/** Say what came of a conversation, or change it. */
export const postWrapUp = (id, account) =>
  call("POST", conversation(id, "/wrap-up"), { body: account });

/** Put a conversation aside until an instant, or take it up again with null. */
export const postSnooze = (id, until) => call("POST", conversation(id, "/snooze"), { body: { until } });

/** Return where words stand in messages, notes and contacts. */
export const getSearch = (query) => call("GET", "search", { query });

/** Close several conversations; returns how each went. */
export const postBulkClose = (ids, wrapUp) =>
  call("POST", "bulk/close", { body: { ids, wrap_up: wrapUp } });

/** Let an offer ring at the next agent. */
export const postDecline = (id) => call("POST", conversation(id, "/decline"), { body: {} });

/** Pass a conversation on: `to` is {to_member} or {to_group}; the note is for colleagues. */
export const postTransfer = (id, to, note, clientMsgId) =>
  call("POST", conversation(id, "/transfer"), {
    body: { ...to, note, client_msg_id: clientMsgId },
  });

/** Give a conversation to a colleague at once. */
export const postReassign = (id, memberId) =>
  call("POST", conversation(id, "/reassign"), { body: { to_member: memberId } });

/** Give a conversation to oneself, whoever has it. */
export const postTakeOver = (id) => call("POST", conversation(id, "/take-over"), { body: {} });

/** Return the groups and colleagues to whom a conversation can go. */
export const getTargets = () => call("GET", "transfer-targets");

/** Return the supervisors' board. */
export const getBoard = () => call("GET", "board");
