/** The privacy notice: before the first message, and again on request. */

import { make, part, setText } from "./dom.js";
import { getLocale, t } from "./i18n.js";
import { appendText } from "./text.js";

/** Bind the notice card; `on` takes accept() and dismiss(). */
export function createNotice(on) {
  const card = part("notice");
  const lead = part("notice-lead");
  const title = part("notice-title");
  const text = part("notice-text");
  const error = part("notice-error");
  const accept = part("notice-accept");
  const dismiss = part("notice-dismiss");
  let shape = "";

  accept.addEventListener("click", async () => {
    accept.disabled = true;
    await on.accept();
    accept.disabled = false;
  });
  dismiss.addEventListener("click", () => on.dismiss());

  return {
    /** Show `notice`, to be agreed to or only to be read again; null hides the card. */
    render(notice, { reading = false, failed = false } = {}) {
      card.hidden = notice === null;
      if (!notice) return;
      const next = JSON.stringify([getLocale(), notice.title, notice.text]);
      if (next !== shape) {
        shape = next;
        setText(title, notice.title || t("menu_notice"));
        text.replaceChildren();
        for (const line of notice.text.split(/\n+/)) {
          const paragraph = make("p");
          appendText(paragraph, line);
          text.append(paragraph);
        }
        text.scrollTop = 0;
      }
      setText(lead, reading ? "" : t(notice.changed ? "notice_changed" : "notice_first"));
      lead.hidden = reading;
      accept.hidden = reading;
      dismiss.hidden = !reading;
      error.hidden = !failed;
      setText(error, failed ? t("notice_failed") : "");
    },

    /** Bring the open card to the visitor's attention. */
    call() {
      if (card.hidden) return;
      (accept.hidden ? dismiss : accept).focus({ preventScroll: true });
      card.classList.remove("is-called");
      // Reading the layout restarts the animation.
      void card.offsetWidth;
      card.classList.add("is-called");
    },
  };
}
