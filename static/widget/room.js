/** The conversation the visitor is in, with its messages. */

import { createSignal } from "./signal.js";
import { createTimeline } from "./timeline.js";

const PAGE = 30;
const CATCH_UP = 100;

/**
 * Make the visitor's room; it is empty until `enter` or `ensure`.
 *
 * `changed` fires on any change, `entered` when another conversation was taken over, `arrived`
 * with each message that came after that, `moved` with {status, before} when the conversation
 * changed its state, `stranger` with the id of a conversation that is not this one.
 */
export function createRoom({ api }) {
  const changed = createSignal();
  const entered = createSignal();
  const arrived = createSignal();
  const moved = createSignal();
  const stranger = createSignal();
  const earlier = [];
  let conversation = null;
  let timeline = createTimeline();
  let creating = null;
  let catching = null;
  let loadingOlder = false;
  let oldest = null;
  let moreConversations = false;

  /**
   * Take over a conversation object of the API and load its newest messages; null leaves.
   *
   * `more` says whether the visitor had conversations before this one.
   */
  async function enter(next, more = false) {
    const page =
      next && next.last_seq > 0
        ? await api.messages(next.id, { before_seq: next.last_seq + 1, limit: PAGE })
        : { messages: [] };
    if (!conversation || !next || conversation.id !== next.id) {
      earlier.length = 0;
      oldest = next ? next.id : null;
      moreConversations = more;
    }
    conversation = next;
    timeline = createTimeline();
    timeline.begin(page.messages);
    if (next) entered.emit();
    changed.emit();
  }

  /** Take one message of the socket or of a page. */
  function accept(message) {
    if (!conversation || message.conversation_id !== conversation.id) {
      stranger.emit(message.conversation_id);
      return;
    }
    const effect = timeline.put(message);
    if (effect === "same") return;
    changed.emit();
    if (effect === "new") arrived.emit(message);
    if (timeline.hasGap) catchUp();
  }

  async function fetchNewer() {
    const room = conversation;
    let turned = false;
    for (let more = Boolean(room); more; ) {
      const page = await api.messages(room.id, { after_seq: timeline.lastSeq, limit: CATCH_UP });
      if (conversation !== room && (!conversation || conversation.id !== room.id)) return;
      const before = timeline.lastSeq;
      for (const message of page.messages) {
        const effect = timeline.put(message);
        if (effect !== "new") continue;
        turned ||= message.author.kind === "system";
        arrived.emit(message);
      }
      for (const message of page.withdrawn || []) {
        if (timeline.find(message.id)) timeline.put(message);
      }
      changed.emit();
      more = page.has_more && timeline.lastSeq > before;
    }
    // What no frame told but the messages do: somebody else may serve by now.
    if (turned && conversation && conversation.id === room.id) {
      update(await api.conversation(room.id));
    }
  }

  /** Fetch what is missing after the last seq without a hole; resolves to whether it worked. */
  function catchUp() {
    if (!catching) {
      catching = fetchNewer()
        .then(
          () => true,
          () => false,
        )
        .finally(() => {
          catching = null;
        });
    }
    return catching;
  }

  /** Merge what the server said about the state of the conversation. */
  function update(fields) {
    if (!conversation) return;
    if (fields.id && fields.id !== conversation.id) return;
    const before = conversation.status;
    conversation = { ...conversation, ...fields, id: conversation.id };
    changed.emit();
    if (conversation.status !== before) moved.emit({ status: conversation.status, before });
  }

  /** Return the conversation, making one first if there is none. */
  function ensure() {
    if (conversation) return Promise.resolve(conversation);
    if (!creating) {
      creating = api
        .createConversation()
        .then(async (made) => {
          if (!conversation) await enter(made);
          return conversation;
        })
        .finally(() => {
          creating = null;
        });
    }
    return creating;
  }

  async function loadOlderMessages() {
    const range = { before_seq: timeline.firstSeq, limit: PAGE };
    const page = await api.messages(conversation.id, range);
    timeline.prepend(page.messages);
    if (!page.messages.length) timeline.endHistory();
  }

  async function loadEarlierConversation() {
    const { conversations, has_more: more } = await api.conversations(oldest);
    const before = conversations[0];
    const page = before ? await api.messages(before.id, { limit: CATCH_UP }) : null;
    moreConversations = Boolean(before) && more;
    if (!before) return;
    oldest = before.id;
    if (page.messages.length) earlier.unshift(page.messages);
  }

  return {
    changed: changed.on,
    entered: entered.on,
    arrived: arrived.on,
    moved: moved.on,
    stranger: stranger.on,
    enter,
    accept,
    catchUp,
    update,
    ensure,

    async refresh() {
      if (!conversation) return;
      update(await api.conversation(conversation.id));
    },

    /** Leave the finished conversation above and begin another. */
    async startNew() {
      const made = await api.createConversation();
      const finished = conversation && made.id !== conversation.id ? timeline.list() : [];
      const above = finished.length ? [...earlier, finished] : [...earlier];
      const begin = oldest || made.id;
      const more = moreConversations;
      await enter(made);
      earlier.push(...above);
      oldest = begin;
      moreConversations = more;
      changed.emit();
    },

    /** Load more above: of this conversation, then of the ones before it. */
    async loadOlder() {
      if (!conversation || loadingOlder) return;
      loadingOlder = true;
      changed.emit();
      try {
        if (timeline.hasOlder) await loadOlderMessages();
        else if (moreConversations) await loadEarlierConversation();
      } finally {
        loadingOlder = false;
        changed.emit();
      }
    },

    /** Note that an agent has read the visitor's messages up to `seq`. */
    readByAgent(id, seq) {
      if (!conversation || id !== conversation.id) return;
      for (const message of timeline.list()) {
        if (message.author.kind === "customer" && message.seq <= seq) {
          timeline.put({ ...message, status: "read" });
        }
      }
      changed.emit();
    },

    /** Drop everything that belongs to the visitor. */
    forget() {
      conversation = null;
      oldest = null;
      moreConversations = false;
      earlier.length = 0;
      timeline = createTimeline();
      changed.emit();
    },

    find: (id) => timeline.find(id),
    get conversation() {
      return conversation;
    },
    get timeline() {
      return timeline;
    },
    get earlier() {
      return earlier;
    },
    get hasOlder() {
      return timeline.hasOlder || moreConversations;
    },
    get loadingOlder() {
      return loadingOlder;
    },
  };
}
