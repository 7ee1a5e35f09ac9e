/** The dialog in which an agent opens a ticket from a conversation. */
import { ApiError } from "./api.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { newKey } from "./outbox.js";
import { dialog, toast } from "./overlay.js";
import { state } from "./store.js";
import { getChoices, getDraft, postTicket } from "./ticket-hub.js";
import { box, choice, named, statusMark } from "./ticket-parts.js";

let openDialog = () => {};
let showTicket = () => {};

/** Build the dialog; `onShow(id)` shows a ticket. */
export function startTicketDialog(onShow) {
  showTicket = onShow;
  openDialog = dialog("ticket-dialog", t("ticket.new"), () => {
    const content = h("div", { class: "ticket-new" }, h("p", { role: "status" }, t("ticket.loading")));
    prepare(content, state.openId);
    return content;
  });
}

/** Open the dialog for the conversation on screen. */
export function newTicket() {
  if (state.openId) openDialog();
}

async function prepare(content, conversationId) {
  try {
    const [draft, choices] = await Promise.all([getDraft(conversationId), getChoices()]);
    buildForm(content, conversationId, draft, choices);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    fill(content, h("p", { role: "alert" }, error.message));
  }
}

function buildForm(content, conversationId, draft, choices) {
  const clientId = newKey();
  const subject = box(t("ticket.subject"), draft.subject, { maxlength: 120, required: true });
  const description = box(t("ticket.description"), draft.description, {
    rows: 5,
    maxlength: 8000,
    required: true,
  });
  const priority = choice(t("ticket.priority"), choices.priorities, "normal");
  const category = choice(t("ticket.category"), named(choices.categories, t("ticket.none")), "");
  const assignee = choice(
    t("ticket.assignee"),
    named(choices.members, t("ticket.nobody")),
    state.me?.member.id,
  );
  const name = box(t("ticket.name"), draft.name, { maxlength: 60 });
  const phone = box(t("profile.phone"), draft.phone, { maxlength: 40, type: "tel" });
  const email = box(t("profile.email"), draft.email, { maxlength: 254, type: "email" });
  const problem = h("p", { class: "ticket-problem", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: "button button-main" }, t("ticket.create"));
  const form = h(
    "form",
    {},
    openOnes(draft.open),
    subject.field,
    description.field,
    h("p", { class: "muted" }, t("ticket.visitor_reads")),
    h("div", { class: "ticket-fields" }, priority.field, category.field, assignee.field),
    h("div", { class: "ticket-fields" }, name.field, phone.field, email.field),
    h("p", { class: "muted" }, t("ticket.proof_hint")),
    problem,
    h("div", { class: "ask-buttons" }, submit),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (submit.disabled) return;
    submit.disabled = true;
    problem.hidden = true;
    try {
      const row = await postTicket({
        client_id: clientId,
        conversation_id: conversationId,
        subject: subject.input.value,
        description: description.input.value,
        priority: priority.select.value,
        category: category.select.value || null,
        assignee: assignee.select.value || null,
        name: name.input.value,
        phone: phone.input.value,
        email: email.input.value,
      });
      part("ticket-dialog").close();
      toast(t("ticket.created", { number: row.number }), "done");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      problem.textContent = error.message;
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  });
  fill(content, form);
  subject.input.focus();
}

function openOnes(rows) {
  if (rows.length === 0) return null;
  return h(
    "div",
    { class: "ticket-open-ones" },
    h("p", {}, t("ticket.has_open", { n: rows.length })),
    h(
      "ul",
      {},
      rows.map((row) =>
        h(
          "li",
          {},
          h(
            "button",
            {
              type: "button",
              class: "earlier-link",
              on: {
                click: () => {
                  part("ticket-dialog").close();
                  showTicket(row.id);
                },
              },
            },
            h("span", {}, row.number, " ", row.subject),
            statusMark(row),
          ),
        ),
      ),
    ),
  );
}
