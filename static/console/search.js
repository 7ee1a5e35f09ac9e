/** Looks for words in all that was said, and opens the conversation at that place. */
import { ApiError, getSearch } from "./api.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { channelIcon, icon } from "./icons.js";
import { dialog } from "./overlay.js";
import { state } from "./store.js";
import { dateTime, shortTime } from "./time.js";

const PAUSE_MS = 300;
const DAY_MS = 86_400_000;
const PERIODS = [7, 30, 90, 365];

let open = () => {};
let last = { q: "", channel: "", agent: "", days: "90" };

/** Build the dialog; `onOpen(id, {seq, note})` shows a place. Returns the function that opens it. */
export function startSearch(onOpen) {
  open = onOpen;
  return dialog("search-dialog", t("search.title"), build);
}

function build() {
  let asked = 0;
  let timer = 0;
  const status = h("p", { class: "muted", role: "status" }, t("search.hint"));
  const list = h("ul", { class: "hits" });
  const input = h("input", {
    // Not "search": Escape would empty the field instead of closing.
    type: "text",
    inputmode: "search",
    name: "q",
    class: "search-input",
    "aria-label": t("search.words"),
    placeholder: t("search.words"),
    maxlength: 100,
    autocomplete: "off",
    value: last.q,
  });
  const form = h(
    "form",
    { class: "search-form" },
    h("div", { class: "search" }, icon("search"), input),
    h(
      "div",
      { class: "search-filters" },
      select("channel", t("search.channel"), t("search.any_channel"), state.desk.channels),
      select("agent", t("search.agent"), t("search.any_agent"), state.desk.people),
      select(
        "days",
        t("search.period"),
        null,
        PERIODS.map((days) => ({ id: String(days), name: t("search.days", { n: days }) })),
      ),
    ),
  );

  async function load() {
    clearTimeout(timer);
    last = Object.fromEntries(new FormData(form));
    const mine = (asked += 1);
    if (!last.q.trim()) {
      fill(list);
      return fill(status, t("search.hint"));
    }
    const { days, ...rest } = last;
    const since = new Date(Date.now() - Number(days) * DAY_MS).toISOString();
    try {
      const answer = await getSearch({ ...rest, since });
      if (mine !== asked) return;
      const { results, more } = answer;
      fill(
        status,
        results.length === 0
          ? t("search.none")
          : t(more ? "search.more" : "search.found", { n: results.length }),
      );
      fill(list, results.map(hit));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      fill(status, error.message);
    }
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(load, PAUSE_MS);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" && event.target === input && list.firstElementChild) {
      event.preventDefault();
      list.querySelector("button").focus();
    }
  });
  list.addEventListener("keydown", moveAmong);
  if (last.q) load();
  queueMicrotask(() => {
    input.focus();
    input.select();
  });
  return [form, status, list];
}

function moveAmong(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...event.currentTarget.querySelectorAll("button")];
  const next = buttons[buttons.indexOf(document.activeElement) + step];
  event.preventDefault();
  if (next) next.focus();
  else if (step < 0) part("search-dialog").querySelector("input").focus();
}

function select(name, label, any, choices) {
  return h(
    "label",
    { class: "field" },
    h("span", { class: "hidden-text" }, label),
    h(
      "select",
      { name, "aria-label": label },
      any && h("option", { value: "" }, any),
      choices.map(({ id, name: text }) =>
        h("option", { value: id, selected: last[name] === id }, text),
      ),
    ),
  );
}

function hit(found) {
  const show = () => {
    part("search-dialog").close();
    open(found.conversation_id, { seq: found.seq, note: found.number });
  };
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "hit", on: { click: show } },
      h(
        "span",
        { class: "hit-top" },
        h("b", {}, found.contact.name || t("contact.anonymous")),
        h("span", { class: "row-channel" }, channelIcon(found.channel.kind), found.channel.name),
        h("span", { class: "tag" }, kindOf(found)),
        h("time", { datetime: found.at, title: dateTime(found.at) }, shortTime(found.at)),
      ),
      h("span", { class: "hit-text" }, marked(found.excerpt, last.q)),
    ),
  );
}

function kindOf(found) {
  if (found.kind !== "message") return t(`search.kind_${found.kind}`);
  return found.author.name ?? t(`author.${found.author.kind}`);
}

/** Return a text as nodes, with the words that were looked for marked. */
export function marked(text, query) {
  const words = query.trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [text];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(`(${escaped.join("|")})`, "gi");
  // Every second piece is what the pattern caught.
  return text.split(pattern).map((piece, at) => (at % 2 ? h("mark", {}, piece) : piece));
}
