/** What each frame of the socket changes; a frame is a hint, gaps are asked for by REST. */
import { refreshListSoon } from "./listing.js";
import { takeMention } from "./mentions.js";
import { fetchNotices, takeNotice } from "./notices.js";
import { hearWhisper } from "./offer.js";
import { clearArrived, resendStranded } from "./outbox.js";
import { takeWoken } from "./snooze.js";
import { changed, dropRow, patchRow, putColleague, putRow, state } from "./store.js";
import { ignoreApiError, loadDetail, resync, syncThread, watchAnew } from "./sync.js";
import {
  knownThread,
  markDeliveredUpTo,
  markReadUpTo,
  mergeMessages,
  mergeNotes,
} from "./threads.js";
import { tellTicket } from "./ticket-hub.js";
import { learnServerTime } from "./time.js";
import { takeViewing } from "./viewing.js";

const TYPING_MS = 6_000;

const FRAMES = {
  ready(frame) {
    learnServerTime(frame.server_time);
    for (const colleague of frame.colleagues ?? []) putColleague(colleague);
    watchAnew();
    resync();
    fetchNotices().catch(ignoreApiError);
    resendStranded();
  },
  "message.created": ({ conversation_id: id, message }) => takeMessage(id, message),
  "message.updated": ({ conversation_id: id, message }) => takeMessage(id, message),
  "conversation.left": ({ conversation_id: id }) => dropRow(id),
  "note.created": ({ conversation_id: id, note }) => {
    hearWhisper(id, note);
    const thread = knownThread(id);
    if (thread?.phase !== "ready") return;
    if (mergeNotes(thread, [note])) syncThread(id);
    clearArrived(thread);
    changed("thread");
  },
  "conversation.updated": ({ conversation: row }) => {
    const before = state.rows.get(row.id);
    putRow(row);
    if (!before) refreshListSoon();
    if (row.id !== state.openId) return;
    changed("composer");
    if (before?.status !== row.status || before?.agent?.id !== row.agent?.id) {
      loadDetail(row.id).catch(ignoreApiError);
    }
    const thread = knownThread(row.id);
    if (thread?.phase === "ready" && row.last_seq > thread.lastSeq) syncThread(row.id);
  },
  read: ({ conversation_id: id, by, up_to_seq: seq }) => {
    const thread = knownThread(id);
    if (!thread || by !== "customer") return;
    markReadUpTo(thread, seq);
    changed("thread");
  },
  delivered: ({ conversation_id: id, up_to_seq: seq }) => {
    const thread = knownThread(id);
    if (!thread) return;
    markDeliveredUpTo(thread, seq);
    changed("thread");
  },
  typing: ({ conversation_id: id, author, on }) => {
    const thread = knownThread(id);
    if (!thread || (author?.kind ?? author) !== "customer") return;
    thread.typing = on ? { until: Date.now() + TYPING_MS } : null;
    changed("thread");
    if (on) setTimeout(() => changed("thread"), TYPING_MS + 50);
  },
  notice: ({ notice }) => takeNotice(notice),
  viewing: takeViewing,
  "mention.created": ({ mention }) => takeMention(mention),
  "conversation.woken": takeWoken,
  "presence.updated": putColleague,
  "ticket.updated": ({ ticket }) => tellTicket(ticket),
  resync_required: ({ conversation_id: id }) => {
    if (id) syncThread(id);
    else resync();
  },
};

/** Take over one frame of the socket. */
export function takeFrame(frame) {
  FRAMES[frame.t]?.(frame);
}

function takeMessage(id, message) {
  const row = state.rows.get(id);
  if (row && message.seq > row.last_seq) {
    const fromVisitor = message.author.kind === "customer";
    patchRow(id, {
      last_seq: message.seq,
      last_text: message.text,
      last_author: message.author.kind,
      last_at: message.created_at,
      unread: fromVisitor ? row.unread + 1 : row.unread,
    });
  }
  const thread = knownThread(id);
  if (thread?.phase !== "ready") return;
  if (message.author.kind === "customer") {
    thread.typing = null;
    // Who answers has read what was said before.
    markReadUpTo(thread, message.seq);
  }
  if (mergeMessages(thread, [message])) syncThread(id);
  clearArrived(thread);
  changed("thread", "detail");
}
