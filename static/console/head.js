/** The head of the conversation: who it is, how it stands, what one may do. */
import {
  canReply,
  canStepIn,
  canTake,
  canTakeBack,
  close,
  giveBack,
  isBusy,
  isElsewhere,
} from "./actions.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { channelIcon, icon } from "./icons.js";
import { elsewhereLine } from "./row.js";
import { isSnoozed, snooze } from "./snooze.js";
import { isMine, mayHandle, state, subscribe, waitingSince } from "./store.js";
import { newTicket } from "./ticket-dialog.js";
import { dateTime } from "./time.js";
import { openTransfer, supervisorButtons } from "./transfer.js";
import { viewersOf } from "./viewing.js";
import { waitMark } from "./waits.js";

let headBox;
let drawn = "";
let handlers = {};

/** Build the head; handlers: onBack, onContext, onTake(id). */
export function startHead(given) {
  handlers = given;
  headBox = part("thread-head");
  subscribe(["open", "rows", "me", "composer", "viewing"], drawHead);
}

function statusLine(row) {
  if (isElsewhere(row)) return elsewhereLine(row);
  if (row.status === "human")
    return isMine(row) ? t("status.mine") : t("status.theirs", { name: row.agent?.name ?? "" });
  return t(`status.${row.status}`);
}

function drawHead() {
  const row = state.rows.get(state.openId);
  const busy = isBusy(state.openId);
  const signature = JSON.stringify([
    state.openId,
    row && [row.contact, row.channel, row.status, row.agent, row.elsewhere, waitingSince(row), row.demo],
    row?.snoozed_until,
    busy,
    state.me?.member?.id,
    viewersOf(state.openId),
  ]);
  if (drawn === signature) return;
  drawn = signature;
  headBox.hidden = !state.openId;
  if (!row) return fill(headBox, backButton());
  const since = waitingSince(row);
  fill(
    headBox,
    backButton(),
    h(
      "div",
      { class: "thread-who" },
      h(
        "h1",
        {},
        h("span", { class: "thread-name" }, row.contact.name || t("contact.anonymous")),
        row.contact.verified &&
          h(
            "span",
            { class: "verified", title: t("contact.verified") },
            icon("verified"),
            h("span", { class: "hidden-text" }, t("contact.verified")),
          ),
        row.demo && h("span", { class: "tag" }, t("row.demo")),
      ),
      h(
        "p",
        {},
        h("span", { class: `status status-${row.status}` }, statusLine(row)),
        h("span", { class: "row-channel" }, channelIcon(row.channel.kind), row.channel.name),
        since && waitMark(since),
        isSnoozed(row) &&
          h(
            "span",
            { class: "tag tag-snooze" },
            icon("snooze"),
            t("snooze.until", { time: dateTime(row.snoozed_until) }),
          ),
        viewers(state.openId),
      ),
    ),
    h("div", { class: "thread-actions" }, ticketButton(), actionButtons(row, busy)),
    h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": t("context.toggle"),
        title: t("context.toggle"),
        on: { click: () => handlers.onContext() },
      },
      icon("panel"),
    ),
  );
}

function viewers(id) {
  const names = viewersOf(id);
  if (names.length === 0) return null;
  return h(
    "span",
    { class: "viewers" },
    icon("eye"),
    t("viewing.who", { names: names.join(t("viewing.and")) }),
  );
}

function backButton() {
  return h(
    "button",
    {
      type: "button",
      class: "icon-button back",
      "aria-label": t("action.back"),
      title: t("action.back"),
      on: { click: () => handlers.onBack() },
    },
    icon("back"),
  );
}

function ticketButton() {
  if (!mayHandle()) return null;
  return h(
    "button",
    { type: "button", class: "button", title: t("ticket.new"), on: { click: newTicket } },
    icon("ticket"),
    h("span", { class: "button-label" }, t("ticket.one")),
  );
}

function actionButtons(row, busy) {
  const button = (name, label, onClick, extra = "") =>
    h(
      "button",
      {
        type: "button",
        class: `button ${extra}`,
        disabled: busy,
        title: label,
        on: { click: onClick },
      },
      icon(name),
      h("span", { class: "button-label" }, label),
    );
  if (canTake(row))
    return button("agent", t("take.action"), () => handlers.onTake(row.id), "button-main");
  if (canTakeBack(row))
    return button("agent", t("take.back"), () => handlers.onTake(row.id));
  if (canStepIn(row)) return button("agent", t("take.step_in"), () => handlers.onTake(row.id));
  if (!canReply(row)) return supervisorButtons(row, button);
  return [
    button("transfer", t("transfer.action"), () => openTransfer(row.id)),
    snoozeButton(row, button),
    button("return", t("return.action"), (event) => giveBack(row.id, event.currentTarget)),
    button("done", t("close.action"), () => close(row.id)),
  ];
}

function snoozeButton(row, button) {
  const label = t(isSnoozed(row) ? "snooze.wake" : "snooze.action");
  const made = button("snooze", label, (event) => snooze(row.id, event.currentTarget));
  made.dataset.part = "snooze";
  return made;
}

/** Put the open conversation aside, as by the button. */
export function snoozeOpen() {
  headBox.querySelector("[data-part=snooze]")?.click();
}

/** Close the open conversation, if one may. */
export function closeOpen() {
  const row = state.rows.get(state.openId);
  if (row && (canReply(row) || canTake(row)) && !isBusy(row.id)) close(row.id);
}
