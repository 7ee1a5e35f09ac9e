/** One visitor's chat: session, conversation, outbox and connection behind one set of actions. */

import { ApiError, createApi } from "./api.js";
import { createConsent } from "./consent.js";
import { createExpectation } from "./expectation.js";
import { getLocale, setLocale } from "./i18n.js";
import { createLive } from "./live.js";
import { openOutbox } from "./outbox.js";
import { createReading } from "./reading.js";
import { createRoom } from "./room.js";
import { createSender } from "./sender.js";
import { createSession } from "./session.js";
import { createSignal } from "./signal.js";
import { createSocket, reconnectDelay } from "./socket.js";

const TYPING_EVERY_MS = 3000;
const DEFAULT_POLL_S = 5;
const OPEN_RETRY_MS = 3000;
const TROUBLE_MS = 6000;
const WITH_PEOPLE = ["waiting_human", "human"];

const DELIVERED_MS = 300;

const isReply = (message) => message.author.kind !== "customer";

/**
 * Make the chat of one channel.
 *
 * `facts` holds what the host page tells: `attributes()` of the visitor and `context(extra)` of the
 * next message. `changed` fires after any change of `view()`, `event` with {type, …} for the page.
 */
export function createChat({ channelKey, storage, obtainTicket, facts, bootConfig }) {
  const changed = createSignal();
  const event = createSignal();
  const feedback = new Map();
  const surveys = new Map();
  let phase = "idle";
  let config = bootConfig;
  let typing = null;
  let shown = false;
  let lastTyped = 0;
  let unreadTold = 0;
  let queued = false;
  let trouble = false;
  let openFailures = 0;
  let deliveredTimer = 0;

  const session = createSession({
    channelKey,
    storage,
    obtainTicket,
    locale: getLocale,
    attributes: facts.attributes,
  });
  const api = createApi({ session, locale: getLocale, reached: (yes) => live.reached(yes) });
  const room = createRoom({ api });
  const reading = createReading({ storage, room });
  const expectation = createExpectation({ room, changed: touch });
  const outbox = openOutbox(storage);
  // What an earlier page could not deliver was, by now, not sent at once.
  const leftover = outbox.list().length > 0;
  const socket = createSocket({
    credentials: () =>
      session.token() ? { url: session.socketUrl(), token: session.token() } : null,
  });
  const sender = createSender({ api, room, outbox, socket });
  const consent = createConsent({ storage, api, outbox, sender, changed: touch });
  const live = createLive({
    session,
    socket,
    room,
    sender,
    pollSeconds: () => (config && config.poll_seconds) || DEFAULT_POLL_S,
    attended,
  });

  function attended() {
    return shown && document.visibilityState === "visible";
  }

  function touch() {
    if (queued) return;
    queued = true;
    queueMicrotask(() => {
      queued = false;
      if (attended()) reading.attend();
      const count = shown ? 0 : reading.unread();
      if (count !== unreadTold) {
        unreadTold = count;
        event.emit({ type: "unread", count });
      }
      changed.emit();
    });
  }

  /** Run `work`; a failed call becomes an error event. Resolves to whether it worked. */
  async function quietly(work) {
    let worked = true;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      worked = false;
      event.emit({ type: "error", code: error.code });
    }
    touch();
    return worked;
  }

  /** Run an action the visitor waits for, and say so where it fails. */
  async function attempt(work) {
    trouble = !(await quietly(work));
    touch();
    if (!trouble) return;
    setTimeout(() => {
      trouble = false;
      touch();
    }, TROUBLE_MS);
  }

  function takeConfig(next) {
    config = next;
    consent.take(next.notice);
  }

  async function enterLatest() {
    const { conversations, has_more: more } = await api.conversations();
    await room.enter(conversations[0] || null, more);
    reading.begin();
    const last = room.timeline.list().pop();
    if (last && !isReply(last)) expectation.expect(last.seq, Date.parse(last.created_at));
  }

  /** Open the chat, once; what fails can be tried again. */
  async function open() {
    if (!["idle", "failed"].includes(phase)) return;
    phase = "opening";
    touch();
    try {
      await quietly(() => session.identify(api));
      const answer = await session.ensure();
      takeConfig(answer ? answer.config : await api.config());
      // An anonymous visitor who was only just let in has said nothing yet.
      if (!answer || answer.conversation) await enterLatest();
      phase = "open";
      openFailures = 0;
      if (leftover) outbox.markLate();
      live.start();
      wake();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      phase = error.status === 403 ? "refused" : "failed";
      openFailures += 1;
      const pause = Math.max(OPEN_RETRY_MS, error.retryAfter * 1000);
      if (phase === "failed") setTimeout(open, pause + reconnectDelay(openFailures));
      event.emit({ type: "error", code: error.code });
    }
    touch();
  }

  room.arrived((message) => {
    outbox.remove(message.client_msg_id);
    if (isReply(message)) {
      if (message.author.kind === "agent") tellDelivered();
      typing = null;
      if (!attended()) reading.divide();
    }
    const { id, seq, author } = message;
    event.emit({ type: "message", id, seq, author: author.kind });
  });
  room.moved(({ status }) => {
    if (WITH_PEOPLE.includes(status)) event.emit({ type: "handoff", status });
  });
  room.stranger(() => quietly(enterLatest));
  session.refused((code) => event.emit({ type: "error", code }));
  sender.delivered(({ seq }) => expectation.expect(seq, Date.now()));
  session.opened((answer) => {
    if (phase !== "open") return;
    takeConfig(answer.config);
    socket.start();
    touch();
  });
  session.replaced(() => {
    room.forget();
    expectation.forget();
    if (phase !== "open") return;
    socket.restart();
    quietly(enterLatest);
  });
  live.typing((kind) => {
    typing = kind;
    touch();
  });
  live.refused(() => {
    phase = "refused";
    live.stop();
    event.emit({ type: "error", code: "channel_disabled" });
    touch();
  });
  live.back(wake);
  window.addEventListener("online", () => phase === "failed" && open());
  for (const subscribe of [room.changed, sender.changed, outbox.changed, live.changed]) {
    subscribe(touch);
  }

  // Before the chat is open neither the visitor's session nor the notice is known.
  function wake() {
    if (phase === "open") sender.wake();
  }

  function enqueue(kind, fields) {
    if (consent.open() && kind === "message") sender.holdFor("notice");
    outbox.add(kind, fields);
    const hold = sender.hold();
    if (hold && ["network", "rate"].includes(hold.reason)) outbox.markLate();
    wake();
  }

  /** Send a text of the visitor with what goes along; `extra` joins its context. */
  function send(text, extra = {}, { attachments = [], quote = null } = {}) {
    const words = text.trim();
    reading.undivide();
    if (!words && !attachments.length) return;
    enqueue("message", { text: words, attachments, quote, context: facts.context(extra) });
  }

  // What is read was delivered too, and the server learns that from `read`.
  function tellDelivered() {
    clearTimeout(deliveredTimer);
    deliveredTimer = setTimeout(() => {
      if (!room.conversation || attended()) return;
      const { id } = room.conversation;
      socket.send({ t: "delivered", conversation_id: id, up_to_seq: room.timeline.lastSeq });
    }, DELIVERED_MS);
  }

  /** Ask for a person; asking twice is asking once. */
  function handoff() {
    const status = room.conversation ? room.conversation.status : "bot";
    if (!WITH_PEOPLE.includes(status) && !outbox.has("handoff")) enqueue("handoff", {});
  }

  /** Go back to the assistant instead of waiting for a person. */
  function toAssistant() {
    return attempt(async () => {
      const conversation = await room.ensure();
      room.update(await api.resume(conversation.id));
      await room.catchUp();
    });
  }

  function press(button) {
    if (button.action === "handoff") handoff();
    if (button.action === "reply") send(button.label, { button: button.id });
  }

  /** Judge an answer; `said` holds what was wrong with it: a reason, a comment, whether that is all. */
  async function rate(message, helpful, said = {}) {
    const { reason = "", comment = "", done = false } = said;
    const value = helpful ? "helpful" : "unhelpful";
    feedback.set(message.id, { value, reason, done, failed: false });
    touch();
    try {
      await api.feedback(message.id, { helpful, reason, comment });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      feedback.set(message.id, { value: null, failed: true });
      touch();
    }
  }

  /** Answer a survey: `answer` holds part, score and perhaps a comment. */
  async function answer(message, given) {
    const keep = (survey, failed) => {
      surveys.set(message.id, { survey, failed });
      touch();
    };
    try {
      const survey = await api.survey(message.survey.id, given);
      const known = room.find(message.id);
      if (known) room.accept({ ...known, survey });
      keep(known ? null : survey, false);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      keep(null, true);
    }
  }

  function noteTyping(on) {
    const conversation = room.conversation;
    if (!conversation || !WITH_PEOPLE.includes(conversation.status)) return;
    if (on && Date.now() - lastTyped < TYPING_EVERY_MS) return;
    lastTyped = on ? Date.now() : 0;
    socket.send({ t: "typing", conversation_id: conversation.id, on });
  }

  /** Note that everything up to the newest message is on the visitor's screen. */
  function markRead() {
    if (!attended()) return;
    const seq = reading.finish();
    if (seq === null) return;
    const id = room.conversation.id;
    if (!socket.send({ t: "read", conversation_id: id, up_to_seq: seq })) {
      quietly(() => api.read(id, seq));
    }
  }

  /** Say whether the frame is on the visitor's screen. */
  function setShown(yes) {
    if (attended()) reading.attend();
    shown = yes;
    if (yes) reading.divide();
    else reading.undivide();
    touch();
  }

  async function changeLocale(tag) {
    const before = getLocale();
    if (setLocale(tag) === before) return;
    touch();
    if (phase === "open") await quietly(async () => takeConfig(await api.config()));
  }

  /** Forget the visitor: log-out on the host page. */
  async function reset() {
    live.stop();
    await session.end(api);
    room.forget();
    expectation.forget();
    feedback.clear();
    surveys.clear();
    consent.forget();
    phase = "idle";
    sender.release();
    if (shown) await open();
    touch();
  }

  return {
    changed: changed.on,
    event: event.on,
    open,
    send,
    upload: api.upload,
    handoff,
    toAssistant,
    press,
    acceptNotice: consent.accept,
    rate,
    answer,
    noteTyping,
    markRead,
    setShown,
    setLocale: changeLocale,
    reset,
    hasSession: session.exists,
    /** Name the person the host page has logged in. */
    setUser(user) {
      session.nameUser(user);
      if (phase === "open") quietly(() => session.identify(api));
    },
    loadOlder: () => attempt(room.loadOlder),
    discard: outbox.remove,
    revive(id) {
      outbox.update(id, { problem: null });
      wake();
    },
    retry() {
      if (phase === "failed") open();
      live.look();
      wake();
    },
    startNew: () =>
      attempt(async () => {
        await room.startNew();
        sender.release();
      }),
    end: () =>
      attempt(async () => {
        if (!room.conversation) return;
        room.update(await api.close(room.conversation.id));
      }),

    /** The calls about tickets; they need an open chat. */
    tickets: {
      leave: api.leaveTicket,
      list: api.tickets,
      read: api.ticket,
      comment: api.commentTicket,
    },

    view: () => ({
      phase,
      config,
      notice: consent.open(),
      noticeFailed: consent.failed(),
      typing,
      feedback,
      surveys,
      trouble,
      waited: expectation.waited(),
      dividerSeq: reading.divider(),
      network: live.network(),
      hold: sender.hold(),
      outbox: outbox.list(),
      conversation: room.conversation,
      messages: room.timeline.list(),
      earlier: room.earlier,
      hasOlder: room.hasOlder,
      fromTheStart: !room.timeline.hasOlder,
      loadingOlder: room.loadingOlder,
    }),
  };
}
