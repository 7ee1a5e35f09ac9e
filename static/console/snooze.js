/** Puts a conversation aside until a time, and says when it is back. */
import { ApiError, postSnooze } from "./api.js";
import { call } from "./alerts.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { floatBeside, toast } from "./overlay.js";
import { patchRow, state } from "./store.js";
import { asLocal, dateTime, fromLocal } from "./time.js";

const MINUTE_MS = 60_000;
const MORNING = "09:00";
const LONGEST_DAYS = 30;

function tomorrow() {
  const day = asLocal(new Date(Date.now() + 24 * 60 * MINUTE_MS)).slice(0, 10);
  return fromLocal(`${day}T${MORNING}`);
}

const later = (minutes) => new Date(Date.now() + minutes * MINUTE_MS);

const CHOICES = [
  ["snooze.minutes", () => later(15)],
  ["snooze.hour", () => later(60)],
  ["snooze.hours", () => later(180)],
  ["snooze.tomorrow", tomorrow],
];

/** Return whether the conversation is put aside. */
export const isSnoozed = (row) => Boolean(row?.snoozed_until);

/** Offer times beside a button, or take up again what is put aside. */
export function snooze(id, button) {
  if (isSnoozed(state.rows.get(id))) return change(id, null);
  floatBeside(button, t("snooze.title"), (close) => {
    const pick = (at) => {
      close();
      change(id, at);
    };
    return [
      h("h2", {}, t("snooze.title")),
      h("p", { class: "muted" }, t("snooze.hint")),
      CHOICES.map(([key, at]) =>
        h(
          "button",
          { type: "button", class: "menu-item", on: { click: () => pick(at()) } },
          h("span", {}, t(key)),
          h("time", { class: "muted" }, dateTime(at().toISOString())),
        ),
      ),
      ownTime(pick),
    ];
  });
}

function ownTime(pick) {
  const field = h("input", {
    type: "datetime-local",
    required: true,
    min: asLocal(later(1)),
    max: asLocal(later(LONGEST_DAYS * 24 * 60 - 5)),
    value: asLocal(tomorrow()),
    "aria-label": t("snooze.at"),
  });
  const form = h(
    "form",
    { class: "snooze-own" },
    field,
    h("button", { type: "submit", class: "button" }, t("snooze.set")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    pick(fromLocal(field.value));
  });
  return form;
}

async function change(id, at) {
  try {
    const row = await postSnooze(id, at?.toISOString() ?? null);
    patchRow(id, { snoozed_until: row.snoozed_until });
    toast(at ? t("snooze.done", { time: dateTime(row.snoozed_until) }) : t("snooze.over"), "done");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "problem");
  }
}

/** Take over that a conversation is back. */
export function takeWoken({ conversation_id: id, because, contact }) {
  const text = t(`snooze.woken_${because}`, { name: contact.name || t("contact.anonymous") });
  patchRow(id, { snoozed_until: null });
  toast(text, "info");
  call(`woken-${id}`, text, id);
}
