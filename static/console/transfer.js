/** Passing a conversation on: the dialog of colleagues and groups, for agents and supervisors. */
import { maySupervise, reassign, takeOver, transfer } from "./actions.js";
import { ApiError, getTargets } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dialog, toast } from "./overlay.js";
import { dateTime } from "./time.js";

let open = () => {};
let asked = { id: null, giving: false, targets: null };
let handlers = {};

/** Build the dialog; handlers: onTake(id) shows a conversation that was taken over. */
export function startTransfer(given) {
  handlers = given;
  open = dialog("transfer-dialog", t("transfer.title"), build);
}

/** Ask to whom a conversation shall go; with `giving` it is the colleague's at once. */
export async function openTransfer(id, { giving = false } = {}) {
  try {
    asked = { id, giving, targets: await getTargets() };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return toast(error.message, "problem");
  }
  open();
}

/** Build what a supervisor may do with a conversation that somebody else has. */
export function supervisorButtons(row, button) {
  if (row.status !== "human" || !maySupervise()) return null;
  return [
    button("agent", t("take_over.action"), () => takeOverAndShow(row.id)),
    button("transfer", t("reassign.action"), () => openTransfer(row.id, { giving: true })),
  ];
}

/** Take a conversation over and show it. */
export async function takeOverAndShow(id) {
  if (await takeOver(id)) handlers.onTake(id);
}

function build() {
  const { giving, targets } = asked;
  const groups = giving ? [] : targets.groups;
  const { members } = targets;
  const note = h("textarea", {
    rows: 3,
    maxlength: 1000,
    "aria-label": t("transfer.note"),
    placeholder: t("transfer.note"),
  });
  const send = h(
    "button",
    { type: "submit", class: "button button-main", disabled: true },
    t(giving ? "reassign.action" : "transfer.action"),
  );
  const form = h(
    "form",
    {
      class: "transfer",
      on: {
        submit: (event) => submit(event, note),
        change: () => {
          send.disabled = !form.querySelector("input[type=radio]:checked");
        },
      },
    },
    groups.length > 0 && choices(t("transfer.groups"), groups.map(groupChoice)),
    choices(
      t("transfer.members"),
      members.length > 0
        ? members.map(memberChoice)
        : [h("p", { class: "muted" }, t("transfer.nobody"))],
    ),
    !giving && note,
    h("p", { class: "muted" }, t(giving ? "reassign.text" : "transfer.text")),
    h("div", { class: "ask-buttons" }, send),
  );
  queueMicrotask(() => form.querySelector("input[type=radio]")?.focus());
  return form;
}

function choices(title, children) {
  return h("fieldset", { class: "choices" }, h("legend", {}, title), children);
}

function choice(name, value, label, presence, ...facts) {
  return h(
    "label",
    { class: "choice" },
    h("input", { type: "radio", name: "target", value, dataset: { kind: name } }),
    h("span", { class: "choice-name", dataset: presence ? { presence } : {} }, label),
    facts,
  );
}

function groupChoice(group) {
  const opening = group.opens_at
    ? t("group.closed_until", { time: dateTime(group.opens_at) })
    : t("group.closed");
  return choice(
    "to_group",
    group.id,
    [icon("team"), group.name],
    null,
    group.is_open
      ? h("span", { class: "muted" }, t("group.online", { n: group.online }))
      : h("span", { class: "state state-warn" }, opening),
  );
}

function memberChoice(member) {
  return choice(
    "to_member",
    member.id,
    [h("i", { class: "dot" }), member.name],
    member.status,
    h("span", { class: "muted" }, t(`presence.${member.status}`)),
    h("span", { class: "muted" }, t("group.load", { n: member.load })),
    member.groups.length > 0 && h("span", { class: "muted choice-groups" }, member.groups.join(" · ")),
  );
}

async function submit(event, note) {
  event.preventDefault();
  const form = event.currentTarget;
  const chosen = form.querySelector("input[type=radio]:checked");
  if (!chosen) return;
  const { id, giving } = asked;
  const went = giving
    ? await reassign(id, chosen.value)
    : await transfer(id, { [chosen.dataset.kind]: chosen.value }, note.value.trim());
  if (went) form.closest("dialog").close();
}
