/** The lists on the left: tabs with counts, search, and rows of which only the visible are built. */
import { bulkBar, isChoosing, isChosen, toggleChoosing, toggleChosen } from "./bulk.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { loadMore, refreshList, showList } from "./listing.js";
import { announce } from "./overlay.js";
import { fillRow, rowSignature } from "./row.js";
import { choose, setting } from "./settings.js";
import { listedRows, mayHandle, neighbour, state, subscribe } from "./store.js";
import { buildTabs, drawTabs, LISTS } from "./tabs.js";

const ROW_PX = 76;
const OVERSCAN = 6;
const SEARCH_PAUSE_MS = 250;
const NEAR_END_PX = 400;

const built = new Map();
let open = () => {};
let rowsBox;
let spacer;
let message;
let searchInput;

/** Build the column; `onOpen(id, {byKey})` opens a conversation, `find()` the search of history. */
export function startList(onOpen, find) {
  open = onOpen;
  const column = part("lists");
  searchInput = h("input", {
    type: "search",
    class: "search-input",
    placeholder: t("list.search"),
    "aria-label": t("list.search"),
    autocomplete: "off",
    enterkeyhint: "search",
    maxlength: 100,
    on: { input: searchSoon, keydown: searchKey },
  });
  spacer = h("div", { class: "rows-space", role: "presentation" });
  rowsBox = h(
    "div",
    {
      class: "rows",
      id: "rows",
      role: "listbox",
      tabindex: 0,
      "aria-label": t("list.rows"),
      on: { scroll: onScroll, click: onClick, keydown: onKey },
    },
    spacer,
  );
  message = h("div", { class: "rows-message", role: "status" });
  fill(
    column,
    buildTabs(switchList),
    h("div", { class: "search" }, icon("search"), searchInput, tools(find)),
    bulkBar(),
    message,
    rowsBox,
  );
  new ResizeObserver(() => draw()).observe(rowsBox);
  subscribe(["list", "rows", "open", "me"], draw);
}

function tools(find) {
  const button = (name, key, onClick) =>
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t(key),
        title: t(key),
        on: { click: onClick },
      },
      icon(name),
    );
  const choose = button("choose", "bulk.begin", toggleChoosing);
  subscribe(["me"], () => {
    choose.hidden = !mayHandle();
  });
  return [button("history", "search.open", find), choose];
}

/** Show another list, with the search emptied. */
export function switchList(name) {
  searchInput.value = "";
  rowsBox.scrollTop = 0;
  choose({ list: name });
  showList(name);
  announce(t(`list.${name}`));
}

/** Show the list of the last visit, at the start of the page. */
export function restoreList() {
  const name = setting("list");
  return showList(LISTS.includes(name) ? name : "queue");
}

let searchTimer = 0;

function searchSoon() {
  clearTimeout(searchTimer);
  searchTimer = setTimeout(() => {
    rowsBox.scrollTop = 0;
    showList(state.list.name, searchInput.value.trim());
  }, SEARCH_PAUSE_MS);
}

function searchKey(event) {
  if (event.isComposing) return;
  if (event.key === "Escape") {
    event.stopPropagation();
    if (searchInput.value) {
      searchInput.value = "";
      searchSoon();
    } else focusList();
  } else if (event.key === "ArrowDown" || event.key === "Enter") {
    event.preventDefault();
    moveCursor(1);
    focusList();
  }
}

/** Put the caret into the search box. */
export function focusSearch() {
  searchInput.focus();
  searchInput.select();
}

/** Put the keyboard focus onto the list. */
export function focusList() {
  rowsBox.focus();
}

/** Move the cursor up or down by rows and keep it in sight. */
export function moveCursor(step) {
  const id = neighbour(state.cursorId ?? state.openId, step);
  if (!id) return;
  state.cursorId = id;
  reveal(listedRows().findIndex((row) => row.id === id));
  draw();
}

function reveal(index) {
  const top = index * ROW_PX;
  if (top < rowsBox.scrollTop) rowsBox.scrollTop = top;
  const bottom = top + ROW_PX - rowsBox.clientHeight;
  if (bottom > rowsBox.scrollTop) rowsBox.scrollTop = bottom;
}

/** Open the row under the cursor. */
export function openCursor() {
  const id = state.cursorId ?? listedRows()[0]?.id;
  if (id && isChoosing()) toggleChosen(id);
  else if (id) open(id, { byKey: true });
}

function onKey(event) {
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e6, End: 1e6 }[
    event.key
  ];
  if (step) {
    event.preventDefault();
    moveCursor(step);
  } else if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    openCursor();
  }
}

function onClick(event) {
  const row = event.target.closest("[data-id]");
  if (!row) return;
  state.cursorId = row.dataset.id;
  if (isChoosing()) toggleChosen(row.dataset.id);
  else open(row.dataset.id, { byKey: false });
}

function onScroll() {
  draw();
  if (rowsBox.scrollHeight - rowsBox.scrollTop - rowsBox.clientHeight < NEAR_END_PX) loadMore();
}

function draw() {
  drawTabs();
  const rows = state.list.phase === "ready" ? listedRows() : [];
  drawMessage(rows);
  spacer.style.height = `${rows.length * ROW_PX}px`;
  rowsBox.setAttribute("aria-busy", String(state.list.phase === "loading"));
  rowsBox.setAttribute("aria-multiselectable", String(isChoosing()));
  const from = Math.max(0, Math.floor(rowsBox.scrollTop / ROW_PX) - OVERSCAN);
  const until = Math.min(
    rows.length,
    Math.ceil((rowsBox.scrollTop + rowsBox.clientHeight) / ROW_PX) + OVERSCAN,
  );
  const shown = new Set();
  for (let index = from; index < until; index += 1) {
    shown.add(rows[index].id);
    drawRow(rows[index], index, rows.length);
  }
  const cursor = rows.findIndex((row) => row.id === state.cursorId);
  if (cursor !== -1 && !shown.has(state.cursorId)) {
    // The row a reader's focus points at must exist, even out of sight.
    shown.add(state.cursorId);
    drawRow(rows[cursor], cursor, rows.length);
  }
  for (const [id, { element }] of built) {
    if (shown.has(id)) continue;
    element.remove();
    built.delete(id);
  }
  if (cursor === -1) rowsBox.removeAttribute("aria-activedescendant");
  else rowsBox.setAttribute("aria-activedescendant", rowId(state.cursorId));
  if (rows.length > 0 && spacer.offsetHeight < rowsBox.clientHeight + NEAR_END_PX) loadMore();
}

const rowId = (id) => `row-${id}`;

function drawRow(row, index, size) {
  const signature = rowSignature(row);
  let entry = built.get(row.id);
  if (!entry) {
    entry = {
      element: h("div", {
        class: "row",
        role: "option",
        id: rowId(row.id),
        dataset: { id: row.id },
      }),
    };
    built.set(row.id, entry);
    spacer.append(entry.element);
  }
  const { element } = entry;
  if (entry.signature !== signature) {
    entry.signature = signature;
    fillRow(element, row);
  }
  element.style.transform = `translateY(${index * ROW_PX}px)`;
  element.setAttribute("aria-posinset", index + 1);
  element.setAttribute("aria-setsize", size);
  const selected = isChoosing() ? isChosen(row.id) : row.id === state.openId;
  element.setAttribute("aria-selected", String(selected));
  element.classList.toggle("row-cursor", row.id === state.cursorId);
}

function drawMessage(rows) {
  const { phase, query, name, error } = state.list;
  const kind =
    phase === "ready"
      ? rows.length > 0
        ? "none"
        : `empty:${name}:${Boolean(query)}`
      : `${phase}:${error}`;
  if (message.dataset.kind === kind) return;
  message.dataset.kind = kind;
  message.hidden = kind === "none";
  if (phase === "loading") fill(message, skeleton());
  else if (phase === "failed") fill(message, h("p", {}, error), retryButton());
  else if (query)
    fill(
      message,
      h("p", { class: "empty-title" }, t("empty.search")),
      h("p", {}, t("empty.search_hint")),
    );
  else
    fill(
      message,
      h("p", { class: "empty-title" }, t(`empty.${name}`)),
      h("p", {}, t(`empty.${name}_hint`)),
    );
}

function retryButton() {
  return h(
    "button",
    { type: "button", class: "button", on: { click: () => refreshList() } },
    icon("retry"),
    t("action.retry"),
  );
}

function skeleton() {
  const bone = () => h("div", { class: "bones" }, h("i", {}), h("i", {}), h("i", {}));
  return [
    h("span", { class: "hidden-text" }, t("list.loading")),
    bone(),
    bone(),
    bone(),
    bone(),
    bone(),
  ];
}
