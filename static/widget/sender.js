/** Carries the outbox to the server: each entry once, in order, however long it takes. */

import { ApiError } from "./api.js";
import { createSignal } from "./signal.js";
import { reconnectDelay } from "./socket.js";

const ACK_MS = 6000;
const SOONEST_RETRY_MS = 1000;
const DEFAULT_PAUSE_S = 5;

function typeOf(attachments) {
  if (!attachments.length) return "text";
  return attachments.every((file) => file.width) ? "image" : "file";
}

/**
 * Make the sender of one outbox.
 *
 * `hold()` is null or {reason, until}: "network" and "rate" end by themselves, "closed" and
 * "notice" wait for `release`, "refused" stays. `delivered` fires with {entry, seq}, `outdated`
 * with a newer privacy notice.
 */
export function createSender({ api, room, outbox, socket }) {
  const changed = createSignal();
  const delivered = createSignal();
  const outdated = createSignal();
  const acks = new Map();
  let hold = null;
  let running = false;
  let failures = 0;
  let timer = 0;

  function setHold(next) {
    hold = next;
    changed.emit();
  }

  function pause(reason, milliseconds) {
    clearTimeout(timer);
    timer = setTimeout(wake, milliseconds);
    setHold({ reason, until: Date.now() + milliseconds });
  }

  function bodyOf(entry) {
    const context = { ...entry.context };
    if (entry.late) context.first_attempt = entry.created_at;
    const attachments = (entry.attachments || []).map((file) => file.id);
    const quote = entry.quote ? entry.quote.id : null;
    const type = attachments.length ? typeOf(entry.attachments) : "text";
    return { client_msg_id: entry.id, type, text: entry.text, attachments, quote, context };
  }

  function overSocket(conversation, entry) {
    return new Promise((resolve) => {
      const frame = { t: "message.send", conversation_id: conversation.id, ...bodyOf(entry) };
      // A socket may outlive its network for a while; a request then fails at once and says so.
      if (navigator.onLine === false || !socket.send(frame)) {
        resolve(null);
        return;
      }
      const late = setTimeout(() => settleAck(entry.id, null), ACK_MS);
      acks.set(entry.id, (ack) => {
        clearTimeout(late);
        resolve(ack);
      });
    });
  }

  function settleAck(id, ack) {
    const settle = acks.get(id);
    acks.delete(id);
    if (settle) settle(ack);
  }

  /** What a message looks like between its acknowledgement and its own frame. */
  function messageOf(entry, ack, conversation) {
    return {
      id: ack.id,
      seq: ack.seq,
      client_msg_id: entry.id,
      conversation_id: conversation.id,
      author: { kind: "customer" },
      type: typeOf(entry.attachments || []),
      text: entry.text,
      attachments: entry.attachments || [],
      quote: entry.quote || null,
      created_at: new Date().toISOString(),
      status: "sent",
    };
  }

  async function deliverMessage(entry) {
    const conversation = await room.ensure();
    // Without an acknowledgement the same id goes by REST, whose answer also names the reason of
    // a refusal; the server gives back the stored message if the first one did arrive.
    const ack = await overSocket(conversation, entry);
    const message = ack
      ? messageOf(entry, ack, conversation)
      : await api.send(conversation.id, bodyOf(entry));
    if (!room.timeline.hasClientId(entry.id)) room.accept(message);
    outbox.remove(entry.id);
    delivered.emit({ entry, seq: message.seq });
  }

  async function deliverHandoff(entry) {
    const conversation = await room.ensure();
    room.update(await api.handoff(conversation.id));
    outbox.remove(entry.id);
  }

  /** Deal with a refusal; resolves to whether the next entry may be tried at once. */
  async function settle(entry, error) {
    if (error.temporary || error.status === 401) {
      failures += 1;
      outbox.markLate();
      pause("network", Math.max(SOONEST_RETRY_MS, reconnectDelay(failures)));
      return false;
    }
    if (error.status === 429) {
      outbox.markLate();
      pause("rate", 1000 * (error.retryAfter || DEFAULT_PAUSE_S));
      return false;
    }
    if (error.code === "notice_outdated") {
      setHold({ reason: "notice" });
      outdated.emit(error.body.notice);
      return false;
    }
    if (error.code === "conversation_closed") {
      if (entry.kind === "handoff") {
        await room.startNew();
        return true;
      }
      setHold({ reason: "closed" });
      return false;
    }
    if (error.status === 403) {
      setHold({ reason: "refused" });
      return false;
    }
    if (error.status === 404 && !entry.homeless) {
      outbox.update(entry.id, { homeless: true });
      room.forget();
      return true;
    }
    outbox.update(entry.id, { problem: error.code });
    return true;
  }

  async function run() {
    for (let entry = outbox.next(); entry && !hold; entry = outbox.next()) {
      try {
        await (entry.kind === "handoff" ? deliverHandoff(entry) : deliverMessage(entry));
        failures = 0;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        try {
          if (!(await settle(entry, error))) return;
        } catch (second) {
          if (!(second instanceof ApiError)) throw second;
          pause("network", SOONEST_RETRY_MS);
          return;
        }
      }
    }
  }

  /** Try to empty the outbox now, unless something only the visitor can decide is open. */
  function wake() {
    if (running) return;
    if (hold && hold.reason === "rate" && hold.until > Date.now()) return;
    if (hold && (hold.reason === "network" || hold.reason === "rate")) setHold(null);
    if (hold) return;
    clearTimeout(timer);
    running = true;
    run().then(
      () => {
        running = false;
        if (!hold && outbox.next()) wake();
      },
      (error) => {
        running = false;
        throw error;
      },
    );
  }

  return {
    changed: changed.on,
    delivered: delivered.on,
    outdated: outdated.on,
    hold: () => hold,
    wake,
    holdFor: (reason) => setHold({ reason }),
    release() {
      setHold(null);
      wake();
    },
    acknowledge: (frame) => settleAck(frame.client_msg_id, frame),
    /** Hear that a frame was refused, or that the socket went: what is unconfirmed goes by REST. */
    giveUpSocket(id) {
      for (const each of id ? [id] : [...acks.keys()]) settleAck(each, null);
    },
  };
}
