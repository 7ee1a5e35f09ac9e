/** The visitor's REST calls. */

import { postFile } from "../files/upload.js";

const BASE = "/api/client/v1";
const TIMEOUT_MS = 15000;

/**
 * A refused or failed call.
 *
 * `status` is 0 when no answer came; `code` is the server's stable code; `retryAfter` is seconds.
 */
export class ApiError extends Error {
  constructor(status, code, body = {}, retryAfter = 0) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.body = body;
    this.retryAfter = retryAfter;
  }

  /** Whether the same call may succeed later without anything being changed. */
  get temporary() {
    return this.status === 0 || this.status === 408 || this.status >= 500;
  }
}

function secondsOf(header) {
  if (!header) return 0;
  const seconds = Number(header);
  if (Number.isFinite(seconds)) return Math.max(0, seconds);
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, Math.ceil((date - Date.now()) / 1000));
}

async function readBody(response) {
  if (response.status === 204) return {};
  try {
    return await response.json();
  } catch {
    return {};
  }
}

/** Send one JSON request and return its body; raises ApiError. */
export async function request(method, url, { body, token, locale } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  if (locale) headers["Accept-Language"] = locale;
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  let response;
  let answer;
  try {
    response = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: abort.signal,
    });
    answer = await readBody(response);
  } catch {
    throw new ApiError(0, "network");
  } finally {
    clearTimeout(timer);
  }
  if (response.ok) return answer;
  throw new ApiError(
    response.status,
    answer.code || "unknown",
    answer,
    secondsOf(response.headers.get("Retry-After")),
  );
}

/**
 * Bind the calls to a session.
 *
 * `session.token()` gives the bearer token; `session.renew(stale)` replaces a refused one and
 * resolves to whether a new one is there. A refused token is renewed and the call repeated once.
 * `reached(yes)` hears after each call whether the server could be reached.
 */
export function createApi({ session, locale, reached }) {
  async function attempt(method, path, body) {
    const token = session.token();
    try {
      return await request(method, BASE + path, { body, token, locale: locale() });
    } catch (error) {
      if (error.status !== 401 || !(await session.renew(token))) throw error;
      return request(method, BASE + path, { body, token: session.token(), locale: locale() });
    }
  }

  async function call(method, path, body) {
    try {
      const answer = await attempt(method, path, body);
      reached(true);
      return answer;
    } catch (error) {
      reached(!(error instanceof ApiError && error.status === 0));
      throw error;
    }
  }

  /** Carry a file to the server; returns {done, cancel} as `postFile` does. */
  function upload(file, progress) {
    const post = () => {
      const headers = { Authorization: `Bearer ${session.token()}`, "Accept-Language": locale() };
      return postFile(`${BASE}/attachments`, file, { headers, progress });
    };
    const token = session.token();
    let running = post();
    const done = running.done.catch(async (error) => {
      if (error.status !== 401 || !(await session.renew(token).catch(() => false))) throw error;
      running = post();
      return running.done;
    });
    return { done, cancel: () => running.cancel() };
  }

  const query = (values) => {
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    return given.length ? `?${new URLSearchParams(given)}` : "";
  };
  const room = (id) => `/conversations/${encodeURIComponent(id)}`;

  return {
    config: () => call("GET", "/config"),
    conversations: (before) => call("GET", `/conversations${query({ limit: 1, before })}`),
    conversation: (id) => call("GET", room(id)),
    createConversation: () => call("POST", "/conversations", {}),
    messages: (id, window) => call("GET", `${room(id)}/messages${query(window)}`),
    send: (id, message) => call("POST", `${room(id)}/messages`, message),
    upload,
    handoff: (id) => call("POST", `${room(id)}/handoff`, {}),
    resume: (id) => call("POST", `${room(id)}/resume`, {}),
    close: (id) => call("POST", `${room(id)}/close`, {}),
    read: (id, seq) => call("POST", `${room(id)}/read`, { up_to_seq: seq }),
    typing: (id, on) => call("POST", `${room(id)}/typing`, { on }),
    feedback: (id, judgement) =>
      call("POST", `/messages/${encodeURIComponent(id)}/feedback`, judgement),
    survey: (id, answer) => call("POST", `/surveys/${encodeURIComponent(id)}`, answer),
    acceptNotice: (version) => call("POST", "/notices/accept", { version }),
    identify: (identity) => call("POST", "/sessions/identify", identity),
    leaveTicket: (ticket) => call("POST", "/tickets", ticket),
    tickets: () => call("GET", "/tickets"),
    ticket: (number) => call("GET", `/tickets/${encodeURIComponent(number)}`),
    commentTicket: (number, comment) =>
      call("POST", `/tickets/${encodeURIComponent(number)}/comments`, comment),
    endSession: () => call("DELETE", "/sessions/current"),
  };
}

/** Open a session from a boot ticket; resolves to the session object of the client API. */
export const openSession = (body, locale) => request("POST", `${BASE}/sessions`, { body, locale });

/** Swap a refresh token for a new session object. */
export const refreshSession = (refreshToken, locale) =>
  request("POST", `${BASE}/sessions/refresh`, { body: { refresh_token: refreshToken }, locale });

/** Ask for a boot ticket from the frame's own origin, for a frame that is opened as a page. */
export const bootAsPage = (channelKey) =>
  request("POST", "/widget/v1/boot", { body: { k: channelKey } });
