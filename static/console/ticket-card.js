/** The card with the tickets of the visitor whose conversation is open. */
import { ApiError } from "./api.js";
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { newTicket } from "./ticket-dialog.js";
import { getTickets, onTicket } from "./ticket-hub.js";
import { dueMark, statusMark } from "./ticket-parts.js";
import { mayHandle } from "./store.js";

const SHOWN = 5;

let contactId = null;
let list = h("ul", { class: "earlier" });
let show = () => {};

/** Begin to follow tickets; `onShow(id)` shows one. */
export function startTicketCard(onShow) {
  show = onShow;
  onTicket((row) => {
    if (row.contact.id === contactId) load(contactId);
  });
}

/** Build the card of a contact. */
export function ticketCard(contact) {
  if (contact.id !== contactId) {
    contactId = contact.id;
    list = h("ul", { class: "earlier" });
    load(contactId);
  }
  return h(
    "section",
    { class: "card" },
    h("h3", {}, icon("ticket"), t("ticket.card")),
    list,
    mayHandle() &&
      h(
        "button",
        { type: "button", class: "button", on: { click: newTicket } },
        icon("ticket"),
        t("ticket.new"),
      ),
  );
}

async function load(id) {
  try {
    const { tickets } = await getTickets({ list: "all", contact: id });
    if (id !== contactId) return;
    fill(
      list,
      tickets.length === 0 && h("li", { class: "muted" }, t("ticket.card_none")),
      tickets.slice(0, SHOWN).map(line),
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(list, h("li", { class: "muted" }, error.message));
  }
}

function line(row) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "earlier-link", on: { click: () => show(row.id) } },
      h("span", { class: "ticket-line" }, row.number, statusMark(row), dueMark(row)),
      h("span", {}, row.subject),
    ),
  );
}
