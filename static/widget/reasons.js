/** What was wrong with an answer that was of no help: a chip, or the visitor's own words. */

import { make } from "./dom.js";
import { t } from "./i18n.js";

const REASONS = ["wrong", "outdated", "off_question", "unclear"];
const COMMENT_MAX = 500;

/** Build the row; `tell({reason, comment})` is called with what the visitor says. */
export function createReasons(tell) {
  const element = make("div", { className: "reasons", role: "group", "aria-label": t("reason_question") });
  element.append(make("p", { className: "reasons-question" }, t("reason_question")));
  const row = make("div", { className: "reasons-chips" });
  let chosen = "";
  for (const reason of REASONS) {
    const chip = make("button", { type: "button", className: "reason" }, t(`reason_${reason}`));
    chip.dataset.reason = reason;
    chip.addEventListener("click", () => {
      chosen = reason;
      tell({ reason, comment: box.value.trim() });
    });
    row.append(chip);
  }
  const form = make("form", { className: "reasons-form" });
  const box = make("input", {
    type: "text",
    maxLength: COMMENT_MAX,
    placeholder: t("reason_words"),
    "aria-label": t("reason_words"),
  });
  form.append(box, make("button", { type: "submit", className: "link" }, t("reason_send")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const comment = box.value.trim();
    if (comment) tell({ reason: chosen, comment, done: true });
  });
  element.append(row, form);

  function update({ asking, reason }) {
    element.hidden = !asking;
    for (const chip of row.children) {
      chip.setAttribute("aria-pressed", String(chip.dataset.reason === reason));
    }
  }
  return { element, update };
}
