/** Pictures and files of the visitor, and the message they quote, on their way into the outbox. */

import { make, part } from "./dom.js";
import { t } from "./i18n.js";
import { acceptFiles } from "../files/drop.js";
import { createQuoteStrip } from "../files/quote.js";
import { ACCEPTED, createTray } from "../files/tray.js";

/** Words of the shared file modules. */
export const fileWords = (key, values) => t(`file_${key}`, values);

/**
 * Bind the attach button, the tray and the quote above the composer's box.
 *
 * `upload(file, progress)` carries a file, `limit()` is the most bytes one may have and 0 where
 * files are off, `changed()` is called when what can be sent has changed, `focus()` leads to the
 * box.
 */
export function createAttach({ upload, limit, changed, focus }) {
  const button = part("attach");
  const input = make("input", { type: "file", multiple: true, hidden: true, accept: ACCEPTED });
  input.tabIndex = -1;
  button.after(input);
  const open = () => limit() > 0 && !part("composer").hidden;

  const tray = createTray({
    tray: part("tray"),
    upload,
    limit,
    words: fileWords,
    changed({ emptied } = {}) {
      changed();
      if (emptied) focus();
    },
  });
  const quote = createQuoteStrip(part("quote"), fileWords, () => focus());

  button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    tray.add([...input.files]);
    // The same file may be chosen again after it was removed.
    input.value = "";
    focus();
  });
  acceptFiles({ zone: document.body, box: part("box"), open, take: tray.add });

  return {
    quote: quote.set,
    busy: tray.busy,
    hasReady: tray.hasReady,
    /** Return {attachments, quote} of the message about to be sent, and forget them. */
    take: () => ({ attachments: tray.take(), quote: quote.take() }),
    clear() {
      tray.clear();
      quote.clear();
    },
    render() {
      button.hidden = limit() <= 0;
    },
    speak() {
      tray.refresh();
      quote.refresh();
    },
  };
}
