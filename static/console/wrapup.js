/** Asks what came of a conversation: when it is closed, for several at once, or afterwards. */
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { state } from "./store.js";

const RESOLUTIONS = ["yes", "partly", "no"];
const DRAFT = "yingda.wrapup.";
const SUMMARY_LENGTH = 1000;

/**
 * Ask in a dialog; resolves to null if the person turns away, else to {wrap_up}: the account, or
 * null where none was given.
 *
 * `key` names the draft, which lasts until it is sent; `before` is an account to be changed.
 */
export function askWrapUp({ key, title, text, action, before = null, demanded, danger = false }) {
  return new Promise((resolve) => {
    const box = part("wrapup-dialog");
    let answer = null;
    const given = restore(key) ?? {
      resolved: before?.resolved ?? "",
      category_id: before?.category?.id ?? "",
      summary: before?.summary ?? "",
    };
    const problem = h("p", { class: "problem", role: "alert" });
    const form = h(
      "form",
      { class: "stacked wrapup", novalidate: true },
      h("h2", { id: "wrapup-title" }, title),
      text && h("p", { class: "muted" }, text),
      h(
        "fieldset",
        {},
        h("legend", {}, t("wrapup.resolved")),
        RESOLUTIONS.map((value, index) => choice(value, index, given.resolved)),
      ),
      category(given.category_id),
      h(
        "label",
        { class: "field" },
        h("span", {}, t("wrapup.summary")),
        summary(given.summary),
      ),
      problem,
      h("p", { class: "muted key-hint" }, t("wrapup.keys")),
      h(
        "div",
        { class: "ask-buttons" },
        h(
          "button",
          { type: "button", class: "button", on: { click: () => box.close() } },
          t("action.cancel"),
        ),
        h(
          "button",
          { type: "submit", class: danger ? "button button-danger" : "button button-main" },
          action,
        ),
      ),
    );
    const values = () => {
      const data = new FormData(form);
      return {
        resolved: data.get("resolved") ?? "",
        category_id: data.get("category_id") || null,
        summary: (data.get("summary") ?? "").trim(),
      };
    };
    const submit = () => {
      const account = values();
      const said = account.category_id || account.summary;
      if (!account.resolved && (demanded || said)) {
        fill(problem, t("wrapup.choose"));
        form.querySelector("[name=resolved]").focus();
        return;
      }
      answer = { wrap_up: account.resolved ? account : null };
      box.close();
    };
    form.addEventListener("input", () => keep(key, values()));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      submit();
    });
    form.addEventListener("keydown", (event) => onKey(event, form, submit, () => keep(key, values())));
    const closed = () => {
      // The event of an earlier closing may arrive when the box is open again.
      if (box.open) return;
      box.removeEventListener("close", closed);
      resolve(answer);
    };
    box.addEventListener("close", closed);
    box.setAttribute("aria-labelledby", "wrapup-title");
    fill(box, h("div", { class: "dialog-content" }, form));
    box.showModal();
    (form.querySelector("[name=resolved]:checked") ?? form.querySelector("[name=resolved]")).focus();
  });
}

/** Forget the draft: it was sent. */
export function forgetWrapUp(key) {
  keep(key, null);
}

function onKey(event, form, submit, changed) {
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    return submit();
  }
  if (event.target.matches("textarea, select") || event.ctrlKey || event.metaKey || event.altKey)
    return;
  const resolution = RESOLUTIONS[Number(event.key) - 1];
  if (!resolution) return;
  event.preventDefault();
  const radio = form.querySelector(`[name=resolved][value=${resolution}]`);
  radio.checked = true;
  radio.focus();
  changed();
}

function choice(value, index, chosen) {
  return h(
    "label",
    { class: `choice resolved-${value}` },
    h("input", { type: "radio", name: "resolved", value, checked: value === chosen }),
    h("span", {}, t(`wrapup.${value}`)),
    h("kbd", { "aria-hidden": "true" }, String(index + 1)),
  );
}

function category(chosen) {
  const { categories } = state.desk.wrap_up;
  if (categories.length === 0) return null;
  return h(
    "label",
    { class: "field" },
    h("span", {}, t("wrapup.category")),
    h(
      "select",
      { name: "category_id" },
      h("option", { value: "" }, t("wrapup.no_category")),
      categories.map((each) =>
        h("option", { value: each.id, selected: each.id === chosen }, each.name),
      ),
    ),
  );
}

function summary(text) {
  const field = h("textarea", { name: "summary", rows: 3, maxlength: SUMMARY_LENGTH });
  field.value = text;
  return field;
}

function restore(key) {
  try {
    return JSON.parse(sessionStorage.getItem(DRAFT + key));
  } catch {
    return null;
  }
}

function keep(key, values) {
  try {
    if (values) sessionStorage.setItem(DRAFT + key, JSON.stringify(values));
    else sessionStorage.removeItem(DRAFT + key);
  } catch {
    // Without storage the draft lasts as long as the dialog.
  }
}
