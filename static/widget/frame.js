/** The conversation frame: puts the parts together. */

import { ApiError, bootAsPage } from "./api.js";
import { createAttach } from "./attach.js";
import { createBanner } from "./banner.js";
import { createChat } from "./chat.js";
import { applyBrand } from "./colour.js";
import { createComposer } from "./composer.js";
import { part, setText } from "./dom.js";
import { createFacts } from "./facts.js";
import { createHead } from "./head.js";
import { hostNonce, meetHost, noHost } from "./host.js";
import { getLocale, matchLocale, setLocale, t, translate } from "./i18n.js";
import { createLog } from "./log.js";
import { createNotice } from "./notice.js";
import { openStorage } from "./storage.js";
import { createTickets } from "./tickets.js";

const TICKET_MS = 45000;
const TICKET_WAIT_MS = 10000;

const page = document.documentElement;
const channelKey = page.dataset.channelKey;
const storage = openStorage(channelKey);
const touchScreen = window.matchMedia("(pointer: coarse)").matches;

/** Return a function that resolves to a boot ticket: the host page's, or our own as a page. */
function ticketSource(host, embedded, firstConfig) {
  let given = host.settings.ticket ? { ticket: host.settings.ticket, at: Date.now() } : null;
  let waiting = null;

  host.heard(({ type, payload }) => {
    if (type !== "ticket" || !waiting) return;
    const { resolve, reject } = waiting;
    waiting = null;
    if (payload.ticket) resolve(payload.ticket);
    else reject(new ApiError(payload.status || 0, payload.code || "network"));
  });

  return async function obtainTicket() {
    if (!embedded) {
      const boot = await bootAsPage(channelKey);
      firstConfig(boot.config);
      return boot.ticket;
    }
    const { ticket, at } = given || { at: 0 };
    given = null;
    if (ticket && Date.now() - at < TICKET_MS) return ticket;
    return new Promise((resolve, reject) => {
      waiting = { resolve, reject };
      setTimeout(() => reject(new ApiError(0, "network")), TICKET_WAIT_MS);
      host.send("ticket");
    });
  };
}

/** Follow the visible part of the window, which the on-screen keyboard takes from. */
function followViewport() {
  const viewport = window.visualViewport;
  if (!viewport) return;
  const fit = () => {
    if (viewport.scale > 1.01) return;
    page.style.setProperty("--height", `${Math.round(viewport.height)}px`);
    window.scrollTo(0, 0);
  };
  viewport.addEventListener("resize", fit);
  fit();
}

function run(host, embedded) {
  const facts = createFacts(host.settings);
  let shown = !embedded;
  let readingNotice = false;
  let countdown = 0;
  let words = "";
  let focusDue = false;
  let active = null;
  let ticketWanted = null;

  const chat = createChat({
    channelKey,
    storage,
    facts,
    bootConfig: host.settings.config || null,
    obtainTicket: ticketSource(host, embedded, (config) => applyBrand(brandColour(config))),
  });

  const log = createLog({
    press: chat.press,
    rate: chat.rate,
    answer: chat.answer,
    retry: (item) => (item.state === "failed" ? chat.revive(item.id) : chat.retry()),
    discard: (item) => chat.discard(item.id),
    quote: (quote) => attach.quote(quote),
    ask(question) {
      chat.send(question.label, { quick_question: question.id });
      notice.call();
    },
    older: chat.loadOlder,
    seen: chat.markRead,
  });
  const attach = createAttach({
    upload: chat.upload,
    limit: uploadLimit,
    changed: render,
    focus: () => composer.focus(),
  });
  const composer = createComposer({
    files: attach,
    send: (text) => chat.send(text, {}, attach.take()),
    typed(text) {
      storage.set("draft", text);
      chat.noteTyping(text !== "");
    },
  });
  const notice = createNotice({
    async accept() {
      await chat.acceptNotice();
      if (!chat.view().notice && ticketWanted) return openTickets(ticketWanted);
      if (!chat.view().notice && !touchScreen) composer.focus();
    },
    dismiss() {
      readingNotice = false;
      render();
      part("more").focus();
    },
  });
  const tickets = createTickets({
    api: chat.tickets,
    lookupUrl: `/tickets/${encodeURIComponent(channelKey)}/`,
    closed: () => part("more").focus(),
  });
  const banner = createBanner((action) => {
    if (action === "leave_message") openTickets("leave");
    else if (action === "ticket_mine") openTickets("list");
    else if (action === "start_new") chat.startNew();
    else if (action === "to_assistant") chat.toAssistant();
    else chat.retry();
  });
  const head = createHead({
    handoff: chat.handoff,
    close: () => host.send("close"),
    language() {
      const other = getLocale() === "en" ? "zh-CN" : "en";
      storage.set("locale", other);
      chat.setLocale(other);
    },
    notice() {
      readingNotice = true;
      render();
      notice.call();
    },
    end: chat.end,
    leaveMessage: () => openTickets("leave"),
    tickets: () => openTickets("list"),
  });

  function uploadLimit() {
    const { config, phase } = chat.view();
    const on = config && config.features && config.features.attachments && phase === "open";
    return on ? config.max_upload : 0;
  }

  /** Open the sheet of tickets ("leave" or "list"), after the privacy notice if it is still open. */
  function openTickets(which) {
    ticketWanted = chat.view().notice ? which : null;
    if (ticketWanted) notice.call();
    else tickets[which]();
  }

  function brandColour(config) {
    return config && config.brand ? config.brand.color : null;
  }

  function renderWords() {
    const shape = getLocale();
    if (words === shape) return;
    words = shape;
    page.lang = shape;
    translate(document);
    attach.speak();
    tickets.retranslate();
  }

  function renderNotice(view) {
    if (view.notice) {
      notice.render(view.notice, { failed: view.noticeFailed });
    } else {
      const text = view.config ? view.config.notice : null;
      notice.render(readingNotice && text ? text : null, { reading: true });
    }
    composer.setShown(!view.notice && !readingNotice && view.phase !== "refused");
  }

  function renderCountdown(view) {
    const counting = Boolean(view.hold && view.hold.reason === "rate");
    if (counting && !countdown) countdown = setInterval(() => banner.render(chat.view()), 1000);
    if (!counting && countdown) {
      clearInterval(countdown);
      countdown = 0;
    }
  }

  function render() {
    const view = chat.view();
    const config = view.config || {};
    const brand = config.brand || {};
    const assistant = config.assistant_name || t("assistant");
    const withPerson = view.conversation && view.conversation.status === "human";
    renderWords();
    applyBrand(brand.color);
    document.title = brand.name ? `${assistant} · ${brand.name}` : assistant;
    head.render(view, assistant);
    banner.render(view);
    renderNotice(view);
    composer.refresh(t(withPerson ? "composer_placeholder_human" : "composer_placeholder"));
    // The line stays whoever serves; only what it says of who that is changes.
    setText(part("ai-line"), t(withPerson ? "person_line" : "ai_line"));
    attach.render();
    log.render(view, assistant);
    page.dataset.phase = view.phase;
    settleFocus();
    renderCountdown(view);
  }

  function show({ open, focus, page: place }) {
    shown = open;
    facts.setPage(place);
    if (open) chat.open();
    chat.setShown(open);
    if (!open) return;
    focusDue = focus;
    if (focus) part("name").focus({ preventScroll: true });
    // Wait for the layout of a frame that was hidden until now.
    requestAnimationFrame(() => {
      log.reveal();
      settleFocus();
    });
  }

  /** Put the visitor where the next step is, once it is known what that is. */
  function settleFocus() {
    const { phase, notice: open } = chat.view();
    if (!focusDue || !shown || ["idle", "opening"].includes(phase)) return;
    focusDue = false;
    // On a phone the keyboard would cover what there is to read.
    if (touchScreen) return;
    if (open) notice.call();
    else composer.focus();
  }

  const commands = {
    shown: show,
    user: chat.setUser,
    attributes: facts.setAttributes,
    conversation_attributes: facts.setConversationAttributes,
    labels: facts.setLabels,
    context: facts.setContext,
    locale: chat.setLocale,
    theme: (theme) => {
      page.dataset.theme = theme;
    },
    send: (text) => chat.send(text),
    handoff: chat.handoff,
    reset() {
      attach.clear();
      return chat.reset();
    },
  };
  host.heard(({ type, payload }) => {
    if (commands[type]) commands[type](payload);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    if (head.closeMenu()) return;
    if (tickets.close()) return;
    if (readingNotice) {
      readingNotice = false;
      render();
    } else {
      host.send("close");
    }
  });

  chat.changed(render);
  chat.event(({ type, ...detail }) => host.send(type, detail));
  chat.changed(() => {
    const { conversation } = chat.view();
    const next = Boolean(conversation && conversation.status !== "closed");
    if (next === active) return;
    active = next;
    host.send("hint", { active });
  });
  if (host.settings.user) chat.setUser(host.settings.user);
  composer.setText(storage.get("draft", ""));
  render();
  if (shown) show({ open: true, focus: true });
  // A returning visitor hears of new messages while the panel is still closed.
  else if (chat.hasSession()) chat.open();
  host.send("ready");
}

async function main() {
  const nonce = hostNonce();
  page.dataset.mode = nonce ? "panel" : "page";
  setLocale(storage.get("locale") || page.dataset.locale);
  translate(document);
  setText(part("ai-line"), t("ai_line"));
  if (!nonce) followViewport();
  const host = nonce ? await meetHost(nonce) : noHost();
  if (!storage.get("locale") && matchLocale(host.settings.locale)) setLocale(host.settings.locale);
  page.dataset.theme = host.settings.theme || "auto";
  run(host, nonce !== null);
}

main();
