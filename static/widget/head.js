/** The header: who answers, and the ways out. */

import { part, setText } from "./dom.js";
import { t } from "./i18n.js";

const PRESENCE = {
  idle: "presence_connecting",
  opening: "presence_connecting",
  failed: "presence_offline",
  refused: "presence_refused",
};

function presenceOf(view) {
  if (PRESENCE[view.phase]) return t(PRESENCE[view.phase]);
  if (view.network === "offline") return t("presence_offline");
  const { status } = view.conversation || { status: "bot" };
  if (status === "human") return t("presence_person");
  if (status === "waiting_human") return t("presence_waiting");
  return t(status === "closed" ? "presence_closed" : "presence_bot");
}

/** The person who serves, by name, while one does; else the assistant. */
function whoAnswers(view, assistant) {
  const { status, agent } = view.conversation || {};
  return status === "human" && agent && agent.name ? agent.name : assistant;
}

function handoffWord(view) {
  const status = view.conversation ? view.conversation.status : "bot";
  if (status === "human") return "handoff_human";
  const asking = view.outbox.some((entry) => entry.kind === "handoff" && !entry.problem);
  return status === "waiting_human" || asking ? "handoff_waiting" : "handoff";
}

/** Only an image this page's own policy lets through is worth trying. */
function ownImage(address) {
  if (!address) return null;
  try {
    const url = new URL(address, window.location.href);
    return url.protocol === "data:" || url.origin === window.location.origin ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Bind the header; `on` takes handoff(), close(), language(), notice(), end(), leaveMessage() and
 * tickets().
 */
export function createHead(on) {
  const name = part("name");
  const presence = part("presence");
  const mark = part("mark");
  const human = part("human");
  const humanWord = part("human-word");
  const more = part("more");
  const menu = part("menu");
  const end = part("menu-end");
  const noticeEntry = part("menu-notice");

  function toggleMenu(open) {
    menu.hidden = !open;
    more.setAttribute("aria-expanded", String(open));
    if (open) menu.querySelector("button:not([hidden])").focus();
  }

  more.addEventListener("click", () => toggleMenu(menu.hidden));
  document.addEventListener("pointerdown", (event) => {
    if (!menu.hidden && !menu.contains(event.target) && !more.contains(event.target)) {
      toggleMenu(false);
    }
  });
  // A click on the page around the frame is told here by nothing but the focus that goes.
  window.addEventListener("blur", () => toggleMenu(false));
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const entries = [...menu.querySelectorAll("button:not([hidden])")];
    const at = entries.indexOf(document.activeElement);
    entries[(at + step + entries.length) % entries.length].focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) toggleMenu(false);
  });
  for (const [button, act] of [
    [noticeEntry, on.notice],
    [part("menu-language"), on.language],
    [end, on.end],
    [part("menu-leave"), on.leaveMessage],
    [part("menu-tickets"), on.tickets],
  ]) {
    button.addEventListener("click", () => {
      toggleMenu(false);
      more.focus();
      act();
    });
  }
  human.addEventListener("click", on.handoff);
  part("close").addEventListener("click", on.close);

  function renderMark(view, title) {
    const logo = ownImage(view.config && view.config.brand && view.config.brand.logo_url);
    const shape = logo || title;
    if (mark.dataset.shape === shape) return;
    mark.dataset.shape = shape;
    const letter = [...title][0] || "";
    mark.replaceChildren(letter);
    if (!logo) return;
    const image = new Image();
    image.alt = "";
    image.onload = () => mark.replaceChildren(image);
    image.src = logo;
  }

  return {
    render(view, title) {
      const who = whoAnswers(view, title);
      setText(name, who);
      setText(presence, presenceOf(view));
      renderMark(view, who);
      const word = handoffWord(view);
      setText(humanWord, t(word));
      const busy = word !== "handoff" || view.phase === "refused";
      human.setAttribute("aria-disabled", String(busy));
      const label = t(word === "handoff" ? "handoff_label" : word);
      human.setAttribute("aria-label", label);
      human.title = label;
      const status = view.conversation ? view.conversation.status : "closed";
      end.hidden = status === "closed";
      part("menu-leave").hidden = part("menu-tickets").hidden = view.phase !== "open";
      noticeEntry.hidden = !(view.config && view.config.notice);
    },

    /** Close the open menu; returns whether there was one. */
    closeMenu() {
      if (menu.hidden) return false;
      toggleMenu(false);
      more.focus();
      return true;
    },
  };
}
