/** The box the visitor writes in. */

import { part, setText } from "./dom.js";
import { t } from "./i18n.js";

const LIMIT = 2000;
const WARN_AT = 1800;
const IME_KEY = 229;

/**
 * Bind the composer; `on` takes send(text), typed(text).
 *
 * `on.files` says what goes along: busy() while something still arrives, hasReady() where there is
 * something that may stand without words.
 */
export function createComposer(on) {
  const form = part("composer");
  const box = part("box");
  const sendButton = part("send");
  const counter = part("counter");
  const counterWords = part("counter-words");

  // The server counts characters, not UTF-16 units.
  const length = () => [...box.value.trim()].length;

  function grow() {
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
  }

  function refresh() {
    const count = length();
    const left = LIMIT - count;
    sendButton.disabled = (count === 0 && !on.files.hasReady()) || left < 0 || on.files.busy();
    counter.hidden = count < WARN_AT;
    counter.classList.toggle("is-over", left < 0);
    setText(counter, t("counter", { n: count, max: LIMIT }));
    // Announced in steps, not on each key.
    const words = left < 0 ? t("counter_over", { n: -left }) : t("counter_left", { n: left });
    const due = count >= WARN_AT && (left < 0 || left % 50 === 0);
    if (due || counter.hidden) setText(counterWords, counter.hidden ? "" : words);
    box.setAttribute("aria-invalid", String(left < 0));
    grow();
  }

  function submit() {
    if (sendButton.disabled) return;
    const text = box.value;
    box.value = "";
    refresh();
    on.send(text);
    on.typed("");
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    box.focus({ preventScroll: true });
  });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    // This Enter picks a candidate of the input method; it does not send.
    if (event.isComposing || event.keyCode === IME_KEY) return;
    event.preventDefault();
    submit();
  });
  box.addEventListener("input", () => {
    refresh();
    on.typed(box.value);
  });

  return {
    focus: () => box.focus({ preventScroll: true }),
    setText(text) {
      box.value = text;
      refresh();
    },
    setShown(yes) {
      form.hidden = !yes;
      if (yes) grow();
    },
    refresh(placeholder) {
      box.placeholder = placeholder;
      refresh();
    },
  };
}
