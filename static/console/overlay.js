/** What floats: toasts, popovers beside a button, questions before something final. */
import { fill, h, part } from "./dom.js";
import { icon } from "./icons.js";
import { t } from "./i18n.js";

const TOAST_MS = 6_000;
const GAP = 6;

/** Show a calm line for some seconds; kind is "info", "done" or "problem". */
export function toast(text, kind = "info") {
  const marks = { info: "info", done: "done", problem: "breach" };
  const close = () => box.remove();
  const box = h(
    "div",
    { class: `toast toast-${kind}` },
    icon(marks[kind]),
    h("span", {}, text),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("action.dismiss"),
        on: { click: close },
      },
      icon("close"),
    ),
  );
  const stack = part("toasts");
  stack.append(box);
  while (stack.childElementCount > 3) stack.firstElementChild.remove();
  setTimeout(close, TOAST_MS);
}

/** Show a line that leads somewhere, until it is followed or put away. */
export function toastFor(text, follow) {
  const close = () => box.remove();
  const go = () => {
    close();
    follow();
  };
  const box = h(
    "div",
    { class: "toast toast-info" },
    icon("info"),
    h("button", { type: "button", class: "toast-link", on: { click: go } }, text),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("action.dismiss"),
        on: { click: close },
      },
      icon("close"),
    ),
  );
  const stack = part("toasts");
  stack.append(box);
  while (stack.childElementCount > 3) stack.firstElementChild.remove();
}

/** Say something to a screen reader only. */
export function announce(text) {
  fill(part("announcer"), text);
}

/** Keep a popover beside its button, inside the window. */
function placeBeside(button, popover) {
  const anchor = button.getBoundingClientRect();
  const box = popover.getBoundingClientRect();
  const below = anchor.bottom + GAP + box.height <= innerHeight;
  const top = below ? anchor.bottom + GAP : Math.max(GAP, anchor.top - GAP - box.height);
  const left = Math.min(Math.max(GAP, anchor.right - box.width), innerWidth - box.width - GAP);
  popover.style.top = `${top}px`;
  popover.style.left = `${left}px`;
}

/** Let a button open a popover of its own; `build` returns its content each time. */
export function menuButton(button, { label, build }) {
  const menu = h("div", { class: "popover", popover: "auto", role: "dialog", "aria-label": label });
  button.after(menu);
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  button.popoverTargetElement = menu;
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState === "open") fill(menu, build(menu));
  });
  menu.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    placeBeside(button, menu);
    const first =
      menu.querySelector("[aria-checked=true], [autofocus]") ?? menu.querySelector("button");
    first?.focus();
  });
  menu.addEventListener("keydown", moveInMenu);
  return menu;
}

function moveInMenu(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const items = [...event.currentTarget.querySelectorAll("[role=menuitemradio]")];
  const at = items.indexOf(document.activeElement);
  if (at === -1) return;
  event.preventDefault();
  items[(at + step + items.length) % items.length].focus();
}

/**
 * Ask beside a button before something final.
 *
 * Resolves to null if the person turns away, else to the text of the optional note ("" if none).
 */
export function ask(button, { title, text, action, noteLabel = "", danger = false }) {
  return new Promise((resolve) => {
    const titleId = "ask-title";
    const note = noteLabel
      ? h("textarea", { rows: 2, maxlength: 1000, "aria-label": noteLabel, placeholder: noteLabel })
      : null;
    let answer = null;
    const form = h(
      "form",
      { class: "popover ask", popover: "auto", role: "dialog", "aria-labelledby": titleId },
      h("h2", { id: titleId }, title),
      h("p", {}, text),
      note,
      h(
        "div",
        { class: "ask-buttons" },
        h(
          "button",
          { type: "button", class: "button", on: { click: () => form.hidePopover() } },
          t("action.cancel"),
        ),
        h(
          "button",
          { type: "submit", class: danger ? "button button-danger" : "button button-main" },
          action,
        ),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = note?.value.trim() ?? "";
      form.hidePopover();
    });
    form.addEventListener("toggle", (event) => {
      if (event.newState !== "closed") return;
      form.remove();
      if (button.isConnected) button.focus();
      resolve(answer);
    });
    document.body.append(form);
    form.showPopover();
    placeBeside(button, form);
    (note ?? form.querySelector("[type=submit]")).focus();
  });
}

/** Float a box beside a button until something is chosen; `build(close)` returns its content. */
export function floatBeside(button, label, build) {
  const box = h("div", { class: "popover", popover: "auto", role: "dialog", "aria-label": label });
  fill(
    box,
    build(() => box.hidePopover()),
  );
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    box.remove();
    if (button.isConnected) button.focus();
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const items = [...box.querySelectorAll("button.menu-item")];
    const at = items.indexOf(document.activeElement);
    if (!step || at === -1) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length].focus();
  });
  document.body.append(box);
  box.showPopover();
  placeBeside(button, box);
  box.querySelector("button").focus();
}

/** Build a dialog that fills itself whenever it opens. */
export function dialog(name, title, build) {
  const box = part(name);
  const content = h("div", { class: "dialog-content" });
  const titleId = `${name}-title`;
  box.setAttribute("aria-labelledby", titleId);
  fill(
    box,
    h(
      "div",
      { class: "dialog-head" },
      h("h2", { id: titleId }, title),
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": t("action.close"),
          on: { click: () => box.close() },
        },
        icon("close"),
      ),
    ),
    content,
  );
  // A click beside the dialog lands on the dialog element itself.
  box.addEventListener("click", (event) => event.target === box && box.close());
  return () => {
    if (box.open) return;
    fill(content, build());
    box.showModal();
  };
}
