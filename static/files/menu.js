/** What can be done with one message: a small button beside it, a list of deeds behind it. */

import { drawn, make } from "./build.js";

let openMenu = null;

function shut({ focus = false } = {}) {
  if (!openMenu) return;
  const { button, list } = openMenu;
  openMenu = null;
  list.remove();
  button.setAttribute("aria-expanded", "false");
  if (focus && button.isConnected) button.focus({ preventScroll: true });
}

document.addEventListener("pointerdown", (event) => {
  if (openMenu && !openMenu.list.contains(event.target) && event.target !== openMenu.button) shut();
});
// A click on a page around a frame is told here by nothing but the focus that goes.
window.addEventListener("blur", () => shut());
// Before anybody else takes Escape for the whole chat.
document.addEventListener(
  "keydown",
  (event) => {
    if (event.key !== "Escape" || !openMenu) return;
    event.preventDefault();
    event.stopPropagation();
    shut({ focus: true });
  },
  true,
);

function move(event, list) {
  const items = [...list.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const steps = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 };
  if (event.key === "Tab") shut({ focus: true });
  if (!(event.key in steps)) return;
  event.preventDefault();
  items[steps[event.key] % items.length].focus();
}

/**
 * Build the button of a message's menu.
 *
 * `deeds()` is asked on opening: [{icon, label, run}]; with none the button does nothing.
 */
export function menuButton(label, deeds) {
  const button = make("button", "message-menu", {
    type: "button",
    "aria-label": label,
    "aria-haspopup": "menu",
    "aria-expanded": "false",
    title: label,
  });
  button.append(drawn("dots"));
  button.addEventListener("click", (event) => {
    event.stopPropagation();
    const mine = openMenu?.button === button;
    shut();
    if (mine) return;
    const list = make("div", "message-deeds", { role: "menu", "aria-label": label });
    for (const deed of deeds()) {
      const item = make("button", "", { type: "button", role: "menuitem" });
      item.append(drawn(deed.icon), deed.label);
      item.addEventListener("click", () => {
        shut();
        deed.run(button);
      });
      list.append(item);
    }
    if (!list.childElementCount) return;
    list.addEventListener("keydown", (each) => move(each, list));
    // Not beside its button: a message that is drawn anew must not take the open list with it.
    document.body.append(list);
    button.setAttribute("aria-expanded", "true");
    openMenu = { button, list };
    place(button, list);
    list.querySelector("[role=menuitem]").focus({ preventScroll: true });
  });
  return button;
}

// Fixed to the window, which nothing clips.
function place(button, list) {
  const anchor = button.getBoundingClientRect();
  const box = list.getBoundingClientRect();
  const below = anchor.bottom + box.height + 8 < window.innerHeight;
  list.style.top = `${below ? anchor.bottom + 4 : Math.max(4, anchor.top - box.height - 4)}px`;
  const left = Math.min(anchor.left, window.innerWidth - box.width - 8);
  list.style.left = `${Math.max(8, left)}px`;
}
