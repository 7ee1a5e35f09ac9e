/** The cards that tell an agent where they stand: hand-off brief, pages, what came of it. */
import { fill, h, isWebAddress, link } from "./dom.js";
import { hasText, t } from "./i18n.js";
import { icon } from "./icons.js";
import { dateTime, shortTime } from "./time.js";

/** Build what the assistant tried before the hand-off, the latest question first. */
export function triedList(handoff) {
  const tried = handoff?.tried ?? [];
  if (tried.length === 0) return null;
  return h(
    "details",
    { class: "tried" },
    h("summary", {}, t("brief.tried", { n: tried.length }), icon("chevron")),
    h(
      "ol",
      {},
      tried.map((each) =>
        h(
          "li",
          {},
          h("p", { class: "tried-question" }, each.question),
          h(
            "p",
            { class: "muted" },
            hasText(`outcome.${each.outcome}`) ? t(`outcome.${each.outcome}`) : each.outcome,
            " · ",
            each.why,
          ),
          each.entries.length > 0 &&
            h(
              "ul",
              { class: "tried-entries" },
              each.entries.map((entry) =>
                h("li", {}, h("span", {}, entry.question), h("b", {}, `${entry.percent}%`)),
              ),
            ),
        ),
      ),
    ),
  );
}

/** Return the facts of a brief about the visitor's mood, as far as it is known. */
export function moodFacts(handoff) {
  if (!handoff) return [];
  return [
    [t("brief.sounds_like"), handoff.sounds_like],
    [t("brief.unhelpful"), handoff.unhelpful > 0 ? t("brief.answers", { n: handoff.unhelpful }) : ""],
  ];
}

/** Build the pages from which the visitor wrote last; nothing where no page told. */
export function pagesCard(detail) {
  const pages = detail.pages ?? [];
  if (pages.length === 0) return null;
  return h(
    "section",
    { class: "card" },
    h("h3", {}, icon("globe"), t("pages.title")),
    h(
      "ol",
      { class: "pages" },
      pages.map((visit) =>
        h(
          "li",
          {},
          h("time", { datetime: visit.at, title: dateTime(visit.at) }, shortTime(visit.at)),
          isWebAddress(visit.page)
            ? link(visit.page, visit.title || visit.page)
            : h("span", {}, visit.title || visit.page),
        ),
      ),
    ),
  );
}

/** Build what came of a closed conversation, with the button that says or changes it. */
export function wrapUpCard(row, { mayWrite, onWrite }) {
  if (row.status !== "closed" || (!row.wrap_up && !mayWrite)) return null;
  const { wrap_up: account } = row;
  const card = h("section", { class: "card" }, h("h3", {}, icon("done"), t("wrapup.title")));
  if (account) {
    card.append(
      h(
        "p",
        {},
        resolvedBadge(account),
        account.category && h("span", { class: "tag" }, account.category.name),
      ),
    );
    if (account.summary) card.append(h("p", { class: "summary" }, account.summary));
    card.append(h("p", { class: "muted" }, `${account.by} · ${dateTime(account.at)}`));
  } else card.append(h("p", { class: "muted" }, t("wrapup.missing")));
  if (mayWrite) {
    const button = h("button", { type: "button", class: "button", on: { click: onWrite } });
    card.append(fill(button, icon("edit"), t(account ? "wrapup.change" : "wrapup.write")));
  }
  return card;
}

/** Build the mark that says whether the visitor was helped, in words and colour. */
export function resolvedBadge(account) {
  return h(
    "span",
    { class: `resolved resolved-${account.resolved}` },
    t(`wrapup.${account.resolved}`),
  );
}
