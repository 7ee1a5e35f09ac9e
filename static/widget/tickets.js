/** Leaving a message, and what became of those left before: a sheet over the conversation. */

import { ApiError } from "./api.js";
import { make, part, setText } from "./dom.js";
import { t } from "./i18n.js";
import { randomId } from "./storage.js";

const FIELDS = ["text", "name", "phone", "email"];

function instant(iso) {
  const at = new Date(iso);
  const two = (number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

function button(words, className, act) {
  const made = make("button", { type: "button", className }, words);
  made.addEventListener("click", act);
  return made;
}

/**
 * Bind the sheet; `api` takes leave(body), list(), read(number) and comment(number, body), and
 * `closed` is called when the visitor is done with it. At `lookupUrl` tickets that were left from
 * another device are found.
 */
export function createTickets({ api, lookupUrl, closed }) {
  const sheet = part("tickets");
  const title = part("tickets-title");
  const content = part("tickets-content");
  const kept = { client_id: randomId(), values: {} };
  let mode = null;
  let turn = 0;

  part("tickets-close").addEventListener("click", close);

  /** What lies under the sheet can't be reached while it is open. */
  function cover(yes) {
    sheet.hidden = !yes;
    for (const other of sheet.parentElement.children) {
      if (other !== sheet) other.inert = yes;
    }
  }

  function close() {
    cover(false);
    mode = null;
    turn += 1;
    closed();
  }

  function reveal(next, words, ...nodes) {
    mode = next;
    turn += 1;
    cover(true);
    setText(title, t(words));
    content.replaceChildren(...nodes);
    content.scrollTop = 0;
  }

  function saying(words, role = "status") {
    return make("p", { className: "ticket-say", role }, words);
  }

  /** Say why a call failed, in the visitor's language where the server did not. */
  function reason(error) {
    const errors = error.body && error.body.errors;
    const first = errors && Object.values(errors).flat()[0];
    if (typeof first === "string") return first;
    if (error.status === 429) return t("ticket_too_many");
    if (error.temporary) return t("ticket_offline");
    return (error.body && error.body.detail) || t("error_generic");
  }

  function field(name, { rows = 0, type = "text", autocomplete = "off", max } = {}) {
    const input = rows ? make("textarea", { rows }) : make("input", { type });
    input.id = `ticket-${name}`;
    input.name = name;
    input.maxLength = max;
    input.autocomplete = autocomplete;
    input.value = kept.values[name] || "";
    input.addEventListener("input", () => {
      kept.values[name] = input.value;
    });
    const label = make("label", { className: "ticket-label" }, t(`ticket_${name}`));
    label.htmlFor = input.id;
    return [label, input];
  }

  /** Show the form in which a message is left. */
  function showForm() {
    const form = make("form", { className: "ticket-form" });
    form.noValidate = true;
    const problem = make("p", { className: "ticket-problem", role: "alert", hidden: true });
    const submit = make("button", { type: "submit", className: "primary" }, t("ticket_submit"));
    form.append(
      make("p", { className: "ticket-lead" }, t("ticket_lead")),
      ...field("text", { rows: 5, max: 4000 }),
      ...field("name", { max: 60, autocomplete: "name" }),
      ...field("phone", { type: "tel", max: 40, autocomplete: "tel" }),
      ...field("email", { type: "email", max: 254, autocomplete: "email" }),
      make("p", { className: "ticket-lead" }, t("ticket_reach")),
      problem,
      submit,
      button(t("ticket_mine"), "link", showList),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const values = Object.fromEntries(
        FIELDS.map((name) => [name, (kept.values[name] || "").trim()]),
      );
      const missing = !values.text
        ? "ticket_need_text"
        : !values.phone && !values.email
          ? "ticket_need_reach"
          : "";
      problem.hidden = !missing;
      if (missing) {
        setText(problem, t(missing));
        form.querySelector(values.text ? "#ticket-phone" : "#ticket-text").focus();
        return;
      }
      submit.disabled = true;
      setText(submit, t("sending"));
      try {
        showDone(await api.leave({ client_id: kept.client_id, ...values }));
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        setText(problem, reason(error));
        problem.hidden = false;
      } finally {
        submit.disabled = false;
        setText(submit, t("ticket_submit"));
      }
    });
    reveal("form", "ticket_leave", form);
    form.querySelector("textarea").focus({ preventScroll: true });
  }

  function showDone(ticket) {
    kept.client_id = randomId();
    kept.values.text = "";
    const number = make("p", { className: "ticket-big", tabIndex: -1 }, ticket.number);
    reveal(
      "done",
      "ticket_leave",
      saying(t("ticket_done")),
      number,
      make("p", { className: "ticket-lead" }, t("ticket_keep")),
      button(t("ticket_show"), "secondary", () => showOne(ticket.number)),
      button(t("ticket_back"), "primary", close),
    );
    number.focus();
  }

  /** Load something and show it, unless the visitor has gone elsewhere meanwhile. */
  async function load(next, words, work) {
    reveal(next, words, saying(t("older_loading")));
    const mine = turn;
    try {
      const nodes = await work();
      if (mine === turn) content.replaceChildren(...nodes);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine !== turn) return;
      content.replaceChildren(
        saying(reason(error), "alert"),
        button(t("ticket_mine"), "secondary", showList),
      );
    }
    if (mine === turn) content.querySelector("button")?.focus({ preventScroll: true });
  }

  function status(ticket) {
    return make(
      "span",
      { className: `ticket-status ticket-status-${ticket.status}` },
      t(`ticket_status_${ticket.status}`),
    );
  }

  /** Show the visitor's tickets. */
  function showList() {
    return load("list", "ticket_mine", async () => {
      const { tickets } = await api.list();
      const rows = tickets.map((ticket) => {
        const row = button("", "ticket-row", () => showOne(ticket.number));
        row.append(
          make("span", { className: "ticket-number" }, ticket.number),
          status(ticket),
          make("span", { className: "ticket-subject" }, ticket.subject),
        );
        return row;
      });
      return [
        ...(rows.length ? rows : [saying(t("ticket_none"))]),
        button(t("ticket_leave"), "secondary", showForm),
        make(
          "a",
          { className: "ticket-lookup", href: lookupUrl, target: "_blank", rel: "noopener" },
          t("ticket_lookup"),
        ),
      ];
    });
  }

  function bubble(kind, name, text, at) {
    const who = kind === "agent" ? name || t("agent") : t("ticket_you");
    return make(
      "li",
      { className: `ticket-words from-${kind === "agent" ? "team" : "visitor"}` },
      make("p", { className: "ticket-who" }, `${who} · ${instant(at)}`),
      make("p", { className: "ticket-text" }, text),
    );
  }

  function showOne(number) {
    return load("one", "ticket_one", async () => {
      const ticket = await api.read(number);
      const said = make(
        "ol",
        { className: "ticket-said" },
        bubble("customer", "", ticket.text, ticket.created_at),
        ...ticket.comments.map((each) =>
          bubble(each.author.kind, each.author.name, each.text, each.created_at),
        ),
      );
      return [
        make(
          "p",
          { className: "ticket-head" },
          make("span", { className: "ticket-number" }, ticket.number),
          status(ticket),
        ),
        said,
        ...(ticket.can_reply ? [replyForm(ticket)] : [saying(t("ticket_closed"))]),
        button(t("ticket_mine"), "link", showList),
      ];
    });
  }

  function replyForm(ticket) {
    const client_id = randomId();
    const box = make("textarea", { rows: 2, maxLength: 4000 });
    box.setAttribute("aria-label", t("ticket_reply"));
    box.placeholder = t("ticket_reply");
    const problem = make("p", { className: "ticket-problem", role: "alert", hidden: true });
    const submit = make("button", { type: "submit", className: "primary" }, t("send"));
    const form = make("form", { className: "ticket-form" }, box, problem, submit);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = box.value.trim();
      if (!text) return;
      submit.disabled = true;
      try {
        await api.comment(ticket.number, { client_id, text });
        await showOne(ticket.number);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        setText(problem, reason(error));
        problem.hidden = false;
        submit.disabled = false;
      }
    });
    return form;
  }

  return {
    leave: showForm,
    list: showList,
    /** Close the open sheet; returns whether there was one. */
    close() {
      if (mode === null) return false;
      close();
      return true;
    },
    /** Speak another language: what is on screen is built again. */
    retranslate() {
      if (mode === "form" || mode === "done") showForm();
      else if (mode !== null) showList();
    },
  };
}
