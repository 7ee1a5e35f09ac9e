/** Where one writes: a reply to the visitor, or a private note that looks different at a glance. */
import { canReply, canStepIn, canTake, isBusy } from "./actions.js";
import { postTyping } from "./api.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { send } from "./outbox.js";
import { mayHandle, state, subscribe } from "./store.js";
import { waitMark } from "./waits.js";

const LIMIT = 4000;
const MAX_PX = 200;
const TYPING_EVERY_MS = 3_000;
const TYPING_OVER_MS = 5_000;
const DRAFT = "yingda.draft.";

let form;
let input;
let sendButton;
let replyTab;
let noteTab;
let hint;
let blocked;
let mode = "message";
let shownFor = null;
let handlers = {};
let typing = { id: null, sentAt: 0, timer: 0 };

/** Build the composer; handlers: onTake(id), onSent(), sendFrame(frame) returning success. */
export function startComposer(given) {
  handlers = given;
  form = part("composer");
  replyTab = modeButton("message", "out", "composer.reply");
  noteTab = modeButton("note", "lock", "composer.note");
  hint = h("span", { class: "composer-hint", id: "composer-hint" });
  input = h("textarea", {
    class: "composer-input",
    rows: 2,
    maxlength: LIMIT,
    "aria-describedby": "composer-hint",
    on: { input: onInput, keydown: onKey, blur: stopTyping },
  });
  sendButton = h("button", { type: "submit", class: "button button-main composer-send" });
  blocked = h("div", { class: "composer-blocked" });
  fill(
    form,
    h(
      "div",
      { class: "composer-modes", role: "group", "aria-label": t("composer.modes") },
      replyTab,
      noteTab,
      hint,
    ),
    h("div", { class: "composer-field" }, input, blocked, sendButton),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  subscribe(["open", "composer", "rows", "me"], draw);
}

function modeButton(value, iconName, key) {
  return h(
    "button",
    {
      type: "button",
      class: "composer-mode",
      dataset: { mode: value },
      on: { click: () => setMode(value, { focus: true }) },
    },
    icon(iconName),
    t(key),
  );
}

/** Write a reply ("message") or a note from now on; each has a draft of its own. */
export function setMode(value, { focus = false } = {}) {
  if (!mayHandle()) return;
  if (value !== mode) {
    keepDraft();
    mode = value;
    restoreDraft();
  }
  draw();
  if (focus && !input.hidden) input.focus();
}

/** Put a text that could not be sent back to where it was written. */
export function edit(text, kind) {
  setMode(kind);
  input.value = input.value ? `${text}\n${input.value}` : text;
  onInput();
  input.focus();
}

/** Focus the reply field if one may reply. */
export function focusReply() {
  if (canReply(state.rows.get(state.openId))) setMode("message", { focus: true });
}

const draftKey = (id, kind) => `${DRAFT}${id}.${kind}`;

function keepDraft() {
  if (!shownFor) return;
  try {
    if (input.value) sessionStorage.setItem(draftKey(shownFor, mode), input.value);
    else sessionStorage.removeItem(draftKey(shownFor, mode));
  } catch {
    // Without storage a draft lasts until another conversation is opened.
  }
}

function restoreDraft() {
  let text = "";
  try {
    text = (shownFor && sessionStorage.getItem(draftKey(shownFor, mode))) || "";
  } catch {
    // Nothing was kept.
  }
  input.value = text;
  grow();
}

function draw() {
  form.hidden = !state.openId;
  if (shownFor !== state.openId) {
    keepDraft();
    stopTyping();
    shownFor = state.openId;
    mode = "message";
    restoreDraft();
  }
  const row = state.rows.get(state.openId);
  const isNote = mode === "note";
  const writable = mayHandle() && (isNote || canReply(row));
  replyTab.hidden = noteTab.hidden = !mayHandle();
  form.dataset.mode = mode;
  replyTab.setAttribute("aria-pressed", String(!isNote));
  noteTab.setAttribute("aria-pressed", String(isNote));
  hint.textContent = isNote ? t("composer.note_hint") : writable ? t("composer.reply_hint") : "";
  input.hidden = !writable;
  sendButton.hidden = !writable;
  blocked.hidden = writable;
  input.placeholder = t(isNote ? "composer.note_placeholder" : "composer.reply_placeholder");
  input.setAttribute("aria-label", t(isNote ? "composer.note_label" : "composer.reply_label"));
  fill(
    sendButton,
    icon(isNote ? "lock" : "out"),
    t(isNote ? "composer.save_note" : "composer.send"),
  );
  if (!writable) drawBlocked(row);
  enable();
}

function drawBlocked(row) {
  const busy = isBusy(state.openId);
  const signature = JSON.stringify([
    state.openId,
    row?.status,
    row?.agent,
    row?.waiting_since,
    busy,
    mayHandle(),
  ]);
  if (blocked.dataset.signature === signature) return;
  blocked.dataset.signature = signature;
  if (!row) return fill(blocked);
  if (!mayHandle()) return fill(blocked, h("p", {}, icon("info"), t("composer.blocked_looking")));
  const takeButton = (label) =>
    h(
      "button",
      {
        type: "button",
        class: "button button-main button-big",
        disabled: busy,
        on: { click: () => handlers.onTake(row.id) },
      },
      icon("agent"),
      label,
      h("kbd", {}, "T"),
    );
  if (canTake(row)) {
    return fill(
      blocked,
      takeButton(t("take.action")),
      h(
        "p",
        {},
        t("composer.blocked_queue"),
        " ",
        row.waiting_since && waitMark(row.waiting_since),
      ),
    );
  }
  if (canStepIn(row)) return fill(blocked, h("p", {}, icon("spark"), t("composer.blocked_bot")));
  if (row.status === "closed")
    return fill(blocked, h("p", {}, icon("done"), t("composer.blocked_closed")));
  return fill(
    blocked,
    h("p", {}, icon("agent"), t("composer.blocked_theirs", { name: row.agent?.name ?? "" })),
  );
}

function onInput() {
  keepDraft();
  grow();
  enable();
  if (mode === "message" && input.value.trim()) startTyping();
  else stopTyping();
}

function grow() {
  input.style.height = "auto";
  // Hidden fields measure zero.
  if (input.scrollHeight) input.style.height = `${Math.min(MAX_PX, input.scrollHeight + 2)}px`;
}

function enable() {
  sendButton.disabled = input.value.trim() === "";
}

function onKey(event) {
  // An input method's Enter chooses a word; 229 is how older ones say so.
  if (event.isComposing || event.keyCode === 229) return;
  if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
    event.preventDefault();
    submit();
  } else if (event.key === "Escape") {
    event.stopPropagation();
    if (mode === "note") setMode("message", { focus: true });
    else handlers.onLeave();
  }
}

function submit() {
  const text = input.value.trim();
  const id = state.openId;
  if (!text || !id) return;
  if (mode === "message" && !canReply(state.rows.get(id))) return;
  stopTyping();
  send(id, mode, text);
  input.value = "";
  keepDraft();
  // A note is one remark; the next words are most likely for the visitor.
  if (mode === "note" && canReply(state.rows.get(id))) setMode("message");
  else draw();
  grow();
  input.focus();
  handlers.onSent();
}

function startTyping() {
  const now = Date.now();
  clearTimeout(typing.timer);
  typing.timer = setTimeout(stopTyping, TYPING_OVER_MS);
  if (typing.id === shownFor && now - typing.sentAt < TYPING_EVERY_MS) return;
  typing.id = shownFor;
  typing.sentAt = now;
  tellTyping(shownFor, true);
}

function stopTyping() {
  clearTimeout(typing.timer);
  if (typing.id) tellTyping(typing.id, false);
  typing = { id: null, sentAt: 0, timer: 0 };
}

function tellTyping(id, on) {
  if (handlers.sendFrame({ t: "typing", conversation_id: id, on })) return;
  // Typing is a courtesy: a lost one is not worth a word.
  postTyping(id, on).catch(() => {});
}
