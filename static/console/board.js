/** The supervisors' board: queues, agents, today's promises, and what one may do about them. */
import { maySupervise } from "./actions.js";
import { ApiError, getBoard } from "./api.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { dialog, toast } from "./overlay.js";
import { state } from "./store.js";
import { dateTime, learnServerTime } from "./time.js";
import { openTransfer, takeOverAndShow } from "./transfer.js";
import { waitMark } from "./waits.js";

const AGAIN_MS = 5_000;

let board = null;
let content = null;
let timer = 0;
let handlers = {};

/** Build the board; handlers: onOpen(id), onWhisper(id). Returns what opens it. */
export function startBoard(given) {
  handlers = given;
  const box = part("board-dialog");
  const open = dialog("board-dialog", t("board.title"), () => {
    content = h("div", { class: "board-content", tabindex: -1 });
    draw();
    return content;
  });
  // The event of an earlier closing may arrive when the board is open again.
  box.addEventListener("close", () => box.open || clearInterval(timer));
  return async () => {
    if (!maySupervise() || box.open || !(await load())) return;
    open();
    clearInterval(timer);
    timer = setInterval(async () => (await load()) && draw(), AGAIN_MS);
  };
}

async function load() {
  const sentAt = Date.now();
  try {
    board = await getBoard();
    learnServerTime(board.server_time, sentAt);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (!part("board-dialog").open) toast(error.message, "problem");
    return false;
  }
}

function draw() {
  const top = content.parentElement?.scrollTop ?? 0;
  const focused = document.activeElement?.dataset?.key;
  const { groups, others } = board;
  fill(
    content,
    h("div", { class: "gauges" }, gauge("first_reply"), gauge("handoff"), breaches()),
    h(
      "div",
      { class: "board-groups" },
      groups.map((group) => groupCard(group, group.name)),
      (groups.length === 0 || others.waiting > 0 || others.agents.length > 0) &&
        groupCard(others, t(groups.length === 0 ? "board.everybody" : "board.ungrouped")),
    ),
    conversations(),
  );
  if (content.parentElement) content.parentElement.scrollTop = top;
  if (focused) content.querySelector(`[data-key="${focused}"]`)?.focus();
}

function gauge(kind) {
  const { met, breached, total } = board.promises[kind];
  // Rounded down: a promise is not kept by rounding.
  const share = total === 0 ? null : Math.floor((met / total) * 10_000) / 100;
  const seconds = state.me.promises[`${kind}_seconds`];
  return h(
    "section",
    { class: "gauge", dataset: { tone: breached > 0 ? "breach" : "ok" } },
    h("h3", {}, t(`board.${kind}`, { s: seconds })),
    h("strong", {}, share === null ? "–" : `${share.toFixed(2)}%`),
    h("progress", { max: 100, value: share ?? 0, "aria-hidden": "true" }),
    h("p", { class: "muted" }, t("board.kept", { met, total })),
  );
}

function breaches() {
  return h(
    "section",
    { class: "gauge", dataset: { tone: board.breaches.length > 0 ? "breach" : "ok" } },
    h("h3", {}, t("board.breaches")),
    board.breaches.length === 0
      ? h("p", { class: "muted" }, t("board.no_breaches"))
      : h(
          "ul",
          { class: "board-breaches" },
          board.breaches.map((breach, number) =>
            h(
              "li",
              {},
              button(`breach-${number}`, `${breach.label} ${dateTime(breach.due_at)}`, () =>
                show(breach.conversation_id),
              ),
            ),
          ),
        ),
  );
}

function groupCard(group, name) {
  return h(
    "section",
    { class: "board-group" },
    h(
      "h3",
      {},
      icon("team"),
      name,
      group.is_open === false &&
        h(
          "span",
          { class: "state state-warn" },
          group.opens_at
            ? t("group.closed_until", { time: dateTime(group.opens_at) })
            : t("group.closed"),
        ),
    ),
    h(
      "p",
      { class: "board-queue" },
      h("span", {}, t("board.waiting", { n: group.waiting })),
      group.longest_since && [
        h("span", { class: "muted" }, t("board.longest")),
        waitMark(group.longest_since),
      ],
    ),
    group.agents.length === 0
      ? h("p", { class: "muted" }, t("board.no_agents"))
      : h("ul", { class: "board-agents" }, group.agents.map(agentRow)),
  );
}

function agentRow(agent) {
  const load = board.loads[agent.id] ?? 0;
  const full = agent.capacity !== null && load >= agent.capacity;
  return h(
    "li",
    { dataset: { presence: agent.status } },
    h("i", { class: "dot" }),
    h("span", { class: "board-name" }, agent.name),
    h("span", { class: "muted" }, t(`presence.${agent.status}`)),
    h(
      "span",
      { class: full ? "board-load board-full" : "board-load" },
      agent.capacity === null ? String(load) : `${load}/${agent.capacity}`,
      full && h("span", { class: "hidden-text" }, t("board.full")),
    ),
  );
}

function conversations() {
  const rows = board.conversations;
  return h(
    "section",
    { class: "board-rows" },
    h("h3", {}, t("board.conversations", { n: rows.length })),
    rows.length === 0 && h("p", { class: "muted" }, t("board.nothing")),
    rows.length > 0 && h("ul", { class: "board-list" }, rows.map(conversationRow)),
  );
}

function conversationRow(row) {
  const waiting = row.status === "waiting_human";
  const status = waiting
    ? t(row.offer ? "board.ringing" : "status.waiting_human")
    : t("status.theirs", { name: row.agent?.name ?? "" });
  return h(
    "li",
    {},
    h(
      "div",
      { class: "board-who" },
      h("strong", {}, row.contact.name || t("contact.anonymous")),
      row.reason_label && h("span", { class: "tag tag-reason" }, row.reason_label),
      row.group && h("span", { class: "tag" }, row.group.name),
      h("span", { class: `status status-${row.status}` }, status),
      row.waiting_since && waitMark(row.waiting_since),
      h("span", { class: "offer-text muted" }, row.last_text),
    ),
    h(
      "div",
      { class: "board-deeds" },
      button(`view-${row.id}`, t("board.view"), () => show(row.id)),
      button(`whisper-${row.id}`, t("board.whisper"), () => {
        part("board-dialog").close();
        handlers.onWhisper(row.id);
      }),
      row.agent?.id !== state.me.member.id &&
        button(`over-${row.id}`, t("take_over.action"), async () => {
          part("board-dialog").close();
          await takeOverAndShow(row.id);
        }),
      button(`give-${row.id}`, t("reassign.action"), () => {
        part("board-dialog").close();
        openTransfer(row.id, { giving: true });
      }),
    ),
  );
}

function button(key, label, onClick) {
  return h(
    "button",
    { type: "button", class: "button", dataset: { key }, on: { click: onClick } },
    label,
  );
}

function show(id) {
  if (!id) return;
  part("board-dialog").close();
  handlers.onOpen(id);
}
