/** The knowledge base beside the conversation: look up, put into the reply, or send as it is. */
import { ApiError, getKnowledge, getSuggestion } from "./api.js";
import { canReply } from "./actions.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dialog } from "./overlay.js";
import { state } from "./store.js";

const PAUSE_MS = 250;

let handlers = {};

/** Build the panel; handlers: onUse(entry), onSend(entry). Returns the function that opens it. */
export function startKnowledge(given) {
  handlers = given;
  return dialog("knowledge-dialog", t("knowledge.title"), build);
}

const box = () => part("knowledge-dialog");

function build() {
  let entries = [];
  let at = 0;
  let timer = 0;
  let asked = 0;
  const status = h("p", { class: "muted", role: "status" });
  const list = h("ul", { class: "entries" });
  const input = h("input", {
    // Not "search": Escape would empty the field instead of closing.
    type: "text",
    inputmode: "search",
    class: "search-input",
    placeholder: t("knowledge.search"),
    "aria-label": t("knowledge.search"),
    maxlength: 200,
    autocomplete: "off",
    on: { input: soon, keydown: onKey },
  });

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE_MS);
  }

  async function load() {
    const mine = (asked += 1);
    const words = input.value.trim();
    try {
      const answer =
        words || !state.openId ? await getKnowledge(words) : await getSuggestion(state.openId);
      if (mine !== asked) return;
      entries = answer.entries;
      at = 0;
      draw(words);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      fill(status, error.message);
    }
  }

  function draw(words) {
    fill(
      status,
      entries.length > 0
        ? t(words ? "knowledge.found" : "knowledge.suggested", { n: entries.length })
        : t(words ? "knowledge.none" : "knowledge.empty"),
    );
    fill(
      list,
      entries.map((entry, index) =>
        h(
          "li",
          { class: "entry", dataset: { index, current: String(index === at) } },
          entryFacts(entry),
          entryButtons(entry, done),
        ),
      ),
    );
  }

  function done(deed) {
    box().close();
    deed();
  }

  function move(step) {
    at = Math.min(entries.length - 1, Math.max(0, at + step));
    for (const row of list.children) {
      const current = Number(row.dataset.index) === at;
      row.dataset.current = String(current);
      if (current) row.scrollIntoView({ block: "nearest" });
    }
    const entry = entries[at];
    if (entry) fill(status, entry.question);
  }

  function onKey(event) {
    if (event.isComposing || event.keyCode === 229) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      move(step);
    } else if (event.key === "Enter" && entries[at] && canReply(openRow())) {
      event.preventDefault();
      const entry = entries[at];
      done(() => (event.ctrlKey || event.metaKey ? handlers.onSend(entry) : handlers.onUse(entry)));
    }
  }

  load();
  queueMicrotask(() => input.focus());
  return [
    h("div", { class: "search" }, icon("search"), input),
    h("p", { class: "muted key-hint" }, t("knowledge.keys")),
    status,
    list,
  ];
}

const openRow = () => state.rows.get(state.openId);

/** Build what one should know of an entry: category, certainty, question, answer. */
export function entryFacts(entry) {
  return h(
    "div",
    { class: "entry-facts" },
    h(
      "p",
      { class: "entry-source" },
      h("span", { class: "tag" }, entry.category),
      h("span", { class: "muted" }, t("knowledge.version", { n: entry.number })),
      entry.percent !== null &&
        h("span", { class: "entry-percent" }, t("knowledge.percent", { n: entry.percent })),
    ),
    h("p", { class: "entry-question" }, entry.question),
    h("p", { class: "entry-answer" }, entry.answer),
  );
}

/** Build the buttons that use an entry; `around(deed)` does the deed, and what belongs to it. */
export function entryButtons(entry, around, ...more) {
  if (!canReply(openRow())) return null;
  const button = (label, name, deed, extra = "") =>
    h(
      "button",
      { type: "button", class: `button button-small ${extra}`, on: { click: () => around(deed) } },
      icon(name),
      label,
    );
  return h(
    "div",
    { class: "entry-buttons" },
    button(t("knowledge.use"), "edit", () => handlers.onUse(entry)),
    button(t("knowledge.send"), "out", () => handlers.onSend(entry), "button-main"),
    more,
  );
}
