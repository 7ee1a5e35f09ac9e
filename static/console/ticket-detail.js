/** One ticket: what it is about, what was said and done, and what may be done now. */
import { ApiError } from "./api.js";
import { fill, h, linked } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { newKey } from "./outbox.js";
import { toast } from "./overlay.js";
import { mayHandle } from "./store.js";
import {
  getChoices,
  getTicket,
  postAssignee,
  postComment,
  postMerge,
  postPriority,
  postStatus,
  tellTicket,
} from "./ticket-hub.js";
import { choice, dueMark, named, priorityMark, statusMark } from "./ticket-parts.js";
import { dateTime } from "./time.js";

const drafts = new Map();

let pane = null;
let handlers = {};
let openId = null;
let busy = false;
let stale = false;

/** Draw tickets into this element; handlers: onConversation(id), onTicket(id), onBack(). */
export function showIn(element, given) {
  pane = element;
  handlers = given;
  pane.addEventListener("focusout", () => {
    if (stale) setTimeout(renewTicket);
  });
}

/** Leave the ticket on screen for another one, or for none with null. */
export function showTicket(nextId) {
  openId = nextId;
  if (!openId) {
    fill(pane, h("p", { class: "ticket-empty" }, t("ticket.choose")));
    return;
  }
  fill(pane, h("p", { class: "ticket-empty", role: "status" }, t("ticket.loading")));
  renewTicket({ force: true });
}

/** Whether somebody is writing in the pane: nothing may be drawn under their hands. */
function isWriting() {
  const at = document.activeElement;
  return pane.contains(at) && ["comment", "into"].includes(at.name);
}

/** Ask again for the ticket on screen; while one writes, it is drawn once they have left the box. */
export async function renewTicket({ force = false } = {}) {
  const id = openId;
  if (!id) return;
  if (!force && isWriting()) {
    stale = true;
    return;
  }
  stale = false;
  try {
    const [ticket, choices] = await Promise.all([getTicket(id), getChoices()]);
    if (id !== openId) return;
    if (!force && isWriting()) stale = true;
    else draw(ticket, choices);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (id === openId) fill(pane, h("p", { class: "ticket-empty", role: "alert" }, error.message));
  }
}

/** Do something to the ticket; a refusal becomes a sentence, and the truth is drawn either way. */
async function perform(work) {
  if (busy) return false;
  busy = true;
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "problem");
    return false;
  } finally {
    busy = false;
    await renewTicket({ force: true });
  }
}

function draw(ticket, choices) {
  const top = pane.scrollTop;
  const writing = pane.contains(document.activeElement) ? document.activeElement.name : "";
  const may = mayHandle();
  fill(
    pane,
    head(ticket),
    may && ticket.status !== "closed" && controls(ticket, choices),
    facts(ticket),
    h("ol", { class: "ticket-said" }, said(ticket)),
    may && composer(ticket),
    may && ticket.status !== "closed" && merging(ticket),
    history(ticket),
  );
  pane.scrollTop = top;
  if (writing) pane.querySelector(`[name="${writing}"]`)?.focus();
}

function head(ticket) {
  return h(
    "header",
    { class: "ticket-head" },
    h(
      "button",
      {
        type: "button",
        class: "icon-button ticket-back",
        "aria-label": t("action.back"),
        on: { click: () => handlers.onBack() },
      },
      icon("back"),
    ),
    h(
      "div",
      {},
      h(
        "p",
        { class: "ticket-line" },
        h("span", { class: "ticket-number" }, ticket.number),
        statusMark(ticket),
        priorityMark(ticket),
        dueMark(ticket),
        ticket.paused && ticket.status === "pending" && h("span", {}, t("ticket.paused")),
      ),
      h("h3", {}, ticket.subject),
    ),
    ticket.conversation_id &&
      h(
        "button",
        {
          type: "button",
          class: "button",
          on: { click: () => handlers.onConversation(ticket.conversation_id) },
        },
        icon("chat"),
        t("ticket.conversation"),
      ),
  );
}

function controls(ticket, choices) {
  const categories = [...choices.categories];
  if (ticket.category && !categories.some(({ id }) => id === ticket.category.id))
    categories.push(ticket.category);
  const members = [...choices.members];
  if (ticket.assignee && !members.some(({ id }) => id === ticket.assignee.id))
    members.push(ticket.assignee);
  const priority = choice(t("ticket.priority"), choices.priorities, ticket.priority, (value) =>
    perform(() => postPriority(ticket.id, value, ticket.category?.id ?? null)),
  );
  const category = choice(
    t("ticket.category"),
    named(categories, t("ticket.none")),
    ticket.category?.id,
    (value) => perform(() => postPriority(ticket.id, ticket.priority, value || null)),
  );
  const assignee = choice(
    t("ticket.assignee"),
    named(members, t("ticket.nobody")),
    ticket.assignee?.id,
    (value) => perform(() => postAssignee(ticket.id, value || null)),
  );
  const status = choice(
    t("ticket.status"),
    [{ value: "", label: ticket.status_label }, ...ticket.moves],
    "",
    (value) => value && perform(() => postStatus(ticket.id, value)),
  );
  for (const [name, { select }] of Object.entries({ priority, category, assignee, status }))
    select.name = name;
  return h(
    "div",
    { class: "ticket-fields" },
    status.field,
    assignee.field,
    priority.field,
    category.field,
  );
}

function facts(ticket) {
  const pairs = [
    [t("ticket.name"), ticket.name || ticket.contact.name],
    [t("profile.phone"), ticket.phone],
    [t("profile.email"), ticket.email],
    [t("ticket.origin"), ticket.origin_label],
    [t("ticket.opened"), dateTime(ticket.created_at)],
    [
      t("ticket.respond_due"),
      ticket.first_responded_at
        ? t("ticket.responded", { at: dateTime(ticket.first_responded_at) })
        : dateTime(ticket.respond_due_at),
    ],
    [
      t("ticket.resolve_due"),
      ticket.solved_at
        ? t("ticket.solved", { at: dateTime(ticket.solved_at) })
        : dateTime(ticket.resolve_due_at),
    ],
    [t("ticket.merged"), ticket.merged.join(", ")],
  ].filter(([, value]) => value);
  return h(
    "dl",
    { class: "facts ticket-facts" },
    pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
    ticket.merged_into && [
      h("dt", {}, t("ticket.merged_into")),
      h(
        "dd",
        {},
        h(
          "button",
          {
            type: "button",
            class: "earlier-link",
            on: { click: () => handlers.onTicket(ticket.merged_into.id) },
          },
          ticket.merged_into.number,
        ),
      ),
    ],
  );
}

function said(ticket) {
  const first = {
    author: { kind: "customer", name: "" },
    text: ticket.description,
    is_public: true,
    created_at: ticket.created_at,
  };
  return [first, ...ticket.comments].map((comment) =>
    h(
      "li",
      { class: comment.is_public ? `ticket-${comment.author.kind}` : "ticket-internal" },
      h(
        "p",
        { class: "ticket-line muted" },
        comment.author.kind === "agent" ? comment.author.name : t("author.customer"),
        !comment.is_public && h("span", { class: "tag" }, t("ticket.internal")),
        comment.merged_from &&
          h("span", { class: "tag" }, t("ticket.from", { number: comment.merged_from })),
        h("time", { datetime: comment.created_at }, dateTime(comment.created_at)),
      ),
      h("p", { class: "ticket-words" }, linked(comment.text)),
    ),
  );
}

function composer(ticket) {
  const draft = drafts.get(ticket.id) ?? { text: "", isPublic: true, clientId: newKey() };
  drafts.set(ticket.id, draft);
  const closed = ticket.status === "closed";
  if (closed) draft.isPublic = false;
  const text = h("textarea", {
    rows: 3,
    maxlength: 4000,
    name: "comment",
    "aria-label": t("ticket.comment"),
    placeholder: t("ticket.comment"),
    on: {
      input: () => {
        draft.text = text.value;
      },
      keydown: (event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.isComposing)
          form.requestSubmit();
      },
    },
  });
  text.value = draft.text;
  const mode = (isPublic, label) => {
    const input = h("input", {
      type: "radio",
      name: "audience",
      checked: draft.isPublic === isPublic,
      disabled: closed && isPublic,
      on: {
        change: () => {
          draft.isPublic = isPublic;
          form.classList.toggle("ticket-internal", !isPublic);
        },
      },
    });
    return h("label", {}, input, label);
  };
  const form = h(
    "form",
    { class: draft.isPublic ? "ticket-composer" : "ticket-composer ticket-internal" },
    h(
      "div",
      { class: "ticket-line", role: "radiogroup", "aria-label": t("composer.modes") },
      mode(true, t("ticket.public_comment")),
      mode(false, t("ticket.internal_comment")),
    ),
    text,
    h(
      "div",
      { class: "ask-buttons" },
      h("span", { class: "muted" }, t("ticket.send_hint")),
      h("button", { type: "submit", class: "button button-main" }, t("ticket.send")),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!draft.text.trim()) return text.focus();
    await perform(async () => {
      await postComment(ticket.id, {
        client_id: draft.clientId,
        text: draft.text,
        is_public: draft.isPublic,
      });
      drafts.delete(ticket.id);
      tellTicket({ ...ticket });
    });
  });
  return form;
}

function merging(ticket) {
  const input = h("input", {
    name: "into",
    maxlength: 20,
    required: true,
    autocomplete: "off",
    placeholder: ticket.number,
    "aria-label": t("ticket.merge_into"),
  });
  const form = h(
    "form",
    { class: "ticket-line" },
    input,
    h("button", { type: "submit", class: "button" }, t("ticket.merge")),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform(async () => {
      const main = await postMerge(ticket.id, input.value);
      handlers.onTicket(main.id);
    });
  });
  return h(
    "details",
    { class: "ticket-merge" },
    h("summary", {}, t("ticket.merge_into")),
    h("p", { class: "muted" }, t("ticket.merge_hint")),
    form,
  );
}

function history(ticket) {
  return h(
    "details",
    { class: "ticket-history" },
    h("summary", {}, t("ticket.history")),
    h(
      "ol",
      {},
      ticket.history.map((event) =>
        h(
          "li",
          {},
          h("time", { datetime: event.at }, dateTime(event.at)),
          " ",
          t(`ticket.did_${event.kind}`, {
            assignee: event.assignee ?? t("ticket.nobody"),
            status: event.status ?? "",
            priority: event.priority ?? "",
          }),
          event.by && ` · ${event.by}`,
        ),
      ),
    ),
  );
}
