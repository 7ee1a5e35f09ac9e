/** Choosing several conversations, and closing them at once. */
import { ApiError, postBulkClose } from "./api.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { refreshList } from "./listing.js";
import { announce, toast } from "./overlay.js";
import { changed, isMine, listedRows, mayHandle, patchRow, state } from "./store.js";
import { askWrapUp, forgetWrapUp } from "./wrapup.js";

const MOST = 100;
const KEY = "bulk";

const chosen = new Set();
let on = false;
let bar;

/** Build the bar over the rows; it shows while one is choosing. */
export function bulkBar() {
  bar = h("div", { class: "bulk", hidden: true });
  return bar;
}

/** Return whether one is choosing. */
export const isChoosing = () => on;

/** Return whether a conversation is among those chosen. */
export const isChosen = (id) => chosen.has(id);

/** Begin or end choosing. */
export function toggleChoosing() {
  if (!mayHandle()) return;
  on = !on;
  chosen.clear();
  announce(t(on ? "bulk.on" : "bulk.off"));
  draw();
}

// Only what one may close oneself: what is one's own, and what waits.
const mayClose = (row) =>
  row.status === "waiting_human" || (row.status === "human" && isMine(row));

/** Choose a conversation, or no longer. */
export function toggleChosen(id) {
  const row = state.rows.get(id);
  if (!row) return;
  if (chosen.has(id)) chosen.delete(id);
  else if (!mayClose(row)) return toast(t("bulk.not_yours"), "info");
  else if (chosen.size >= MOST) return toast(t("bulk.most", { n: MOST }), "info");
  else chosen.add(id);
  draw();
}

function chooseAll() {
  for (const row of listedRows()) if (mayClose(row) && chosen.size < MOST) chosen.add(row.id);
  draw();
}

function draw() {
  bar.hidden = !on;
  const button = (label, onClick, extra = "", disabled = false) =>
    h(
      "button",
      { type: "button", class: `button button-small ${extra}`, disabled, on: { click: onClick } },
      label,
    );
  fill(
    bar,
    h("span", { class: "bulk-count", role: "status" }, t("bulk.chosen", { n: chosen.size })),
    button(t("bulk.all"), chooseAll),
    button(t("bulk.close"), closeChosen, "button-danger", chosen.size === 0),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("bulk.end"),
        title: t("bulk.end"),
        on: { click: toggleChoosing },
      },
      icon("close"),
    ),
  );
  changed("list");
}

/** Close what is chosen, after a question with the number. */
export async function closeChosen() {
  const ids = [...chosen];
  if (ids.length === 0) return;
  const held = ids.some((id) => state.rows.get(id)?.status === "human");
  const answer = await askWrapUp({
    key: KEY,
    title: t("bulk.title", { n: ids.length }),
    text: t("bulk.text"),
    action: t("bulk.action", { n: ids.length }),
    demanded: held && state.desk.wrap_up.demand === "required",
    danger: true,
  });
  if (answer === null) return;
  let results;
  try {
    results = (await postBulkClose(ids, answer.wrap_up)).results;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return toast(error.message, "problem");
  }
  forgetWrapUp(KEY);
  for (const { id, ok } of results) {
    if (!ok) continue;
    chosen.delete(id);
    patchRow(id, { status: "closed", waiting_since: null, snoozed_until: null });
  }
  report(results);
  if (chosen.size === 0) toggleChoosing();
  else draw();
  refreshList();
}

function report(results) {
  const failed = results.filter((result) => !result.ok);
  const done = results.length - failed.length;
  if (failed.length === 0) return toast(t("bulk.done", { n: done }), "done");
  const box = part("bulk-dialog");
  fill(
    box,
    h(
      "div",
      { class: "dialog-content" },
      h("h2", { id: "bulk-title" }, t("bulk.partly", { done, failed: failed.length })),
      h(
        "ul",
        { class: "bulk-results" },
        failed.map(({ id, detail }) =>
          h(
            "li",
            {},
            h("b", {}, state.rows.get(id)?.contact.name || t("contact.anonymous")),
            h("span", {}, detail),
          ),
        ),
      ),
      h(
        "div",
        { class: "ask-buttons" },
        h(
          "button",
          { type: "button", class: "button button-main", on: { click: () => box.close() } },
          t("action.close"),
        ),
      ),
    ),
  );
  box.setAttribute("aria-labelledby", "bulk-title");
  box.showModal();
}
