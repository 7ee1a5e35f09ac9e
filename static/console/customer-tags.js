/** The tags of the customer's card: typed and added with Enter, taken off with their cross. */
import { ApiError } from "./api.js";
import * as api from "./customer-api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { date } from "./customer-dates.js";

const LIST_ID = "customer-tag-names";

/** Build the tags with their field; `change` does something that answers with the card. */
export function tagsPart(card, change) {
  if (card.tags.length === 0 && !card.may.change) return null;
  return h(
    "div",
    { class: "tags" },
    h(
      "ul",
      { class: "tag-list", "aria-label": t("tags.title") },
      card.tags.map((tag) => h("li", {}, tagMark(card, tag, change))),
    ),
    card.may.change && tagField(card, change),
  );
}

function tagMark(card, tag, change) {
  const told = [
    tag.by ?? tag.source_label,
    tag.reason,
    t("tags.until", { until: date(tag.expires_at) }),
  ];
  return h(
    "span",
    { class: `tag tag-${tag.colour}`, title: told.filter(Boolean).join(" · ") },
    tag.name,
    tag.source !== "agent" && h("small", {}, tag.source_label),
    card.may.change &&
      h(
        "button",
        {
          type: "button",
          class: "tag-remove",
          "aria-label": t("tags.remove", { name: tag.name }),
          on: { click: () => change((id) => api.postTag(id, { remove: tag.id })) },
        },
        icon("close"),
      ),
  );
}

function tagField(card, change) {
  const names = h("datalist", { id: LIST_ID });
  const input = h("input", {
    class: "tag-input",
    list: LIST_ID,
    maxlength: 40,
    placeholder: t("tags.add"),
    "aria-label": t("tags.add"),
    autocomplete: "off",
  });
  const form = h("form", { class: "tag-form" }, input, names);
  let known = [];
  input.addEventListener(
    "focus",
    async () => {
      try {
        known = (await api.getTags()).tags;
      } catch (error) {
        // Names can be typed without the list.
        if (!(error instanceof ApiError)) throw error;
      }
      const has = new Set(card.tags.map((tag) => tag.id));
      fill(
        names,
        known.filter((tag) => !has.has(tag.id)).map((tag) => h("option", { value: tag.name })),
      );
    },
    { once: true },
  );
  input.addEventListener("keydown", (event) => {
    const last = card.tags.at(-1);
    if (event.key === "Escape") input.blur();
    if (event.key !== "Backspace" || input.value || !last || event.repeat) return;
    event.preventDefault();
    afterwards(change((id) => api.postTag(id, { remove: last.id })));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const name = input.value.trim();
    if (!name) return;
    const tag = known.find((each) => each.name === name);
    afterwards(change((id) => api.postTag(id, tag ? { add: tag.id } : { name })));
  });
  return form;
}

// The card is drawn anew; whoever was adding tags goes on adding.
async function afterwards(done) {
  if (await done) document.querySelector(".tag-input")?.focus();
}
