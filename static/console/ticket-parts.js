/** Small parts of tickets that several views show: states, due times, choices. */
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dateTime, duration, secondsSince } from "./time.js";

const SOON_SECONDS = 3600;

/** Draw the state of a ticket as a small label. */
export function statusMark(row) {
  return h("span", { class: `ticket-status ticket-status-${row.status}` }, row.status_label);
}

/** Draw a priority, unless it is an ordinary one. */
export function priorityMark(row) {
  if (!["high", "urgent"].includes(row.priority)) return null;
  return h("span", { class: `ticket-priority ticket-priority-${row.priority}` }, row.priority_label);
}

/** Draw by when a ticket is due, in words; null while nothing runs. */
export function dueMark(row) {
  if (!row.due_at) return null;
  const left = Math.floor((Date.parse(row.due_at) - Date.now()) / 1000);
  const over = left <= 0;
  const words = over
    ? t("ticket.overdue_by", { span: duration(secondsSince(row.due_at)) })
    : t("ticket.due_in", { span: duration(left) });
  const tone = over ? "over" : left < SOON_SECONDS ? "near" : "calm";
  return h(
    "span",
    { class: `ticket-due ticket-due-${tone}`, title: dateTime(row.due_at) },
    icon(over ? "breach" : "clock"),
    words,
  );
}

/** Build a labelled choice; options are {value, label}. */
export function choice(label, options, value, onChange = null) {
  const select = h(
    "select",
    onChange ? { on: { change: () => onChange(select.value) } } : {},
    options.map((option) => h("option", { value: option.value }, option.label)),
  );
  select.value = value ?? "";
  return { field: h("label", { class: "ticket-field" }, h("span", {}, label), select), select };
}

/** Return members or categories as options, with a first one that stands for none. */
export function named(rows, none) {
  return [{ value: "", label: none }, ...rows.map(({ id, name }) => ({ value: id, label: name }))];
}

/** Build a labelled text box, of one line or of `rows`. */
export function box(label, value, { rows = 0, maxlength, type = "text", required = false } = {}) {
  const input = rows
    ? h("textarea", { rows, maxlength, required })
    : h("input", { type, maxlength, required, autocomplete: "off" });
  input.value = value ?? "";
  return { field: h("label", { class: "ticket-field" }, h("span", {}, label), input), input };
}
