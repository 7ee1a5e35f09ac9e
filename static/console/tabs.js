/** The tabs over the list: one a list, with how many stand in it. */
import { h, setText } from "./dom.js";
import { t } from "./i18n.js";
import { state } from "./store.js";

/** The lists, in the order of their tabs. */
export const LISTS = ["queue", "mine", "snoozed", "group", "all", "closed"];

let choose = () => {};

/** Build the tabs; `onChoose(name)` shows a list. */
export function buildTabs(onChoose) {
  choose = onChoose;
  const tabs = h("div", { class: "tabs", role: "tablist", "aria-label": t("list.tabs") });
  for (const name of LISTS) tabs.append(tab(name));
  tabs.addEventListener("keydown", moveTab);
  return tabs;
}

function tab(name) {
  return h(
    "button",
    {
      type: "button",
      role: "tab",
      class: "tab",
      dataset: { list: name },
      "aria-controls": "rows",
      on: { click: () => choose(name) },
    },
    h("span", {}, t(`list.${name}`)),
    h("span", { class: "tab-count" }),
  );
}

function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const shown = LISTS.filter((name) => !tabOf(name).hidden);
  const at = shown.indexOf(state.list.name);
  choose(shown[(at + step + shown.length) % shown.length]);
  tabOf(state.list.name).focus();
}

const tabOf = (name) => document.querySelector(`.tab[data-list="${name}"]`);

/** Mark the current list and renew the counts. */
export function drawTabs() {
  for (const button of document.querySelectorAll(".tab")) {
    const name = button.dataset.list;
    const current = name === state.list.name;
    button.setAttribute("aria-selected", String(current));
    button.tabIndex = current ? 0 : -1;
    const count = state.counts[name];
    // Most agents put nothing aside most of the time: the tab is there when something is in it.
    const idle = name === "snoozed" && !count;
    // Without groups of one's own there is nothing to tell apart.
    const alone = name === "group" && !state.me?.groups.length;
    button.hidden = (idle || alone) && !current;
    const counter = button.querySelector(".tab-count");
    setText(counter, count || count === 0 ? String(count) : "");
    counter.classList.toggle("tab-count-urgent", name === "queue" && count > 0);
  }
}
