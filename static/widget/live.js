/** Keeps a room fresh: by socket while there is one, by polling while there is none. */

import { createSignal } from "./signal.js";
import { reconnectDelay } from "./socket.js";

const CHECK_MS = 25000;
const TYPING_MS = 6000;
const FAILURES_BEFORE_POLLING = 3;
const HIDDEN_POLL_FACTOR = 6;
const CONVERSATION_FIELDS = ["status", "queue_position", "wait_estimate_seconds", "opens_at", "ticket", "agent", "closed_at", "last_seq"];

/**
 * Watch one room.
 *
 * `network()` is "online", "reconnecting" or "offline". `typing` fires with "bot", "agent" or
 * null, `refused` when the server will not serve this page, `back` whenever sending may work again.
 */
export function createLive({ session, socket, room, sender, pollSeconds, attended }) {
  const changed = createSignal();
  const typing = createSignal();
  const refused = createSignal();
  const back = createSignal();
  let reachable = true;
  let running = false;
  let checkTimer = 0;
  let pollTimer = 0;
  let typingTimer = 0;
  let renewFailures = 0;

  function reached(yes) {
    if (reachable === yes) return;
    reachable = yes;
    changed.emit();
    if (yes) back.emit();
  }

  function network() {
    if (navigator.onLine === false) return "offline";
    return reachable ? "online" : "reconnecting";
  }

  async function refresh() {
    await room.catchUp();
    try {
      await room.refresh();
    } catch {
      // The next check asks again; `reached` has already told the visitor.
    }
  }

  function schedulePoll() {
    clearTimeout(pollTimer);
    const needed = socket.failures() >= FAILURES_BEFORE_POLLING && socket.phase() !== "ready";
    if (!running || !needed) return;
    const seconds = pollSeconds() * (attended() ? 1 : HIDDEN_POLL_FACTOR);
    pollTimer = setTimeout(async () => {
      await refresh();
      schedulePoll();
    }, seconds * 1000);
  }

  function hearTyping(frame) {
    clearTimeout(typingTimer);
    typing.emit(frame.on ? frame.author.kind : null);
    if (frame.on) typingTimer = setTimeout(() => typing.emit(null), TYPING_MS);
  }

  function hearConversation(frame) {
    const fields = { id: frame.conversation_id };
    for (const name of CONVERSATION_FIELDS) {
      if (name in frame) fields[name] = frame[name];
    }
    room.update(fields);
  }

  function hear(frame) {
    switch (frame.t) {
      case "message.created":
      case "message.updated":
        room.accept(frame.message);
        break;
      case "conversation.updated":
        hearConversation(frame);
        break;
      case "queue.moved":
        room.update({
          id: frame.conversation_id,
          queue_position: frame.queue_position,
          wait_estimate_seconds: frame.wait_estimate_seconds,
        });
        break;
      case "read":
        if (frame.by === "agent") room.readByAgent(frame.conversation_id, frame.up_to_seq);
        break;
      case "ack":
        sender.acknowledge(frame);
        break;
      case "typing":
        hearTyping(frame);
        break;
      case "resync_required":
        refresh();
        break;
      case "error":
        sender.giveUpSocket(frame.client_msg_id);
        break;
      default:
        break;
    }
  }

  async function renew(token) {
    try {
      await session.renew(token);
      renewFailures = 0;
      socket.start();
    } catch (error) {
      if (error.status === 403) {
        refused.emit();
        return;
      }
      renewFailures += 1;
      setTimeout(() => running && renew(token), 1000 + reconnectDelay(renewFailures));
    }
  }

  function resume() {
    const { conversation, timeline } = room;
    if (!conversation) return;
    socket.send({ t: "resume", conversation_id: conversation.id, last_seq: timeline.lastSeq });
  }

  function enterSocketState(phase) {
    if (phase === "ready") {
      reached(true);
      resume();
      back.emit();
    } else if (phase === "waiting") {
      sender.giveUpSocket();
    }
    schedulePoll();
    changed.emit();
  }

  /** Look for news now: the visitor is back, or the network is. */
  function look() {
    if (!running) return;
    socket.start();
    room.catchUp();
    back.emit();
    changed.emit();
  }

  room.entered(resume);
  socket.frame(hear);
  socket.state(enterSocketState);
  socket.denied(renew);
  socket.refused(() => refused.emit());
  window.addEventListener("online", look);
  window.addEventListener("offline", () => changed.emit());
  window.addEventListener("focus", look);
  window.addEventListener("pageshow", (event) => event.persisted && look());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });

  return {
    changed: changed.on,
    typing: typing.on,
    refused: refused.on,
    back: back.on,
    network,
    reached,
    look,
    start() {
      if (running) return;
      running = true;
      socket.start();
      checkTimer = setInterval(() => room.catchUp(), CHECK_MS);
    },
    stop() {
      running = false;
      clearInterval(checkTimer);
      clearTimeout(pollTimer);
      socket.stop();
    },
  };
}
