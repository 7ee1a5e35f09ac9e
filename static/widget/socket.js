/** The live connection: hints that something happened, never the truth itself. */

import { createSignal } from "./signal.js";

const PING_MS = 25000;
const DEAD_MS = 60000;
const READY_MS = 10000;
const FIRST_DELAY_MS = 1000;
const LAST_DELAY_MS = 30000;
const CLOSE_AUTH = 4401;
const CLOSE_REFUSED = 4403;
const CLOSE_RATE = 4429;
const CLOSE_DRAINING = 4503;
const RATE_PAUSE_MS = 10000;

/** Return the milliseconds to wait before attempt number `failures` + 1, with full jitter. */
export function reconnectDelay(failures, random = Math.random) {
  const ceiling = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.max(0, failures - 1));
  return Math.round(random() * ceiling);
}

/**
 * Keep one WebSocket alive while it is wanted.
 *
 * `credentials()` gives {url, token} or null. `frame` fires with each frame, `state` with
 * "idle", "connecting", "ready" or "waiting", `denied` with the token the server refused and
 * `refused` when the server will not serve this page at all.
 */
export function createSocket({ credentials }) {
  const frame = createSignal();
  const state = createSignal();
  const denied = createSignal();
  const refused = createSignal();
  let wanted = false;
  let socket = null;
  let phase = "idle";
  let failures = 0;
  let heardAt = 0;
  let pingTimer = 0;
  let readyTimer = 0;
  let retryTimer = 0;

  function enter(next) {
    if (phase === next) return;
    phase = next;
    state.emit(next);
  }

  function drop() {
    clearInterval(pingTimer);
    clearTimeout(readyTimer);
    clearTimeout(retryTimer);
    if (!socket) return;
    const old = socket;
    socket = null;
    old.onopen = old.onmessage = old.onclose = old.onerror = null;
    old.close();
  }

  function retryIn(delay) {
    clearTimeout(retryTimer);
    enter("waiting");
    retryTimer = setTimeout(connect, delay);
  }

  function lost(code) {
    const token = socket ? socket.usedToken : null;
    drop();
    if (!wanted) return;
    failures += 1;
    if (code === CLOSE_REFUSED) {
      wanted = false;
      enter("idle");
      refused.emit();
    } else if (code === CLOSE_AUTH) {
      enter("waiting");
      denied.emit(token);
    } else if (code === CLOSE_RATE) {
      retryIn(RATE_PAUSE_MS + reconnectDelay(failures + 3));
    } else if (code === CLOSE_DRAINING) {
      // A draining server says nothing about the network: its neighbour takes over at once.
      failures = Math.max(0, failures - 1);
      retryIn(reconnectDelay(2));
    } else {
      retryIn(reconnectDelay(failures));
    }
  }

  function beat() {
    if (Date.now() - heardAt > DEAD_MS) {
      lost(0);
    } else {
      send({ t: "ping" });
    }
  }

  function hear(event) {
    heardAt = Date.now();
    let data;
    try {
      data = JSON.parse(event.data);
    } catch {
      return;
    }
    if (data.t === "ready") {
      clearTimeout(readyTimer);
      failures = 0;
      enter("ready");
    }
    frame.emit(data);
  }

  function connect() {
    const access = credentials();
    if (!wanted || socket || !access) return;
    enter("connecting");
    try {
      socket = new WebSocket(access.url, ["cs.v1", `auth.${access.token}`]);
    } catch {
      lost(0);
      return;
    }
    socket.usedToken = access.token;
    socket.onmessage = hear;
    socket.onclose = (event) => lost(event.code);
    heardAt = Date.now();
    readyTimer = setTimeout(() => lost(0), READY_MS);
    pingTimer = setInterval(beat, PING_MS);
  }

  function send(data) {
    if (phase !== "ready" || !socket || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(data));
    return true;
  }

  return {
    frame: frame.on,
    state: state.on,
    denied: denied.on,
    refused: refused.on,
    phase: () => phase,
    failures: () => failures,
    send,
    /** Connect now, or at once again if a reconnect is being waited for. */
    start() {
      wanted = true;
      if (!socket) {
        clearTimeout(retryTimer);
        connect();
      }
    },
    stop() {
      wanted = false;
      drop();
      failures = 0;
      enter("idle");
    },
    /** Connect with fresh credentials, whatever the present connection is doing. */
    restart() {
      drop();
      wanted = true;
      connect();
    },
  };
}
