/** The head of the conversation: who it is, how it stands, what one may do. */
import { canReply, canStepIn, canTake, close, giveBack, isBusy } from "./actions.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { channelIcon, icon } from "./icons.js";
import { isMine, state, subscribe, waitingSince } from "./store.js";
import { waitMark } from "./waits.js";

let headBox;
let drawn = "";
let handlers = {};

/** Build the head; handlers: onBack, onContext, onTake(id). */
export function startHead(given) {
  handlers = given;
  headBox = part("thread-head");
  subscribe(["open", "rows", "me", "composer"], drawHead);
}

function statusLine(row) {
  if (row.status === "human")
    return isMine(row) ? t("status.mine") : t("status.theirs", { name: row.agent?.name ?? "" });
  return t(`status.${row.status}`);
}

function drawHead() {
  const row = state.rows.get(state.openId);
  const busy = isBusy(state.openId);
  const signature = JSON.stringify([
    state.openId,
    row && [row.contact, row.channel, row.status, row.agent, waitingSince(row), row.demo],
    busy,
    state.me?.member?.id,
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
      ),
    ),
    h("div", { class: "thread-actions" }, actionButtons(row, busy)),
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
  if (canStepIn(row)) return button("agent", t("take.step_in"), () => handlers.onTake(row.id));
  if (!canReply(row)) return null;
  return [
    button("return", t("return.action"), (event) => giveBack(row.id, event.currentTarget)),
    button("done", t("close.action"), (event) => close(row.id, event.currentTarget)),
  ];
}
