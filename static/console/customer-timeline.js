/** What happened with a person over all channels, and earlier conversations opened in place. */
import { ApiError, getMessages } from "./api.js";
import { messageBubble, noteBubble } from "./bubble.js";
import * as api from "./customer-api.js";
import { fill, h } from "./dom.js";
import { languageTag, t } from "./i18n.js";
import { icon } from "./icons.js";
import { openSheet } from "./sheet.js";
import { state } from "./store.js";
import { dateTime } from "./time.js";

const ICONS = {
  conversation: "chat",
  handoff: "bell",
  feedback: "thumb_up",
  note: "lock",
  tag: "spark",
  merge: "team",
  rating: "thumb_up",
  ticket: "ticket",
  wrap_up: "done",
};
const PAGE = 100;

let held = { id: null, mark: "", lines: [], next: null, list: null, more: null };

/** Build the card of a person's time line; it is read anew when the customer's card changed. */
export function timelineCard(id, card) {
  const mark = JSON.stringify([id, card.counts, card.tags, card.notes, card.merges, card.ratings]);
  const list = h("ol", { class: "happenings" });
  const more = h(
    "button",
    { type: "button", class: "link-button", hidden: true, on: { click: () => load(false) } },
    t("timeline.more"),
  );
  const known = held.id === id ? held.lines : [];
  const fresh = held.mark === mark;
  held = { id, mark, lines: known, next: held.id === id ? held.next : null, list, more };
  draw();
  if (!fresh) load(true);
  return h(
    "section",
    { class: "card", "aria-label": t("timeline.title") },
    h("h3", {}, icon("clock"), t("timeline.title")),
    list,
    more,
  );
}

async function load(first) {
  const mine = held;
  try {
    const page = await api.getTimeline(mine.id, first ? null : mine.next);
    if (held.id !== mine.id) return;
    held.lines = first ? page.happenings : [...held.lines, ...page.happenings];
    held.next = page.next;
    draw();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (held.id === mine.id && held.lines.length === 0) {
      fill(held.list, h("li", { class: "muted" }, error.message));
    }
  }
}

function draw() {
  const { lines, list, more, next } = held;
  fill(
    list,
    lines.length === 0 ? h("li", { class: "muted" }, t("timeline.none")) : lines.map(lineOf),
  );
  more.hidden = !next;
}

function lineOf(line) {
  const here = line.conversation_id === state.openId;
  const words = [
    h("time", { datetime: line.at }, dateTime(line.at)),
    h(
      "strong",
      {},
      line.title,
      line.outcome && h("small", { class: "muted" }, ` ${line.outcome}`),
      here && h("small", { class: "muted" }, ` ${t("timeline.this_one")}`),
    ),
    line.text && h("span", {}, line.text),
  ];
  const judged = ["feedback", "rating"].includes(line.kind);
  const mark = judged && line.tone === "warn" ? "thumb_down" : ICONS[line.kind];
  return h(
    "li",
    { class: `happening happening-${line.tone || "plain"}` },
    icon(mark ?? "info"),
    line.conversation_id && !here
      ? h(
          "button",
          { type: "button", class: "happening-link", on: { click: () => openHistory(line) } },
          words,
        )
      : h("div", {}, words),
  );
}

/** Show a conversation to read, without leaving the one that is open. */
function openHistory(line) {
  const log = h("div", { class: "history-log", role: "log", "aria-label": t("timeline.history") });
  const earlier = h(
    "button",
    { type: "button", class: "link-button", hidden: true },
    t("timeline.earlier"),
  );
  openSheet(`${line.title} · ${dateTime(line.at)}`, () => [earlier, log], { wide: true });
  readBack(line.conversation_id, log, earlier, null);
}

async function readBack(id, log, earlier, beforeSeq) {
  try {
    const page = await getMessages(id, { beforeSeq, limit: PAGE });
    const from = page.messages[0]?.seq ?? 0;
    const until = beforeSeq ?? Infinity;
    const notes = page.notes.filter((note) => note.after_seq >= from - 1 && note.after_seq < until);
    const lines = [
      ...page.messages.map((value) => ({ at: value.seq, build: () => bubble(value) })),
      ...notes.map((value) => ({
        at: value.after_seq + 0.5,
        build: () => noteBubble(value, { mine: value.author.id === state.me?.member?.id }),
      })),
    ].sort((a, b) => a.at - b.at);
    log.prepend(...lines.map((each) => each.build()));
    earlier.hidden = !page.has_more;
    earlier.onclick = () => readBack(id, log, earlier, from);
    if (beforeSeq === null) log.parentElement.scrollTop = log.parentElement.scrollHeight;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log.prepend(h("p", { class: "muted" }, error.message));
  }
}

const bubble = (message) =>
  messageBubble(message, { language: languageTag(), marked: false, visitor: "" });
