/** The forms of the customer's card: facts, blocking, serving again. */
import * as api from "./customer-api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { toast } from "./overlay.js";
import { field, openSheet } from "./sheet.js";

function form({ fields, action, danger = false, onSubmit }, close) {
  const submit = h(
    "button",
    { type: "submit", class: danger ? "button button-danger" : "button button-main" },
    action,
  );
  const box = h(
    "form",
    { class: "sheet-form" },
    fields,
    h(
      "div",
      { class: "ask-buttons" },
      h(
        "button",
        { type: "button", class: "button", on: { click: close } },
        t("action.cancel"),
      ),
      submit,
    ),
  );
  box.addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    // A refusal is told in a toast, and what was typed stays.
    if (await onSubmit(new FormData(box))) close();
    submit.disabled = false;
  });
  return box;
}

/** Ask what one was told: name, phone, e-mail, remark, and whether the person opted out. */
export function editSheet(card, change) {
  openSheet(t("profile.edit_title"), (close) => {
    const input = (name, type, limit, value) =>
      h("input", { name, type, maxlength: limit, value, autocomplete: "off" });
    const noted = (name) => card.facts[name].noted;
    return form(
      {
        fields: [
          h("p", { class: "muted" }, t("profile.edit_hint")),
          field(t("profile.name"), input("name", "text", 60, noted("name"))),
          field(t("profile.phone"), input("phone", "tel", 40, noted("phone"))),
          field(t("profile.email"), input("email", "email", 254, noted("email"))),
          field(
            t("profile.remark"),
            h("textarea", { name: "remark", rows: 3, maxlength: 500 }, card.remark),
          ),
          h(
            "label",
            { class: "sheet-check" },
            h("input", { name: "opted_out", type: "checkbox", checked: card.opted_out }),
            t("profile.opt_out"),
          ),
        ],
        action: t("profile.save"),
        onSubmit: async (data) => {
          const facts = Object.fromEntries(
            ["name", "phone", "email", "remark"].map((name) => [name, data.get(name).trim()]),
          );
          const out = data.has("opted_out");
          const body = out === card.opted_out ? facts : { ...facts, opted_out: out };
          const done = await change((id) => api.postFacts(id, body));
          if (done) toast(t("profile.saved"), "done");
          return done;
        },
      },
      close,
    );
  });
}

/** Ask why and for how long, then serve the person no more. */
export function blockSheet(card, change) {
  openSheet(t("profile.block_title", { name: card.name }), (close) =>
    form(
      {
        fields: [
          h("p", {}, t("profile.block_text")),
          field(
            t("profile.reason"),
            h("textarea", { name: "reason", rows: 3, maxlength: 200, required: true }),
            t("profile.reason_hint"),
          ),
          field(
            t("profile.block_for"),
            h(
              "select",
              { name: "days" },
              [1, 7, 30, 0].map((days) =>
                h(
                  "option",
                  { value: days, selected: days === 7 },
                  days ? t("profile.days", { n: days }) : t("profile.until_lifted"),
                ),
              ),
            ),
          ),
        ],
        action: t("profile.block"),
        danger: true,
        onSubmit: async (data) => {
          const days = Number(data.get("days")) || null;
          const done = await change((id) => api.postBlock(id, { reason: data.get("reason"), days }));
          if (done) toast(t("profile.block_done"), "done");
          return done;
        },
      },
      close,
    ),
  );
}

/** Ask why, then serve the person again. */
export function unblockSheet(card, change) {
  openSheet(t("profile.unblock_title", { name: card.name }), (close) =>
    form(
      {
        fields: [
          h("p", {}, t("profile.unblock_text")),
          field(
            t("profile.reason"),
            h("textarea", { name: "reason", rows: 3, maxlength: 200, required: true }),
          ),
        ],
        action: t("profile.unblock"),
        onSubmit: async (data) => {
          const done = await change((id) => api.postUnblock(id, { reason: data.get("reason") }));
          if (done) toast(t("profile.unblock_done"), "done");
          return done;
        },
      },
      close,
    ),
  );
}
