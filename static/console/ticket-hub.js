/** Calls about tickets, and who wants to hear of them. */
import { call } from "./api.js";

const listeners = new Set();

/** Call the listener with each ticket's row that is new or has changed. */
export function onTicket(listener) {
  listeners.add(listener);
}

/** Tell everybody who listens how a ticket stands now. */
export function tellTicket(row) {
  for (const listener of listeners) listener(row);
}

const ticket = (id, tail = "") => `tickets/${encodeURIComponent(id)}${tail}`;

async function change(id, tail, body) {
  const row = await call("POST", ticket(id, tail), { body });
  tellTicket(row);
  return row;
}

/** Return one page of a list: mine, open, overdue or all; or the tickets of one contact. */
export const getTickets = (query) => call("GET", "tickets", { query });

/** Return one ticket with all that was said and done. */
export const getTicket = (id) => call("GET", ticket(id));

/** Return a ticket as a conversation suggests it. */
export const getDraft = (id) =>
  call("GET", `conversations/${encodeURIComponent(id)}/ticket-draft`);

let choices = null;

/** Return categories, priorities and members, asked for once a minute at most. */
export function getChoices() {
  if (!choices || performance.now() - choices.at > 60_000) {
    choices = { at: performance.now(), answer: call("GET", "tickets/choices") };
    choices.answer.catch(() => {
      choices = null;
    });
  }
  return choices.answer;
}

/** Open a ticket; the same client_id never makes two. */
export async function postTicket(body) {
  const row = await call("POST", "tickets", { body });
  tellTicket(row);
  return row;
}

/** Add a comment; the same client_id never makes two. */
export const postComment = (id, body) => call("POST", ticket(id, "/comments"), { body });

/** Put a ticket into another state. */
export const postStatus = (id, status) => change(id, "/status", { status });

/** Give a ticket to a member, or to nobody with null. */
export const postAssignee = (id, assignee) => change(id, "/assignee", { assignee });

/** Give a ticket a priority and a category. */
export const postPriority = (id, priority, category) =>
  change(id, "/priority", { priority, category });

/** Let the ticket of this number go on for both. */
export const postMerge = (id, into) => change(id, "/merge", { into });
