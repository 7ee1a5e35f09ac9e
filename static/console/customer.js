/** The customer's card: what is known of the person who writes, over all channels. */
import { ApiError } from "./api.js";
import * as api from "./customer-api.js";
import { blockSheet, editSheet, unblockSheet } from "./customer-sheets.js";
import { notesPart } from "./customer-notes.js";
import { tagsPart } from "./customer-tags.js";
import { timelineCard } from "./customer-timeline.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { mergeSheet } from "./merge.js";
import { ask, toast } from "./overlay.js";
import { state, subscribe } from "./store.js";
import { dateTime } from "./time.js";

const FRESH_MS = 20_000;

// One element for good: the column is drawn anew with every message, and what one is typing here
// must outlive that.
const host = h("div", { class: "customer" });
const past = h("div", { class: "customer" });
let shown = null;
let card = null;
let loadedAt = 0;

/** Return the card's element, showing the person of this contact. */
export function customerCard(contactId) {
  if (contactId !== shown) {
    shown = contactId;
    card = null;
    drawWaiting();
    load();
  }
  return host;
}

/** Return the element of what happened with the person that the card shows. */
export const pastCard = () => past;

/** Keep the focus inside the cards while `work` moves them about. */
export function keepingFocus(work) {
  const focused = document.activeElement;
  const held = host.contains(focused) || past.contains(focused) ? focused : null;
  work();
  if (held?.isConnected && held !== document.activeElement) held.focus({ preventScroll: true });
}

subscribe(["detail"], () => {
  const current = state.details.get(state.openId)?.contact?.id;
  if (!card || current !== shown || performance.now() - loadedAt < FRESH_MS) return;
  // Whoever is writing here is not disturbed.
  if (!host.contains(document.activeElement)) load();
});

async function load() {
  const asked = shown;
  loadedAt = performance.now();
  try {
    const answer = await api.getCard(asked);
    if (asked === shown) takeOver(answer);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (asked === shown && !card) drawFailed(error);
  }
}

function takeOver(answer) {
  card = answer;
  draw();
}

/** Do something that answers with the card; returns whether it was done. */
async function change(work) {
  const asked = shown;
  try {
    const answer = await work(card.id);
    if (asked === shown) takeOver(answer);
    return answer;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "problem");
    return null;
  }
}

function drawWaiting() {
  fill(host, h("section", { class: "card bones", "aria-hidden": "true" }, h("i", {}), h("i", {})));
  fill(past);
}

function drawFailed(error) {
  fill(
    host,
    h(
      "section",
      { class: "card" },
      h("p", { class: "muted" }, error.message),
      h("button", { type: "button", class: "button", on: { click: load } }, t("action.retry")),
    ),
  );
}

function draw() {
  keepingFocus(() => {
    fill(
      host,
      h(
        "section",
        { class: "card", "aria-label": t("profile.title") },
        head(),
        card.erased_at && h("p", { class: "card-note" }, t("profile.erased")),
        card.block && blockLine(),
        facts(),
        card.remark && h("p", { class: "card-note" }, card.remark),
        tagsPart(card, change),
        figures(),
        notesPart(card, change),
        mergesPart(),
        actions(),
      ),
    );
    fill(past, timelineCard(card.id, card));
  });
}

function head() {
  return h(
    "h3",
    {},
    icon("agent"),
    t("profile.title"),
    card.may.change &&
      h(
        "button",
        {
          type: "button",
          class: "link-button customer-edit",
          on: { click: () => editSheet(card, change) },
        },
        t("profile.edit"),
      ),
  );
}

function blockLine() {
  const { reason, by, until } = card.block;
  return h(
    "p",
    { class: "customer-block" },
    icon("breach"),
    h(
      "span",
      {},
      h("strong", {}, t("profile.blocked")),
      ` ${until ? t("profile.blocked_until", { until: dateTime(until) }) : ""} `,
      t("profile.blocked_by", { by, reason }),
    ),
  );
}

function facts() {
  const lines = ["name", "phone", "email"].flatMap((name) => {
    const { value, source, noted } = card.facts[name];
    return [value && [name, value, source], noted && [name, noted, "noted"]].filter(Boolean);
  });
  if (lines.length === 0) return h("p", { class: "muted" }, t("profile.no_facts"));
  return h(
    "dl",
    { class: "facts" },
    lines.map(([name, value, source]) => [
      h("dt", {}, t(`profile.${name}`)),
      h(
        "dd",
        {},
        value,
        " ",
        h("small", { class: `fact-source fact-${source}` }, t(`profile.source_${source}`)),
      ),
    ]),
  );
}

function figures() {
  const { conversations, handoffs } = card.counts;
  const { helpful, unhelpful } = card.satisfaction;
  return h(
    "div",
    { class: "customer-figures" },
    h(
      "p",
      { class: "muted" },
      t("profile.counts", { conversations, handoffs }),
      helpful + unhelpful > 0 && ` · ${t("profile.judged", { helpful, unhelpful })}`,
    ),
    card.ratings.length > 0 && [
      h("h4", {}, t("profile.ratings")),
      h("ul", { class: "customer-ratings" }, card.ratings.map(ratingLine)),
    ],
    card.opted_out
      ? h("p", { class: "muted" }, t("profile.opted_out"))
      : card.demand.length > 0 && [
          h("h4", {}, t("profile.demand")),
          h(
            "ul",
            { class: "demand" },
            card.demand
              .slice(0, 6)
              .map((row) => h("li", {}, h("span", {}, row.label), h("b", {}, String(row.count)))),
          ),
        ],
  );
}

function ratingLine({ part, score, comment, counts, given_at: at }) {
  return h(
    "li",
    {},
    h("b", {}, t(`survey.score.${score}`)),
    h("span", {}, t(`survey.part.${part}`)),
    h("time", { datetime: at }, dateTime(at)),
    !counts && h("small", {}, t("profile.rating_excluded")),
    comment && h("blockquote", {}, comment),
  );
}

function mergesPart() {
  if (card.merges.length === 0) return null;
  return h(
    "ul",
    { class: "customer-merges" },
    card.merges.map((merge) =>
      h(
        "li",
        {},
        h("span", {}, t("profile.merged_with", { name: merge.name, by: merge.by })),
        card.may.merge &&
          h(
            "button",
            {
              type: "button",
              class: "link-button",
              on: { click: (event) => unmerge(merge, event.currentTarget) },
            },
            t("merge.undo"),
          ),
      ),
    ),
  );
}

async function unmerge(merge, button) {
  const answer = await ask(button, {
    title: t("merge.undo_title"),
    text: t("merge.undo_text"),
    action: t("merge.undo"),
  });
  if (answer === null) return;
  const done = await change((id) => api.postUnmerge(id, { merge: merge.id }));
  if (!done) return;
  const left = Object.values(done.left ?? {}).reduce((sum, count) => sum + count, 0);
  toast(left ? t("merge.undone_but", { n: left }) : t("merge.undone"), "done");
}

function actions() {
  const button = (label, onClick, danger = false) =>
    h(
      "button",
      {
        type: "button",
        class: danger ? "button customer-danger" : "button",
        on: { click: onClick },
      },
      label,
    );
  const offered = [
    card.may.merge && button(t("merge.open"), () => mergeSheet(card, change)),
    card.may.block &&
      (card.block
        ? button(t("profile.unblock"), () => unblockSheet(card, change))
        : button(t("profile.block"), () => blockSheet(card, change), true)),
  ].filter(Boolean);
  return offered.length > 0 && h("div", { class: "customer-actions" }, offered);
}
