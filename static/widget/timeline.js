/** The messages of one conversation, each once, in the order of their seq. */

/**
 * Make an empty timeline.
 *
 * `lastSeq` is the highest seq up to which nothing is missing; a message beyond it leaves a gap
 * that has to be fetched. Messages older than the first loaded page are history, not a gap.
 */
export function createTimeline() {
  const bySeq = new Map();
  let floor = 0;
  let lastSeq = 0;
  let highest = 0;

  function advance() {
    while (bySeq.has(lastSeq + 1)) lastSeq += 1;
  }

  /** Take one message; returns "new", "changed" or "same". */
  function put(message) {
    const known = bySeq.get(message.seq);
    if (known && JSON.stringify(known) === JSON.stringify(message)) return "same";
    bySeq.set(message.seq, message);
    highest = Math.max(highest, message.seq);
    advance();
    return known ? "changed" : "new";
  }

  return {
    put,

    /** Take the first page of a conversation, which ends at its newest message. */
    begin(messages) {
      for (const message of messages) bySeq.set(message.seq, message);
      const seqs = [...bySeq.keys()];
      floor = seqs.length ? Math.min(...seqs) - 1 : 0;
      highest = seqs.length ? Math.max(...seqs) : 0;
      lastSeq = floor;
      advance();
    },

    /** Take a page of older messages. */
    prepend(messages) {
      for (const message of messages) bySeq.set(message.seq, message);
      if (messages.length) floor = Math.min(floor, ...messages.map((each) => each.seq - 1));
    },

    /** Mark everything older than what is loaded as not there. */
    endHistory() {
      floor = 0;
    },

    find: (id) => [...bySeq.values()].find((each) => each.id === id) || null,
    hasClientId: (clientId) => [...bySeq.values()].some((each) => each.client_msg_id === clientId),
    list: () => [...bySeq.values()].sort((one, other) => one.seq - other.seq),
    get lastSeq() {
      return lastSeq;
    },
    get highest() {
      return highest;
    },
    get hasGap() {
      return highest > lastSeq;
    },
    get hasOlder() {
      return floor > 0;
    },
    get firstSeq() {
      return floor + 1;
    },
  };
}
