/** Colleagues called by "@" in a note, and where one was called oneself. */
import { ApiError, getMentions, postMentionsRead } from "./api.js";
import { call } from "./alerts.js";
import { fill, h, part, setText } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { menuButton, toast } from "./overlay.js";
import { mayHandle, state, subscribe } from "./store.js";
import { dateTime, shortTime } from "./time.js";

let open = () => {};
let button;
const chosen = new Map();

/** Build the button with what is unread; `onOpen(id)` shows a conversation. */
export function startMentions(onOpen) {
  open = onOpen;
  button = h(
    "button",
    { type: "button", class: "icon-button mentions" },
    icon("at"),
    h("span", { class: "badge", dataset: { part: "mentions" } }),
  );
  part("tools").prepend(button);
  menuButton(button, { label: t("mentions.title"), build });
  subscribe(["me", "desk"], draw);
  draw();
}

/** Open the list of mentions, as by the button. */
export function openMentions() {
  if (!button.hidden) button.click();
}

function draw() {
  const { mentions_unread: count } = state.desk;
  button.hidden = !mayHandle();
  setText(part("mentions"), count > 0 ? String(count) : "");
  const label = t("mentions.unread", { n: count });
  button.setAttribute("aria-label", label);
  button.title = label;
}

function build(menu) {
  const list = h("ul", { class: "mention-list" }, h("li", { class: "muted" }, t("list.loading")));
  load(list, menu);
  return [h("h2", { tabindex: -1, autofocus: true }, t("mentions.title")), list];
}

async function load(list, menu) {
  let answer;
  try {
    answer = await getMentions();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return fill(list, h("li", { class: "muted" }, error.message));
  }
  state.desk.mentions_unread = answer.unread;
  draw();
  fill(
    list,
    answer.mentions.length === 0
      ? h("li", { class: "muted" }, t("mentions.none"))
      : answer.mentions.map((mention) => row(mention, menu)),
  );
  list.querySelector("button")?.focus();
}

function row(mention, menu) {
  const show = () => {
    menu.hidePopover();
    seen([mention.id]);
    open(mention.conversation_id);
  };
  return h(
    "li",
    {},
    h(
      "button",
      {
        type: "button",
        class: `menu-item mention${mention.read ? "" : " mention-unread"}`,
        on: { click: show },
      },
      h(
        "span",
        {},
        h(
          "b",
          {},
          t("mentions.by", {
            author: mention.author.name,
            contact: mention.contact.name || t("contact.anonymous"),
          }),
        ),
        h("small", {}, mention.text),
      ),
      h("time", { datetime: mention.at, title: dateTime(mention.at) }, shortTime(mention.at)),
    ),
  );
}

async function seen(ids) {
  try {
    state.desk.mentions_unread = (await postMentionsRead(ids)).unread;
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Take over that a colleague has just called. */
export function takeMention(mention) {
  const text = t("mentions.by", {
    author: mention.author.name,
    contact: mention.contact.name || t("contact.anonymous"),
  });
  if (mention.conversation_id === state.openId && document.hasFocus()) seen([mention.id]);
  else {
    state.desk.mentions_unread += 1;
    call(`mention-${mention.id}`, text, mention.conversation_id);
  }
  toast(text, "info");
  draw();
}

/** What the composer offers at "@": everybody who may enter the console, but oneself. */
export function mentionSign(isOn) {
  return {
    marks: ["@", "＠"],
    label: t("mentions.list"),
    startOnly: false,
    isOn,
    items(typed) {
      const query = typed.toLowerCase();
      return state.desk.people.filter(
        (person) =>
          person.id !== state.me?.member?.id && person.name.toLowerCase().includes(query),
      );
    },
    row: (person) => {
      const presence = state.colleagues.get(person.id)?.status ?? "offline";
      return h(
        "span",
        { class: "picker-person", dataset: { presence } },
        h("i", { class: "dot" }),
        h("span", {}, person.name),
        h("span", { class: "muted" }, t(`presence.${presence}`)),
      );
    },
    choose(person) {
      chosen.set(person.id, person.name);
      return `@${person.name} `;
    },
  };
}

/** Return the ids of those chosen whose names still stand in the text. */
export function mentionedIn(text) {
  return [...chosen].filter(([, name]) => text.includes(`@${name}`)).map(([id]) => id);
}

/** Forget who was chosen: the note was sent. */
export function forgetMentions() {
  chosen.clear();
}

/** Return a note's text as nodes, with the names of those called marked; `words` makes the rest. */
export function withMentions(text, mentions, words) {
  const names = (mentions ?? []).map((mention) => `@${mention.name}`).filter((name) => text.includes(name));
  if (names.length === 0) return words(text);
  const [name] = names.sort((a, b) => b.length - a.length);
  const at = text.indexOf(name);
  const mine = mentions.some(
    (mention) => `@${mention.name}` === name && mention.id === state.me?.member?.id,
  );
  return [
    ...withMentions(text.slice(0, at), mentions, words),
    h("span", { class: `mention-name${mine ? " mention-me" : ""}` }, name),
    ...withMentions(text.slice(at + name.length), mentions, words),
  ];
}
