/** The privacy notice and whether this visitor has agreed to it. */

import { ApiError } from "./api.js";

/**
 * Keep the notice of one visitor; while one is open, `sender` sends no message.
 *
 * `open()` is the notice to be agreed to, or null; `failed()` says that agreeing did not reach the
 * server.
 */
export function createConsent({ storage, api, outbox, sender, changed }) {
  let notice = null;
  let failed = false;

  function show(next) {
    notice = next;
    failed = false;
    if (notice && outbox.has("message")) sender.holdFor("notice");
    changed();
  }

  sender.outdated((next) => next && show({ ...next, changed: true }));

  return {
    open: () => notice,
    failed: () => failed,

    /** Take the notice of a configuration. */
    take(next) {
      // The server knows which text it handed out; that the visitor agreed is known here.
      const agreed = next && next.accepted && storage.get("notice_version") === next.version;
      show(next && !agreed ? next : null);
    },

    /** Agree to the open notice and let go what waited for it. */
    async accept() {
      const { version } = notice;
      try {
        await api.acceptNotice(version);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.body.notice) show({ ...error.body.notice, changed: true });
        else failed = true;
        changed();
        return;
      }
      storage.set("notice_version", version);
      show(null);
      outbox.restart();
      sender.release();
    },

    forget: () => show(null),
  };
}
