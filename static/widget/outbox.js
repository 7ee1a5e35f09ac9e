/** What the visitor asked for and the server has not yet accepted; survives reloads. */

import { createSignal } from "./signal.js";
import { randomId } from "./storage.js";

/**
 * Open the outbox kept in `storage`.
 *
 * An entry is {id, kind: "message"|"handoff", text, attachments, quote, context, created_at, late,
 * problem}; `id` is
 * the client_msg_id, `late` means that the first attempt did not get through, `problem` is the
 * code of a refusal that a retry will not cure. Storage is read afresh for each change, because
 * other tabs of the same visitor use the same outbox.
 */
export function openOutbox(storage) {
  const changed = createSignal();

  const list = () => storage.get("outbox", []);

  function write(entries) {
    storage.set("outbox", entries);
    changed.emit();
  }

  function add(kind, fields = {}) {
    const entry = {
      id: randomId(),
      kind,
      created_at: Date.now(),
      late: false,
      problem: null,
      ...fields,
    };
    write([...list(), entry]);
    return entry;
  }

  function update(id, patch) {
    write(list().map((entry) => (entry.id === id ? { ...entry, ...patch } : entry)));
  }

  /** Note that what waits now did not get through at once. */
  function markLate() {
    if (list().some((entry) => !entry.late)) {
      write(list().map((entry) => ({ ...entry, late: true })));
    }
  }

  /** Count from now: the time the visitor took to decide something is not an outage. */
  function restart() {
    write(list().map((entry) => ({ ...entry, created_at: Date.now(), late: false })));
  }

  function remove(id) {
    const entries = list();
    if (entries.some((entry) => entry.id === id)) write(entries.filter((entry) => entry.id !== id));
  }

  storage.onOtherTab((name) => {
    if (name === "outbox") changed.emit();
  });

  return {
    changed: changed.on,
    list,
    add,
    update,
    markLate,
    restart,
    remove,
    next: () => list().find((entry) => !entry.problem) || null,
    has: (kind) => list().some((entry) => entry.kind === kind && !entry.problem),
  };
}
