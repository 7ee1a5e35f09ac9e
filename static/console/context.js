/** The cards on the right: why a person is needed, who the visitor is, what was before. */
import { customerCard, keepingFocus, pastCard } from "./customer.js";
import { wrapUp } from "./actions.js";
import { moodFacts, pagesCard, triedList, wrapUpCard } from "./brief.js";
import { fill, h, part } from "./dom.js";
import { hasText, t } from "./i18n.js";
import { channelIcon, icon } from "./icons.js";
import { elsewhereLine } from "./row.js";
import { mayHandle, state, subscribe, waitingSince } from "./store.js";
import { suggested, suggestionCard } from "./suggestion.js";
import { ticketCard } from "./ticket-card.js";
import { knownThread, questions } from "./threads.js";
import { dateTime, duration } from "./time.js";
import { waitMark } from "./waits.js";

let column;
let drawn = "";
let handlers = {};

/** Build the column; handlers: onClose(). */
export function startContext(given) {
  handlers = given;
  column = part("context");
  subscribe(["open", "detail", "rows", "thread"], draw);
}

function draw() {
  const detail = state.details.get(state.openId);
  const row = state.rows.get(state.openId);
  const thread = knownThread(state.openId);
  const asked = thread?.phase === "ready" ? questions(thread) : { first: null, last: null };
  const signature = JSON.stringify([
    state.openId,
    detail,
    row?.status,
    row?.waiting_since,
    row?.agent,
    row?.elsewhere,
    asked.first?.seq,
    asked.last?.seq,
    row?.wrap_up,
    suggested(state.openId),
  ]);
  if (signature === drawn) return;
  drawn = signature;
  column.hidden = !state.openId;
  const top = column.scrollTop;
  keepingFocus(() => drawCards(detail, row, asked));
  column.scrollTop = top;
}

function drawCards(detail, row, asked) {
  fill(
    column,
    h(
      "div",
      { class: "context-head" },
      h("h2", {}, t("context.title")),
      h(
        "button",
        {
          type: "button",
          class: "icon-button context-close",
          "aria-label": t("action.close"),
          on: { click: () => handlers.onClose() },
        },
        icon("close"),
      ),
    ),
    detail && row
      ? [
          wrapUpCard(row, { mayWrite: mayHandle(), onWrite: () => wrapUp(row.id) }),
          handoffCard(detail, row, asked),
          suggestionCard(row.id),
          customerCard(row.contact.id),
          ticketCard(row.contact),
          pastCard(),
          contactCard(detail, row),
          pagesCard(detail),
          keysCard(),
        ]
      : skeleton(),
  );
}

function skeleton() {
  return h(
    "div",
    { class: "card bones", "aria-hidden": "true" },
    h("i", {}),
    h("i", {}),
    h("i", {}),
  );
}

function card(title, iconName, ...children) {
  return h("section", { class: "card" }, h("h3", {}, icon(iconName), title), children);
}

function facts(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    known.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function handoffCard(detail, row, asked) {
  const { handoff } = detail;
  if (!handoff && !asked.first && !asked.last) return null;
  const first = handoff?.first_question ?? asked.first?.text;
  const last = handoff?.last_question ?? asked.last?.text;
  const waited = handoff?.accepted_at
    ? duration(
        Math.max(
          0,
          Math.floor((Date.parse(handoff.accepted_at) - Date.parse(handoff.requested_at)) / 1000),
        ),
      )
    : null;
  return card(
    t(handoff ? "handoff.title" : "handoff.questions"),
    handoff ? "bell" : "chat",
    handoff &&
      facts([
        [t("handoff.reason"), handoff.reason_label ?? row.reason_label],
        [t("handoff.requested"), dateTime(handoff.requested_at)],
        [t("handoff.accepted"), handoff.accepted_at && dateTime(handoff.accepted_at)],
        [t("handoff.waited"), waited],
        [t("handoff.waiting"), !waited && waitingSince(row) ? waitMark(waitingSince(row)) : null],
        [t("elsewhere.title"), row.elsewhere && elsewhereLine(row)],
        ...moodFacts(handoff),
      ]),
    handoff?.external_url &&
      h(
        "p",
        {},
        h(
          "a",
          { href: handoff.external_url, target: "_blank", rel: "noopener noreferrer" },
          t("elsewhere.open"),
        ),
      ),
    handoff?.note && h("p", { class: "card-note" }, handoff.note),
    quote(t("handoff.first_question"), first),
    last !== first && quote(t("handoff.last_question"), last),
    triedList(handoff),
  );
}

function quote(label, text) {
  if (!text) return null;
  return h("figure", { class: "quote" }, h("figcaption", {}, label), h("blockquote", {}, text));
}

function localeName(code) {
  return hasText(`locale.${code}`) ? t(`locale.${code}`) : code;
}

function contactCard(detail, row) {
  const contact = detail.contact_detail ?? {};
  return card(
    t("contact.title"),
    "agent",
    h(
      "p",
      { class: "contact-name" },
      h("strong", {}, row.contact.name || t("contact.anonymous")),
      row.contact.verified
        ? h("span", { class: "state state-ok" }, icon("verified"), t("contact.verified"))
        : h("span", { class: "state" }, t("contact.unverified")),
    ),
    facts([
      [
        t("contact.channel"),
        h("span", { class: "row-channel" }, channelIcon(row.channel.kind), row.channel.name),
      ],
      [t("page.title"), detail.page?.page_title],
      [t("page.product"), detail.page?.product_id],
      [t("page.order"), detail.page?.order_no],
      [t("page.address"), detail.page?.page],
      [t("contact.locale"), contact.locale && localeName(contact.locale)],
      [t("contact.first_seen"), contact.first_seen && dateTime(contact.first_seen)],
      [t("contact.last_seen"), contact.last_seen && dateTime(contact.last_seen)],
      [t("contact.external_id"), contact.external_id],
      ...Object.entries(contact.attributes ?? {}).map(([name, value]) => [
        name,
        String(value ?? ""),
      ]),
    ]),
  );
}

function keysCard() {
  const pairs = [
    ["T", "keys.take"],
    ["R", "keys.reply"],
    ["N", "keys.note"],
    ["P", "keys.canned"],
    ["B", "keys.knowledge"],
    ["?", "keys.help"],
  ];
  return h(
    "section",
    { class: "card card-keys", "aria-label": t("keys.title") },
    pairs.map(([key, label]) => h("span", {}, h("kbd", {}, key), t(label))),
  );
}
