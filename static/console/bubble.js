/** One utterance as it stands in the thread: visitor left, assistant and agents right. */
import { fill, h, isWebAddress, link, linked } from "./dom.js";
import { hasText, t } from "./i18n.js";
import { icon } from "./icons.js";
import { withMentions } from "./mentions.js";
import { surveyLine } from "./survey.js";
import { messageFiles, messageMenu, messageQuote } from "./message-menu.js";
import { clock, dateTime } from "./time.js";

// Fixed wording by law (contract L9); no setting changes it.
const AI_BADGE = { "zh-CN": "AI 生成", en: "AI-generated" };

/**
 * Build a message.
 *
 * `look` says: follows (the same author goes on), mine, marked (delivery is shown), lastOwn (and
 * spelled out), visitor (the visitor's name, on their messages), language.
 */
export function messageBubble(message, look) {
  const kind = message.author.kind;
  if (message.survey) return surveyLine(message);
  if (kind === "system") return systemLine(message);
  const side = { customer: "visitor", bot: "bot", agent: "agent" }[kind] ?? "bot";
  return h(
    "article",
    {
      class: `say say-${side} has-menu${look.follows ? " say-follows" : ""}${
        message.withdrawn_at ? " is-withdrawn" : ""
      }`,
      dataset: { seq: message.seq },
    },
    !look.follows && head(message, look),
    h("div", { class: "say-line" }, said(message), messageMenu(message, look)),
    offered(message),
    kind === "bot" && sources(message),
    kind === "bot" && why(message.decision),
    kind === "bot" && feedback(message),
    kind === "agent" && message.cites && standard(),
    kind === "agent" && look.marked && delivery(message.status, look.lastOwn),
  );
}

function head(message, look) {
  const { kind, name } = message.author;
  return h(
    "header",
    { class: "say-head" },
    h(
      "span",
      { class: "say-name" },
      look.mine ? t("author.me") : name || look.visitor || t(`author.${kind}`),
    ),
    kind === "bot" && h("span", { class: "ai-badge" }, icon("spark"), AI_BADGE[look.language]),
    timeMark(message.created_at),
  );
}

function timeMark(iso) {
  return h("time", { datetime: iso, title: dateTime(iso) }, clock(iso));
}

function systemLine(message) {
  return h(
    "p",
    { class: "system-line", dataset: { seq: message.seq } },
    h("span", {}, linked(message.text ?? "")),
    timeMark(message.created_at),
  );
}

function said(message) {
  const text = message.withdrawn_at ? t("file.withdrawn") : message.text;
  return h(
    "div",
    { class: "bubble" },
    messageQuote(message),
    text && h("div", { class: "bubble-words" }, linked(text)),
    messageFiles(message),
  );
}

function offered(message) {
  const buttons = message.buttons ?? [];
  if (buttons.length === 0) return null;
  return h(
    "ul",
    { class: "offered", "aria-label": t("message.offered") },
    buttons.map((button) => h("li", {}, button.label)),
  );
}

function sources(message) {
  const found = (message.sources ?? []).filter((source) => source.title || source.url);
  if (found.length === 0) return null;
  return h(
    "p",
    { class: "say-foot" },
    `${t("message.sources")} `,
    found.map((source, index) => [
      index > 0 && " · ",
      isWebAddress(source.url) ? link(source.url, source.title || source.url) : source.title,
    ]),
  );
}

function standard() {
  return h("p", { class: "say-foot" }, icon("book"), h("span", {}, t("message.standard")));
}

function why(decision) {
  if (!decision) return null;
  const outcome = hasText(`outcome.${decision.outcome}`)
    ? t(`outcome.${decision.outcome}`)
    : decision.outcome;
  return h(
    "details",
    { class: "why" },
    h("summary", {}, t("message.why", { outcome }), icon("chevron")),
    h("div", { class: "why-body" }, reasons(decision.why)),
  );
}

// A reason may come as a sentence, a list of them, or named figures.
function reasons(value) {
  if (value === null || value === undefined || value === "") return t("message.why_empty");
  if (Array.isArray(value))
    return h(
      "ul",
      {},
      value.map((item) => h("li", {}, reasons(item))),
    );
  if (typeof value === "object") {
    return h(
      "dl",
      {},
      Object.entries(value).map(([name, item]) => [h("dt", {}, name), h("dd", {}, reasons(item))]),
    );
  }
  return String(value);
}

function feedback({ feedback: value, feedback_reason: reason, feedback_comment: comment }) {
  if (value !== "helpful" && value !== "unhelpful") return null;
  return h(
    "p",
    { class: `say-foot feedback feedback-${value}` },
    icon(value === "helpful" ? "thumb_up" : "thumb_down"),
    t(`feedback.${value}`),
    reason && hasText(`feedback.reason.${reason}`) && ` · ${t(`feedback.reason.${reason}`)}`,
    comment && ` · ${comment}`,
  );
}

function delivery(status, spelled) {
  if (!["sent", "delivered", "read"].includes(status)) return null;
  const label = t(`delivery.${status}`);
  return h(
    "p",
    { class: `say-foot delivery delivery-${status}`, title: label },
    icon(status === "sent" ? "check" : "checks"),
    h("span", { class: spelled ? "" : "hidden-text" }, label),
  );
}

/** Build a private note. */
export function noteBubble(note, { mine }) {
  return h(
    "article",
    { class: "say say-note", dataset: { note: note.number } },
    h(
      "header",
      { class: "say-head" },
      icon("lock"),
      h(
        "span",
        { class: "say-name" },
        mine ? t("note.mine") : t("note.by", { name: note.author?.name ?? "" }),
      ),
      timeMark(note.created_at),
    ),
    h("div", { class: "bubble" }, withMentions(note.text, note.mentions, linked)),
  );
}

/** Build a reply or note that is still on its way, with its retry when it failed. */
export function pendingBubble(entry, { onRetry, onDiscard }) {
  const failed = entry.state === "failed";
  const box = h(
    "article",
    {
      class: `say say-${entry.kind === "note" ? "note" : "agent"} say-pending${failed ? " say-failed" : ""}`,
    },
    said(entry),
  );
  const foot = h("p", { class: "say-foot" });
  if (!failed) fill(foot, t("pending.sending"));
  else {
    fill(
      foot,
      icon("breach"),
      h(
        "span",
        {},
        entry.error ? t("pending.failed_because", { error: entry.error }) : t("pending.failed"),
      ),
      h(
        "button",
        { type: "button", class: "link-button", on: { click: onRetry } },
        t("action.retry"),
      ),
      h(
        "button",
        { type: "button", class: "link-button", on: { click: onDiscard } },
        t("pending.edit"),
      ),
    );
    foot.setAttribute("role", "alert");
  }
  box.append(foot);
  return box;
}

/** Build a line across the thread: a day, a new inquiry, where the unread begins. */
export function markLine(text, kind) {
  return h("div", { class: `mark mark-${kind}`, role: "separator" }, h("span", {}, text));
}
