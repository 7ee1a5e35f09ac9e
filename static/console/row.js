/** One conversation as a row of a list. */
import { resolvedBadge } from "./brief.js";
import { isChoosing, isChosen } from "./bulk.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { channelIcon, icon } from "./icons.js";
import { isMine, waitingSince } from "./store.js";
import { dateTime, shortTime } from "./time.js";
import { waitMark } from "./waits.js";

/** Return what a row's look depends on; as long as it is the same, nothing is drawn anew. */
export function rowSignature(row) {
  const box = isChoosing() && isChosen(row.id);
  return JSON.stringify([row, isMine(row), shortTime(row.last_at), isChoosing(), box]);
}

/** Draw a row's name, wait, last line, channel, reason and holder. */
export function fillRow(element, row) {
  const since = waitingSince(row);
  element.classList.toggle("row-unread", row.unread > 0);
  fill(
    element,
    h(
      "div",
      { class: "row-top" },
      isChoosing() && checkMark(row),
      h("span", { class: "row-name" }, row.contact.name || t("contact.anonymous")),
      row.contact.verified && verifiedMark(),
      row.demo && h("span", { class: "tag" }, t("row.demo")),
      h(
        "span",
        { class: "row-time" },
        since
          ? waitMark(since)
          : h(
              "time",
              { datetime: row.last_at ?? "", title: dateTime(row.last_at) },
              shortTime(row.last_at),
            ),
      ),
    ),
    h(
      "div",
      { class: "row-last" },
      h("span", { class: "row-text" }, authorHint(row), row.last_text || t("row.no_text")),
      row.unread > 0 && unreadMark(row.unread),
    ),
    h(
      "div",
      { class: "row-meta" },
      h(
        "span",
        { class: "row-channel", title: row.channel.name },
        channelIcon(row.channel.kind),
        row.channel.name,
      ),
      row.snoozed_until && snoozeMark(row),
      row.wrap_up && resolvedBadge(row.wrap_up),
      row.wrap_up?.category && h("span", { class: "tag" }, row.wrap_up.category.name),
      row.reason_label && h("span", { class: "tag tag-reason" }, row.reason_label),
      row.elsewhere && h("span", { class: "tag" }, elsewhereLine(row)),
      holder(row),
    ),
  );
}

/** Return what another system has to do with the conversation, in a few words. */
export function elsewhereLine(row) {
  const { system, state, agent } = row.elsewhere;
  if (state === "accepted" && agent) return t("elsewhere.accepted_by", { system, agent });
  return t(`elsewhere.${state}`, { system });
}

function unreadMark(count) {
  return h(
    "span",
    {
      class: "unread",
      title: t("row.unread", { n: count }),
      "aria-label": t("row.unread", { n: count }),
      role: "img",
    },
    count > 99 ? "99+" : String(count),
  );
}

// The row itself says whether it is chosen; this is for the eye.
function checkMark(row) {
  const chosen = isChosen(row.id);
  return h(
    "span",
    { class: `check-mark${chosen ? " is-chosen" : ""}`, "aria-hidden": "true" },
    chosen && icon("check"),
  );
}

function snoozeMark(row) {
  return h(
    "span",
    { class: "tag tag-snooze", title: t("snooze.until", { time: dateTime(row.snoozed_until) }) },
    icon("snooze"),
    shortTime(row.snoozed_until),
  );
}

function verifiedMark() {
  return h(
    "span",
    { class: "verified", title: t("contact.verified") },
    icon("verified"),
    h("span", { class: "hidden-text" }, t("contact.verified")),
  );
}

function authorHint(row) {
  const kind = row.last_author;
  if (!row.last_text || kind === "customer" || !kind) return null;
  const key = kind === "agent" && isMine(row) ? "row.author_me" : `row.author_${kind}`;
  return h("span", { class: "row-author" }, t(key));
}

function holder(row) {
  if (row.status === "bot")
    return h("span", { class: "row-holder" }, icon("spark"), t("status.bot"));
  if (row.elsewhere?.held) return null;
  if (row.agent && !isMine(row))
    return h("span", { class: "row-holder" }, icon("agent"), row.agent.name);
  if (row.status === "closed" && !row.wrap_up)
    return h("span", { class: "row-holder" }, t("status.closed"));
  return null;
}
