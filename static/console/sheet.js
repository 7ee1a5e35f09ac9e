/** A dialog that is made when it is needed and gone when it is closed. */
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

let made = 0;

/**
 * Open a dialog with a title; `build(close)` returns its content.
 *
 * The focus goes back to where it was. Returns the function that closes it.
 */
export function openSheet(title, build, { wide = false } = {}) {
  made += 1;
  const titleId = `sheet-title-${made}`;
  const before = document.activeElement;
  const box = h("dialog", {
    class: wide ? "dialog sheet sheet-wide" : "dialog sheet",
    "aria-labelledby": titleId,
  });
  const close = () => box.close();
  fill(
    box,
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: titleId }, title),
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": t("action.close"), on: { click: close } },
        icon("close"),
      ),
    ),
    h("div", { class: "dialog-content sheet-content" }, build(close)),
  );
  // A click beside the dialog lands on the dialog element itself.
  box.addEventListener("click", (event) => event.target === box && close());
  box.addEventListener("close", () => {
    box.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  document.body.append(box);
  box.showModal();
  box.querySelector(".sheet-content :is(input, textarea, select)")?.focus();
  return close;
}

/** Build a labelled field; the control keeps its own name. */
export function field(label, control, hint = "") {
  return h(
    "label",
    { class: "sheet-field" },
    h("span", {}, label),
    control,
    hint && h("small", { class: "muted" }, hint),
  );
}

/** Build the line of a form that says what went wrong, empty at first. */
export function problemLine() {
  return h("p", { class: "sheet-problem", role: "alert" });
}
