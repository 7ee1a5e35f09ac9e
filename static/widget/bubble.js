/** One message on the screen. */

import { clock } from "./dates.js";
import { make, setText } from "./dom.js";
import { t } from "./i18n.js";
import { createReasons } from "./reasons.js";
import { createSurvey } from "./survey.js";
import { filesOfItem, menuOfItem, quoteOfItem } from "./message-menu.js";
import { appendText, linkTo, safeAddress } from "./text.js";

const UNSENT = ["unsent", "failed"];

function speaker(item, assistant) {
  if (item.author === "customer") return t("from_customer");
  if (item.author === "bot") return t("from_bot", { name: item.name || assistant });
  return t("from_agent", { name: item.name || "" });
}

function headLine(item, assistant) {
  const head = make("p", { className: "voice" });
  if (item.headed) {
    const name = item.author === "bot" ? item.name || assistant : item.name || t("agent");
    head.append(make("span", { className: "voice-name" }, name));
  }
  // The label belongs to every message of the assistant, also where the name is left out.
  if (item.author === "bot") head.append(make("span", { className: "badge" }, t("ai_badge")));
  return head.childElementCount ? head : null;
}

function buttonRow(item, on) {
  if (!item.buttons.length) return null;
  const row = make("div", { className: "choices" });
  for (const button of item.buttons) {
    if (button.action === "url") {
      const address = safeAddress(button.url);
      if (!address) continue;
      const link = linkTo(address, button.label);
      link.classList.add("choice");
      row.append(link);
    } else {
      const choice = make("button", { type: "button", className: "choice" }, button.label);
      choice.dataset.action = button.action;
      choice.addEventListener("click", () => on.press(button));
      row.append(choice);
    }
  }
  return row;
}

function updateButtons(row, item) {
  for (const choice of row.querySelectorAll("button")) {
    const reply = choice.dataset.action === "reply";
    const chosen = reply && item.chosen === choice.textContent;
    choice.disabled = reply ? item.chosen !== null : !item.handoffOpen;
    choice.classList.toggle("is-chosen", chosen);
    if (reply && item.chosen !== null) choice.setAttribute("aria-pressed", String(chosen));
  }
}

function sourceLine(item) {
  const links = item.sources
    .map((source) => ({ address: safeAddress(source.url), title: source.title }))
    .filter((source) => source.title);
  if (!links.length) return null;
  const line = make("p", { className: "sources" }, `${t("sources")} `);
  for (const { address, title } of links) {
    line.append(address ? linkTo(address, title) : make("span", {}, title));
  }
  return line;
}

function feedbackRow(item, on) {
  if (!item.feedback) return null;
  const row = make("div", { className: "rate", role: "group", "aria-label": t("feedback_question") });
  for (const [value, word] of [
    ["helpful", "helpful"],
    ["unhelpful", "unhelpful"],
  ]) {
    const vote = make("button", { type: "button", className: "vote" }, t(word));
    vote.dataset.value = value;
    vote.addEventListener("click", () => on.rate(item, value === "helpful"));
    row.append(vote);
  }
  const word = make("span", { className: "rate-word", role: "status" });
  const reasons = createReasons((said) => on.rate(item, false, said));
  row.append(word, reasons.element);
  return { element: row, word, reasons };
}

function updateFeedback({ element, word, reasons }, item) {
  const { value, failed } = item.feedback;
  for (const vote of element.querySelectorAll(".vote")) {
    vote.setAttribute("aria-pressed", String(vote.dataset.value === value));
  }
  const words = { helpful: t("feedback_thanks"), unhelpful: t("feedback_sorry") };
  setText(word, failed ? t("feedback_failed") : words[value] || "");
  reasons.update(item.feedback);
}

function stateLine(item, on) {
  const line = make("p", { className: "state" });
  line.append(make("span", { className: "state-word" }));
  for (const [name, act] of [
    ["retry", () => on.retry(item)],
    ["discard", () => on.discard(item)],
  ]) {
    const button = make("button", { type: "button", className: "link" }, t(name));
    button.dataset.name = name;
    button.addEventListener("click", act);
    line.append(button);
  }
  return line;
}

function updateState(line, item) {
  line.hidden = item.state === null;
  line.classList.toggle("is-bad", UNSENT.includes(item.state));
  setText(line.firstElementChild, item.state ? t(item.state) : "");
  for (const button of line.querySelectorAll("button")) {
    const wanted = button.dataset.name === "retry" ? UNSENT : ["failed"];
    button.hidden = !wanted.includes(item.state);
  }
}

/**
 * Build the element of a message item; returns {element, update(item)}.
 *
 * What never changes is built once, because a replaced element would be announced again.
 */
export function createBubble(item, assistant, on) {
  let current = item;
  // Handlers must see the item as it is when they run.
  const handlers = {
    press: (button) => on.press(button),
    rate: (_, helpful, said) => on.rate(current, helpful, said),
    retry: () => on.retry(current),
    discard: () => on.discard(current),
  };

  if (item.survey) return createSurvey(item, on);
  if (item.author === "system") {
    const line = make("p", { className: "system" });
    appendText(line, item.text);
    return { element: line, update: () => {} };
  }

  const element = make("article", { className: `message from-${item.author} has-menu` });
  element.classList.toggle("is-withdrawn", Boolean(item.withdrawn));
  element.dataset.id = item.id;
  const bubble = make("div", { className: "bubble" });
  bubble.append(make("span", { className: "hidden-text" }, `${speaker(item, assistant)}: `));
  const quote = quoteOfItem(item, assistant);
  if (quote) bubble.append(quote);
  if (item.text) {
    const words = make("div", { className: "bubble-words" });
    appendText(words, item.text);
    bubble.append(words);
  }
  const files = filesOfItem(item);
  if (files) bubble.append(files);
  if (item.at) bubble.title = clock(new Date(item.at));
  const head = item.author === "customer" ? null : headLine(item, assistant);
  const buttons = buttonRow(item, handlers);
  const sources = sourceLine(item);
  const feedback = feedbackRow(item, handlers);
  const state = item.author === "customer" ? stateLine(item, handlers) : null;
  const menu = menuOfItem(item, assistant, on);
  const line = make("div", { className: "bubble-line" }, bubble, ...(menu ? [menu] : []));
  element.append(...[head, line, sources, buttons, feedback && feedback.element, state].filter(Boolean));

  function update(next) {
    current = next;
    element.classList.toggle("is-pending", ["sending", "unsent_rate"].includes(next.state));
    if (buttons) updateButtons(buttons, next);
    if (feedback && next.feedback) updateFeedback(feedback, next);
    if (state) updateState(state, next);
  }
  update(item);
  return { element, update };
}
