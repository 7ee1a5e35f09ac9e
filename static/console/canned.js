/** Canned replies: the list at "/", what they leave open, and one's own to keep. */
import { ApiError, getCanned, postCanned, postCannedRemoved, postCannedUsed } from "./api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dialog, toast } from "./overlay.js";
import { state } from "./store.js";

const FRESH_MS = 60_000;
const GAP = /\{\{[^{}]+\}\}/g;
const MANAGE = { manage: true };

let known = { id: null, at: 0, replies: [] };
let gaps = new Set();
let openOwn = () => {};

/** Build the dialog of one's own replies; it is opened from the list. */
export function startCanned() {
  openOwn = dialog("canned-dialog", t("canned.own_title"), buildOwn);
}

async function replies() {
  const id = state.openId;
  if (known.id === id && Date.now() - known.at < FRESH_MS) return known.replies;
  try {
    const answer = await getCanned(id);
    known = { id, at: Date.now(), replies: answer.replies };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "problem");
    return [];
  }
  return known.replies;
}

const holds = (reply, query) =>
  [reply.shortcut, reply.title, reply.category, reply.text].some((text) =>
    text.toLowerCase().includes(query),
  );

const startsWith = (reply, query) => reply.shortcut.toLowerCase().startsWith(query);

/** What the composer offers at "/", also where an input method turns the key into "、". */
export function cannedSign(isOn) {
  return {
    marks: ["/", "／", "、"],
    label: t("canned.list"),
    startOnly: true,
    isOn,
    async items(typed) {
      const query = typed.toLowerCase();
      const found = (await replies()).filter((reply) => holds(reply, query));
      found.sort((a, b) => Number(startsWith(b, query)) - Number(startsWith(a, query)));
      return [...found, MANAGE];
    },
    row(item) {
      if (item.manage) return [icon("gear"), h("span", {}, t("canned.manage"))];
      return [
        h("kbd", {}, `/${item.shortcut}`),
        h(
          "span",
          { class: "picker-text" },
          h(
            "span",
            {},
            item.title,
            item.own && h("span", { class: "tag" }, t("canned.mine")),
            item.category && h("span", { class: "muted" }, item.category),
          ),
          h("small", {}, marked(item.filled)),
        ),
      ];
    },
    choose(item) {
      if (item.manage) {
        openOwn();
        return "";
      }
      for (const gap of item.filled.match(GAP) ?? []) gaps.add(gap);
      // A count is a courtesy: a lost one is not worth a word.
      postCannedUsed(item.id).catch(() => {});
      return item.filled;
    },
  };
}

// What is left open is seen at a glance, in the list as in the text.
function marked(text) {
  return text
    .split(/(\{\{[^{}]+\}\})/)
    .map((part) => (part.startsWith("{{") ? h("mark", {}, part) : part));
}

/** Return the first thing a canned reply left open in the text: {from, to, name}, or null. */
export function firstGap(text, after = 0) {
  for (const match of text.matchAll(GAP)) {
    if (match.index < after || !gaps.has(match[0])) continue;
    return {
      from: match.index,
      to: match.index + match[0].length,
      name: match[0].slice(2, -2).trim(),
    };
  }
  return null;
}

/** Return the names of all that is still to be completed in the text. */
export function gapNames(text) {
  const open = (text.match(GAP) ?? []).filter((gap) => gaps.has(gap));
  return [...new Set(open.map((gap) => gap.slice(2, -2).trim()))];
}

/** Forget what was left open: the text was sent. */
export function forgetGaps() {
  gaps = new Set();
}

function buildOwn() {
  const box = h("div", { class: "own-replies" });
  const draw = () => {
    const own = known.replies.filter((reply) => reply.own);
    fill(
      box,
      h("p", { class: "muted" }, t("canned.own_hint")),
      own.length > 0 &&
        h(
          "ul",
          { class: "own-list" },
          own.map((reply) => ownRow(reply, edit, draw)),
        ),
      h(
        "button",
        { type: "button", class: "button", on: { click: () => edit(null) } },
        icon("plus"),
        t("canned.new"),
      ),
    );
  };
  const edit = (reply) => fill(box, ownForm(reply, draw));
  known.at = 0;
  replies().then(draw);
  return box;
}

function ownRow(reply, edit, draw) {
  const remove = async () => {
    try {
      await postCannedRemoved(reply.id);
      known.replies = known.replies.filter((each) => each.id !== reply.id);
      draw();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(error.message, "problem");
    }
  };
  return h(
    "li",
    {},
    h("kbd", {}, `/${reply.shortcut}`),
    h("span", {}, reply.title),
    h(
      "button",
      { type: "button", class: "link-button", on: { click: () => edit(reply) } },
      t("action.edit"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("canned.remove", { name: reply.title }),
        title: t("canned.remove", { name: reply.title }),
        on: { click: remove },
      },
      icon("close"),
    ),
  );
}

function ownForm(reply, onDone) {
  const field = (name, props, label, hint) => {
    const input = h(name === "text" ? "textarea" : "input", { name, required: true, ...props });
    input.value = reply?.[name] ?? "";
    return h(
      "label",
      { class: "field" },
      h("span", {}, label),
      input,
      hint && h("small", {}, hint),
    );
  };
  const problem = h("p", { class: "problem", role: "alert" });
  const form = h(
    "form",
    { class: "stacked" },
    field("shortcut", { maxlength: 30, pattern: "[^\\s\\/\\{\\}]+" }, t("canned.shortcut")),
    field("title", { maxlength: 80 }, t("canned.name")),
    field("category", { maxlength: 40, required: false }, t("canned.category")),
    field("text", { maxlength: 4000, rows: 5 }, t("canned.text"), t("canned.variables")),
    problem,
    h(
      "div",
      { class: "ask-buttons" },
      h(
        "button",
        { type: "button", class: "button", on: { click: onDone } },
        t("action.cancel"),
      ),
      h("button", { type: "submit", class: "button button-main" }, t("action.save")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    try {
      await postCanned({ ...values, id: reply?.id ?? null });
      known.at = 0;
      await replies();
      onDone();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      fill(problem, error.message);
    }
  });
  queueMicrotask(() => form.querySelector("input").focus());
  return form;
}
