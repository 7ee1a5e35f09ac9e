/** The console's socket: a hint that something changed, reconnected for as long as the page lives. */

const BEAT_MS = 25_000;
const DEAD_MS = 60_000;
const CAP_S = 30;
const FAILURES_BEFORE_POLLING = 3;
const CLOSE = { signedOut: 4401, refused: 4403, tooMany: 4429 };

/**
 * Open the socket and keep it open.
 *
 * `on.frame(frame)` gets every frame, `on.link({phase, retryAt, polling})` every change of the
 * connection. Waits between attempts have full jitter and grow from 1 to 30 seconds; after three
 * failures in a row `polling` says that REST has to do. Returns {send, beat, retryNow, stop};
 * `beat` is to be called every second and keeps the connection alive.
 */
export function openSocket(path, on) {
  let socket = null;
  let failures = 0;
  let timer = 0;
  let lastHeard = 0;
  let lastBeat = 0;
  let over = false;

  function connect() {
    clearTimeout(timer);
    if (over || socket) return;
    tell("connecting");
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const own = new WebSocket(`${scheme}//${location.host}${path}`);
    socket = own;
    lastHeard = lastBeat = Date.now();
    own.addEventListener("message", (event) => own === socket && hear(event));
    own.addEventListener("close", (event) => own === socket && lost(event.code));
  }

  function hear(event) {
    lastHeard = Date.now();
    let frame;
    try {
      frame = JSON.parse(event.data);
    } catch {
      return;
    }
    if (frame.t === "ready") {
      failures = 0;
      tell("live");
    }
    on.frame(frame);
  }

  function beat() {
    if (!socket || Date.now() - lastBeat < BEAT_MS) return;
    lastBeat = Date.now();
    if (lastBeat - lastHeard > DEAD_MS) return abandon();
    send({ t: "ping" });
  }

  // close() on a dead connection may report only after minutes, so the socket is left behind.
  function abandon() {
    const old = socket;
    lost(0);
    old?.close();
  }

  function lost(code) {
    socket = null;
    if (over) return;
    if (code === CLOSE.signedOut) return end("signed_out");
    if (code === CLOSE.refused) return end("refused");
    failures += 1;
    const cap = Math.min(CAP_S, 2 ** (failures - 1)) * 1000;
    const floor = code === CLOSE.tooMany ? 10_000 : 300;
    const wait = Math.max(floor, Math.random() * cap);
    tell("waiting", Date.now() + wait);
    timer = setTimeout(connect, wait);
  }

  function end(phase) {
    over = true;
    tell(phase);
  }

  function tell(phase, retryAt = 0) {
    on.link({ phase, retryAt, polling: phase !== "live" && failures >= FAILURES_BEFORE_POLLING });
  }

  function send(frame) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(frame));
    return true;
  }

  function retryNow() {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - lastHeard > BEAT_MS * 1.5) abandon();
    if (!socket) connect();
  }

  function stop() {
    over = true;
    clearTimeout(timer);
    socket?.close();
  }

  connect();
  return { send, beat, retryNow, stop };
}
