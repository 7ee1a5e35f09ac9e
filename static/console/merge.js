/** The dialog in which two contacts are found to be one person: both side by side, then a question. */
import { ApiError } from "./api.js";
import * as api from "./customer-api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { toast } from "./overlay.js";
import { openSheet, problemLine } from "./sheet.js";
import { dateTime } from "./time.js";

const PAUSE_MS = 250;

/** Ask who else this person is; `change` does something that answers with the card. */
export function mergeSheet(card, change) {
  openSheet(
    t("merge.title", { name: card.name }),
    (close) => {
      const found = h("ul", { class: "merge-found" });
      const input = h("input", {
        type: "search",
        maxlength: 100,
        placeholder: t("merge.search"),
        "aria-label": t("merge.search"),
        autocomplete: "off",
      });
      const beside = h("div", {});
      const problem = problemLine();
      let timer = 0;
      let asked = 0;
      const search = async () => {
        asked += 1;
        const mine = asked;
        try {
          const { contacts } = await api.findContacts(input.value.trim(), card.id);
          if (mine !== asked) return;
          fill(problem);
          fill(
            found,
            contacts.length === 0
              ? h("li", { class: "muted" }, t("merge.nobody"))
              : contacts.map((other) => h("li", {}, choice(other))),
          );
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          fill(problem, error.message);
        }
      };
      const choice = (other) =>
        h(
          "button",
          {
            type: "button",
            class: "merge-choice",
            on: { click: () => fill(beside, compare(card, other, change, close)) },
          },
          h("strong", {}, other.name),
          h("span", { class: "muted" }, known(other, "phone") || known(other, "email")),
          h("small", { class: "muted" }, dateTime(other.last_seen)),
        );
      input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(search, PAUSE_MS);
      });
      search();
      return [input, problem, found, beside];
    },
    { wide: true },
  );
}

const known = (contact, name) => {
  const { value, source, noted } = contact.facts[name];
  return source === "signed" ? value : noted || value;
};

function compare(card, other, change, close) {
  // The one whom the client's own system knows is kept.
  const [kept, merged] = other.verified && !card.verified ? [other, card] : [card, other];
  const both = card.verified && other.verified;
  const rows = [
    [t("merge.identity"), (one) => identity(one)],
    [t("profile.name"), (one) => known(one, "name")],
    [t("profile.phone"), (one) => known(one, "phone")],
    [t("profile.email"), (one) => known(one, "email")],
    [t("contact.external_id"), (one) => one.external_id],
    [t("contact.channel"), (one) => one.channel],
    [t("contact.first_seen"), (one) => dateTime(one.first_seen)],
    [t("contact.last_seen"), (one) => dateTime(one.last_seen)],
  ];
  return h(
    "div",
    { class: "merge-beside" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          h("td", {}),
          h("th", { scope: "col" }, t("merge.kept")),
          h("th", { scope: "col" }, t("merge.merged")),
        ),
      ),
      h(
        "tbody",
        {},
        rows.map(([label, value]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, label),
            h("td", {}, value(kept) || "–"),
            h("td", {}, value(merged) || "–"),
          ),
        ),
      ),
    ),
    both
      ? h("p", { class: "merge-warning" }, icon("breach"), t("merge.two_identities"))
      : h("p", { class: "merge-warning" }, icon("breach"), t("merge.warning")),
    !both && h("p", { class: "muted" }, t("merge.what")),
    !both &&
      h(
        "div",
        { class: "ask-buttons" },
        h("button", { type: "button", class: "button", on: { click: close } }, t("action.cancel")),
        h(
          "button",
          {
            type: "button",
            class: "button button-main",
            on: {
              click: async (event) => {
                event.currentTarget.disabled = true;
                const done = await change(() => api.postMerge(kept.id, { other: merged.id }));
                event.target.disabled = false;
                if (!done) return;
                close();
                toast(t("merge.done"), "done");
              },
            },
          },
          t("merge.action"),
        ),
      ),
  );
}

function identity(one) {
  return one.verified
    ? h("span", { class: "state state-ok" }, icon("verified"), t("contact.verified"))
    : h("span", { class: "state" }, t("contact.unverified"));
}
