/** The scrolling list of messages. */

import { createBubble } from "./bubble.js";
import { make, part, setText } from "./dom.js";
import { getLocale, t } from "./i18n.js";
import { logItems, quickQuestions } from "./items.js";

const NEAR_PX = 80;
const OLDER_PX = 24;
const SLOW_MS = 3000;
const SLOWER_MS = 10000;

/** Text that, once changed, needs a new element: an edited message, another language. */
const shapeOf = (item) =>
  JSON.stringify([
    getLocale(),
    item.text,
    item.attachments,
    item.quote,
    Boolean(item.seq),
    item.name,
    item.headed,
    item.id,
    item.buttons,
    item.sources,
    item.survey && item.survey.id,
    Boolean(item.feedback),
  ]);

/**
 * Bind the log to the page.
 *
 * `on` takes press(button), rate(item, helpful, said), answer(item, given), retry(item), discard(item), quote(quote),
 * ask(question), older() and seen(), the last when the newest message is on the screen.
 */
export function createLog(on) {
  const scroller = part("scroller");
  const log = part("log");
  const quick = part("quick");
  const jump = part("jump");
  const typing = part("typing");
  const slow = part("slow");
  const rows = new Map();
  let following = true;
  let newestSeen = null;
  let oldestShown = null;
  let hasOlder = false;
  let lastTop = 0;
  let missed = 0;
  let begun = false;

  function atBottom() {
    return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
  }

  function toBottom() {
    // A conversation that has not begun is read from its greeting on.
    scroller.scrollTop = begun ? scroller.scrollHeight : 0;
    following = true;
    missed = 0;
  }

  function build(item, assistant) {
    if (item.type === "message") return createBubble(item, assistant, on);
    if (item.type === "older") {
      const button = make("button", { type: "button", className: "older" });
      button.addEventListener("click", on.older);
      const update = (next) => {
        button.disabled = next.loading;
        setText(button, t(next.loading ? "older_loading" : "older"));
      };
      update(item);
      return { element: button, update };
    }
    const words = { divider: "new_divider", break: "previous_conversation" };
    const text = item.type === "time" ? item.text : t(words[item.type]);
    const element = make("p", { className: item.type }, make("span", {}, text));
    return { element, update: () => {} };
  }

  function place(items, assistant) {
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, row] of rows) {
      if (wanted.has(key)) continue;
      row.element.remove();
      rows.delete(key);
    }
    let before = log.firstElementChild;
    for (const item of items) {
      const shape = shapeOf(item);
      let row = rows.get(item.key);
      if (row && row.shape !== shape) {
        const built = { ...build(item, assistant), shape };
        if (before === row.element) before = built.element;
        row.element.replaceWith(built.element);
        rows.set(item.key, built);
        row = built;
      } else if (row) {
        row.update(item);
      } else {
        row = { ...build(item, assistant), shape };
        rows.set(item.key, row);
      }
      if (row.element === before) before = before.nextElementSibling;
      else log.insertBefore(row.element, before);
    }
  }

  function renderQuick(view) {
    const questions = quickQuestions(view);
    const shape = JSON.stringify([getLocale(), questions]);
    if (quick.dataset.shape === shape) return;
    quick.dataset.shape = shape;
    quick.hidden = !questions.length;
    quick.replaceChildren(make("p", { className: "quick-title" }, t("quick")));
    for (const question of questions) {
      const chip = make("button", { type: "button", className: "chip" }, question.label);
      chip.addEventListener("click", () => on.ask(question));
      quick.append(chip);
    }
  }

  function renderTyping(view) {
    const waiting = view.waited !== null;
    const who = view.typing || (waiting ? "bot" : null);
    typing.hidden = who === null;
    typing.dataset.who = who || "";
    typing.setAttribute("aria-label", who === "agent" ? t("typing_agent") : t("typing_bot"));
    let words = "";
    if (waiting && view.waited >= SLOWER_MS) words = t("slower");
    else if (waiting && view.waited >= SLOW_MS) words = t("slow");
    setText(slow, words);
    slow.hidden = !words;
  }

  function renderJump() {
    jump.hidden = atBottom() || !begun;
    if (jump.hidden) missed = 0;
    setText(jump.lastElementChild, missed ? t("jump_count", { n: missed }) : t("jump"));
  }

  function countMissed(items) {
    const messages = items.filter((item) => item.type === "message");
    const newest = messages.length ? messages[messages.length - 1] : null;
    const key = newest ? newest.key : null;
    if (key === newestSeen) return;
    const known = messages.findIndex((item) => item.key === newestSeen);
    if (newest && newest.author === "customer" && newest.state === "sending") following = true;
    if (!following && known >= 0) missed += messages.length - 1 - known;
    newestSeen = key;
  }

  /** What the visitor is reading, to stay where it is when something comes in above it. */
  function firstVisible() {
    const edge = scroller.scrollTop;
    return [...log.querySelectorAll(".message")].find(
      (element) => element.offsetTop + element.offsetHeight > edge,
    );
  }

  /** History is not news: a screen reader is told only of what comes in at the end. */
  function keepQuiet(oldest) {
    if (oldest === oldestShown) return;
    oldestShown = oldest;
    log.setAttribute("aria-busy", "true");
    requestAnimationFrame(() => log.setAttribute("aria-busy", "false"));
  }

  scroller.addEventListener(
    "scroll",
    () => {
      if (hasOlder && begun && scroller.scrollTop < OLDER_PX && scroller.scrollTop < lastTop) {
        on.older();
      }
      lastTop = scroller.scrollTop;
      following = atBottom() || !begun;
      renderJump();
      if (following) on.seen();
    },
    { passive: true },
  );
  jump.addEventListener("click", () => {
    toBottom();
    renderJump();
    on.seen();
    scroller.focus({ preventScroll: true });
  });
  // The on-screen keyboard and a growing composer take room from below.
  new ResizeObserver(() => {
    if (following) toBottom();
    renderJump();
  }).observe(scroller);

  return {
    render(view, assistant) {
      const items = logItems(view);
      const anchor = following ? null : firstVisible();
      const anchorTop = anchor ? anchor.offsetTop : 0;
      const oldest = items.find((item) => item.type === "message");
      hasOlder = view.hasOlder && !view.loadingOlder;
      keepQuiet(oldest ? oldest.key : null);
      begun = view.messages.length + view.outbox.length + view.earlier.length > 0;
      countMissed(items);
      place(items, assistant);
      renderQuick(view);
      renderTyping(view);
      if (following) toBottom();
      else if (anchor && anchor.isConnected) scroller.scrollTop += anchor.offsetTop - anchorTop;
      renderJump();
      if (following) on.seen();
    },

    /** Show the first unseen message, or the newest one. */
    reveal() {
      const divider = log.querySelector(".divider");
      if (divider) {
        divider.scrollIntoView({ block: "start" });
        following = atBottom();
      } else {
        toBottom();
      }
      renderJump();
      if (following) on.seen();
    },
  };
}
