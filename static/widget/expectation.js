/** Whether the visitor is waiting for the assistant's answer, and since when. */

const GIVE_UP_MS = 60000;
const STEPS_MS = [3000, 10000, GIVE_UP_MS];

const isReply = (message) => message.author.kind !== "customer";

/** Watch `room` for the reply to the newest question; `changed` is called as time passes. */
export function createExpectation({ room, changed }) {
  let pending = null;

  room.arrived((message) => {
    if (pending && isReply(message) && message.seq > pending.seq) pending = null;
  });
  room.moved(({ status }) => {
    if (status !== "bot") pending = null;
  });

  return {
    /** Expect a reply to message `seq`, asked at `since` (ms since epoch). */
    expect(seq, since) {
      const status = room.conversation ? room.conversation.status : null;
      const answered = room.timeline.list().some((each) => each.seq > seq && isReply(each));
      const age = Date.now() - since;
      if (status !== "bot" || answered || age > GIVE_UP_MS) return;
      pending = { seq, since };
      for (const step of STEPS_MS) setTimeout(changed, Math.max(0, step - age) + 20);
    },

    /** Milliseconds waited so far, or null where no answer is expected. */
    waited() {
      if (!pending) return null;
      const age = Date.now() - pending.since;
      return age > GIVE_UP_MS ? null : age;
    },

    forget() {
      pending = null;
    },
  };
}
