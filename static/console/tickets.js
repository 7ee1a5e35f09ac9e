/** The tickets of the team: lists on the left, one ticket on the right, in a dialog of its own. */
import { ApiError } from "./api.js";
import { fill, h, part, setText } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dialog } from "./overlay.js";
import { renewTicket, showIn, showTicket } from "./ticket-detail.js";
import { getTickets, onTicket } from "./ticket-hub.js";
import { dueMark, priorityMark, statusMark } from "./ticket-parts.js";

const LISTS = ["mine", "open", "overdue", "all"];
const SEARCH_PAUSE_MS = 250;

const view = { list: "mine", query: "", tickets: [], counts: {}, next: null, openId: null };

let openView = () => {};
let rowsBox = null;
let tabsBox = null;
let detailBox = null;
let searchTimer = 0;
let asked = 0;

/** Build the view; `onConversation(id)` opens the conversation a ticket came from. */
export function startTickets(onConversation) {
  openView = dialog("tickets-dialog", t("ticket.title"), () => build(onConversation));
  onTicket((row) => {
    if (!part("tickets-dialog").open) return;
    load();
    if (row.id === view.openId) renewTicket();
  });
}

/** Open the view with the list of the last visit. */
export function openTickets() {
  view.openId = null;
  openView();
}

/** Open the view with one ticket. */
export function openTicket(id) {
  view.openId = id;
  openView();
  if (detailBox?.isConnected) show(id);
}

function build(onConversation) {
  const search = h("input", {
    type: "search",
    class: "search-input",
    placeholder: t("ticket.search"),
    "aria-label": t("ticket.search"),
    autocomplete: "off",
    maxlength: 100,
    on: {
      input: () => {
        clearTimeout(searchTimer);
        searchTimer = setTimeout(() => {
          view.query = search.value.trim();
          load();
        }, SEARCH_PAUSE_MS);
      },
    },
  });
  search.value = view.query;
  tabsBox = h("div", { class: "tabs", role: "tablist", "aria-label": t("list.tabs") });
  tabsBox.append(...LISTS.map(tab));
  tabsBox.addEventListener("keydown", moveTab);
  rowsBox = h("ul", { class: "ticket-rows", "aria-label": t("ticket.title") });
  rowsBox.addEventListener("keydown", moveRow);
  detailBox = h("section", { class: "ticket-detail", "aria-label": t("ticket.one") });
  showIn(detailBox, {
    onConversation: (id) => {
      part("tickets-dialog").close();
      onConversation(id);
    },
    onTicket: show,
    onBack: () => {
      show(null);
      tabsBox.querySelector("[aria-selected=true]").focus();
    },
  });
  const columns = h(
    "div",
    { class: "ticket-columns", dataset: { part: "ticket-columns" } },
    h(
      "div",
      { class: "ticket-lists" },
      tabsBox,
      h("div", { class: "search" }, icon("search"), search),
      rowsBox,
    ),
    detailBox,
  );
  queueMicrotask(() => {
    load();
    show(view.openId);
    if (!view.openId) tabsBox.querySelector("[aria-selected=true]")?.focus();
  });
  return columns;
}

function tab(name) {
  return h(
    "button",
    {
      type: "button",
      role: "tab",
      class: "tab",
      dataset: { list: name },
      on: { click: () => switchTo(name) },
    },
    h("span", {}, t(`ticket.list_${name}`)),
    h("span", { class: "tab-count" }),
  );
}

function switchTo(name) {
  view.list = name;
  load();
}

function moveTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  switchTo(LISTS[(LISTS.indexOf(view.list) + step + LISTS.length) % LISTS.length]);
  tabsBox.querySelector(`[data-list="${view.list}"]`).focus();
}

function moveRow(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const buttons = [...rowsBox.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  buttons[Math.min(buttons.length - 1, Math.max(0, at + step))]?.focus();
}

async function load({ more = false } = {}) {
  drawTabs();
  asked += 1;
  const mine = asked;
  try {
    const answer = await getTickets({
      list: view.list,
      q: view.query,
      offset: more ? view.next : 0,
    });
    if (mine !== asked) return;
    view.tickets = more ? [...view.tickets, ...answer.tickets] : answer.tickets;
    view.counts = answer.counts;
    view.next = answer.next;
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (mine === asked) fill(rowsBox, h("li", { class: "ticket-empty" }, error.message));
  }
}

function drawTabs() {
  for (const button of tabsBox.querySelectorAll(".tab")) {
    const name = button.dataset.list;
    button.setAttribute("aria-selected", String(name === view.list));
    button.tabIndex = name === view.list ? 0 : -1;
    const count = view.counts[name];
    const counter = button.querySelector(".tab-count");
    setText(counter, count === undefined ? "" : String(count));
    counter.classList.toggle("tab-count-urgent", name === "overdue" && count > 0);
  }
}

function draw() {
  drawTabs();
  // A renewed list must not take the focus from who is in it.
  const focused = document.activeElement?.dataset?.ticket;
  fill(
    rowsBox,
    view.tickets.length === 0 && h("li", { class: "ticket-empty" }, t("ticket.list_empty")),
    view.tickets.map(rowOf),
    view.next !== null &&
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", class: "button", on: { click: () => load({ more: true }) } },
          t("ticket.more"),
        ),
      ),
  );
  if (focused) rowsBox.querySelector(`[data-ticket="${focused}"]`)?.focus();
}

function rowOf(row) {
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: "ticket-row",
        dataset: { ticket: row.id },
        "aria-current": row.id === view.openId ? "true" : null,
        on: { click: () => show(row.id) },
      },
      h(
        "span",
        { class: "ticket-line" },
        h("span", { class: "ticket-number" }, row.number),
        statusMark(row),
        priorityMark(row),
      ),
      h("span", { class: "ticket-subject" }, row.subject),
      h(
        "span",
        { class: "ticket-line muted" },
        row.contact.name,
        row.assignee && h("span", { class: "row-channel" }, icon("agent"), row.assignee.name),
        dueMark(row),
      ),
    ),
  );
}

function show(id) {
  view.openId = id;
  const columns = detailBox.closest(".ticket-columns");
  if (columns) columns.dataset.view = id ? "detail" : "list";
  for (const button of rowsBox.querySelectorAll("[data-ticket]")) {
    if (button.dataset.ticket === id) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
  showTicket(id);
}
