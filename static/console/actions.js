/** What an agent does with a conversation; every refusal becomes a calm sentence. */
import * as api from "./api.js";
import { t } from "./i18n.js";
import { refreshList } from "./listing.js";
import { ask, toast } from "./overlay.js";
import { changed, isMine, mayHandle, patchRow, putRow, state } from "./store.js";
import { loadDetail, syncThread } from "./sync.js";
import { askWrapUp, forgetWrapUp } from "./wrapup.js";

const busy = new Set();

/** Return whether something is under way for this conversation. */
export function isBusy(id) {
  return busy.has(id);
}

/** Return whether another system has the conversation, or may still get it. */
export function isElsewhere(row) {
  return Boolean(row?.elsewhere?.held);
}

/** Return whether the conversation waits for somebody to take it. */
export function canTake(row) {
  return mayHandle() && row?.status === "waiting_human" && !isElsewhere(row);
}

/** Return whether one may take the conversation back from another system. */
export function canTakeBack(row) {
  return mayHandle() && isElsewhere(row) && row.status !== "closed";
}

/** Return whether one may step in while the assistant answers. */
export function canStepIn(row) {
  return mayHandle() && row?.status === "bot";
}

/** Return whether the signed-in person may reply to the visitor. */
export function canReply(row) {
  return row?.status === "human" && isMine(row);
}

async function perform(id, work, refusal) {
  if (busy.has(id)) return false;
  busy.add(id);
  changed("composer");
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    await refusal(error);
    return false;
  } finally {
    busy.delete(id);
    changed("composer");
  }
}

// After a change the database decides what is true, whatever the answer's shape.
async function renew(id) {
  await Promise.allSettled([loadDetail(id), syncThread(id), refreshList()]);
}

/** Take a conversation; a lost race names who was faster. Returns whether it is one's own now. */
export function take(id) {
  return perform(
    id,
    async () => {
      await api.postTake(id);
      await renew(id);
      const row = state.rows.get(id);
      toast(t("take.done", { name: row?.contact.name ?? "" }), "done");
    },
    async (error) => {
      await renew(id);
      if (error.code !== "already_taken") return toast(error.message, "problem");
      const name = error.extra.agent?.name ?? state.rows.get(id)?.agent?.name;
      toast(name ? t("take.lost_to", { name }) : t("take.lost"), "info");
    },
  );
}

/** Give a conversation back to the assistant, after a question beside the button. */
export async function giveBack(id, button) {
  const note = await ask(button, {
    title: t("return.title"),
    text: t("return.text"),
    noteLabel: t("return.note"),
    action: t("return.action"),
  });
  if (note === null) return;
  await perform(
    id,
    async () => {
      await api.postReturn(id, note);
      patchRow(id, { status: "bot", agent: null, waiting_since: null });
      await renew(id);
      toast(t("return.done"), "done");
    },
    refused,
  );
}

/** Close a conversation, after asking what came of it. */
export async function close(id) {
  const held = state.rows.get(id)?.status === "human";
  const answer = await askWrapUp({
    key: id,
    title: t("close.title"),
    text: t("close.text"),
    action: t("close.action"),
    demanded: held && state.desk.wrap_up.demand === "required",
    danger: true,
  });
  if (answer === null) return;
  await perform(
    id,
    async () => {
      await api.postClose(id, answer.wrap_up);
      forgetWrapUp(id);
      patchRow(id, { status: "closed", waiting_since: null, snoozed_until: null });
      await renew(id);
      toast(t("close.done"), "done");
    },
    refused,
  );
}

/** Say afterwards what came of a closed conversation, or change it. */
export async function wrapUp(id) {
  const answer = await askWrapUp({
    key: id,
    title: t("wrapup.title"),
    text: "",
    action: t("action.save"),
    before: state.rows.get(id)?.wrap_up,
    demanded: true,
  });
  if (answer === null) return;
  await perform(
    id,
    async () => {
      patchRow(id, await api.postWrapUp(id, answer.wrap_up));
      forgetWrapUp(id);
      toast(t("wrapup.saved"), "done");
    },
    refused,
  );
}

async function refused(error) {
  toast(error.message, "problem");
  await refreshList();
}

/** Let an offer pass to the next agent. */
export function decline(id) {
  return perform(
    id,
    async () => {
      putRow(await api.postDecline(id));
    },
    refused,
  );
}

/** Pass a conversation on, to {to_member} or {to_group}. Returns whether it went. */
export function transfer(id, to, note) {
  return perform(
    id,
    async () => {
      await api.postTransfer(id, to, note, crypto.randomUUID());
      await renewIfSeen(id);
      toast(t("transfer.done"), "done");
    },
    refused,
  );
}

/** Give a conversation to a colleague at once. Returns whether it went. */
export function reassign(id, memberId) {
  return perform(
    id,
    async () => {
      putRow(await api.postReassign(id, memberId));
      toast(t("reassign.done"), "done");
    },
    refused,
  );
}

/** Give a conversation to oneself, whoever has it. Returns whether it worked. */
export function takeOver(id) {
  return perform(
    id,
    async () => {
      putRow(await api.postTakeOver(id));
      await renew(id);
      toast(t("take_over.done"), "done");
    },
    refused,
  );
}

// Passed to another group it may be out of sight; then there is nothing to renew.
async function renewIfSeen(id) {
  await Promise.allSettled([refreshList(), loadDetail(id), syncThread(id)]);
}

/** Return whether the signed-in person leads agents. */
export function maySupervise() {
  return Boolean(state.me?.member.can_supervise);
}

/** Set one's own presence; the former one returns if the server refuses. */
export async function setPresence(status) {
  const before = state.presence;
  state.presence = status;
  changed("me");
  try {
    const answer = await api.postPresence(status);
    state.presence = answer.status ?? status;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    state.presence = before;
    toast(error.message, "problem");
  }
  changed("me");
}
