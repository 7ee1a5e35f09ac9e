/** How far the visitor has read, and which messages came unseen. */

const isReply = (message) => message.author.kind !== "customer";
const counts = (message) => ["bot", "agent"].includes(message.author.kind);

/**
 * Keep the reading mark of `room` in `storage`.
 *
 * `divider()` is the seq above which the line of new messages stands, or null.
 */
export function createReading({ storage, room }) {
  let divider = null;

  function seen() {
    const mark = storage.get("read");
    return mark && room.conversation && mark.id === room.conversation.id ? mark.seq : 0;
  }

  function markUpTo(seq) {
    storage.set("read", { id: room.conversation.id, seq });
  }

  // What had come when the visitor last had the chat before them, read to its end or not.
  function present() {
    const mark = storage.get("present");
    return mark && room.conversation && mark.id === room.conversation.id ? mark.seq : 0;
  }

  return {
    divider: () => divider,

    unread() {
      const from = Math.max(seen(), present());
      return room.timeline.list().filter((each) => each.seq > from && counts(each)).length;
    },

    /** Note that the chat is before the visitor: what has come is no news once they close it. */
    attend() {
      const seq = room.timeline.highest;
      if (!room.conversation || seq <= present()) return;
      storage.set("present", { id: room.conversation.id, seq });
    },

    /** Begin with everything read where this browser has no mark yet. */
    begin() {
      if (room.conversation && storage.get("read") === null) markUpTo(room.timeline.highest);
    },

    /** Mark everything read; returns the seq the others should hear of, or null for no news. */
    finish() {
      const from = seen();
      const seq = room.timeline.highest;
      if (!room.conversation || seq <= from) return null;
      markUpTo(seq);
      return room.timeline.list().some((each) => each.seq > from && isReply(each)) ? seq : null;
    },

    /** Put the divider above the first unseen reply. */
    divide() {
      if (divider !== null) return;
      const from = seen();
      const first = room.timeline.list().find((each) => each.seq > from && isReply(each));
      divider = first ? first.seq : null;
    },

    undivide() {
      divider = null;
    },
  };
}
