/** Where one writes: a reply to the visitor, or a private note that looks different at a glance. */
import { canReply, canStepIn, canTake, isBusy, isElsewhere } from "./actions.js";
import { postTyping } from "./api.js";
import { attachFor, hasFiles, isUploading, startAttach, takeAlong } from "./attach.js";
import { cannedSign, firstGap, forgetGaps, gapNames } from "./canned.js";
import { fill, h, part } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { forgetMentions, mentionedIn, mentionSign } from "./mentions.js";
import { send } from "./outbox.js";
import { makePicker } from "./picker.js";
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
let attach;
let replyTab;
let noteTab;
let hint;
let blocked;
let mode = "message";
let shownFor = null;
let handlers = {};
let picker;
let gapLine;
let tools;
// The standard answer that stands in the field, as it was put there.
let cited = null;
let typing = { id: null, sentAt: 0, timer: 0 };

/**
 * Build the composer; handlers: onTake(id), onSent(), onLeave(), onKnowledge(), sendFrame(frame)
 * returning success.
 */
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
    "aria-autocomplete": "list",
    on: {
      input: onInput,
      compositionend: () => picker.look(),
      keydown: onKey,
      blur: () => {
        stopTyping();
        picker.close();
      },
    },
  });
  sendButton = h("button", { type: "submit", class: "button button-main composer-send" });
  blocked = h("div", { class: "composer-blocked" });
  attach = startAttach({
    zone: part("thread-body").parentElement,
    input,
    open: mayAttach,
    changed: enable,
    focus: () => input.focus(),
  });
  picker = makePicker(
    input,
    [cannedSign(() => mode === "message"), mentionSign(() => mode === "note")],
    replaceRange,
  );
  gapLine = h("p", { class: "composer-gaps", role: "status", hidden: true });
  tools = [
    toolButton("bolt", t("canned.open"), openCanned),
    toolButton("book", t("knowledge.open"), () => handlers.onKnowledge()),
  ];
  fill(
    form,
    picker.element,
    h(
      "div",
      { class: "composer-modes", role: "group", "aria-label": t("composer.modes") },
      replyTab,
      noteTab,
      tools,
      hint,
    ),
    attach.along,
    gapLine,
    h("div", { class: "composer-field" }, attach.button, input, blocked, sendButton),
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

function toolButton(name, label, onClick) {
  return h(
    "button",
    {
      type: "button",
      class: "composer-mode composer-tool",
      "aria-label": label,
      title: label,
      on: { click: onClick },
    },
    icon(name),
  );
}

/** Open the list of canned replies, as by "/". */
export function openCanned() {
  if (!canReply(state.rows.get(state.openId))) return;
  setMode("message", { focus: true });
  const { value, selectionStart: at } = input;
  const before = value.slice(0, at);
  replaceRange(at, at, before === "" || /\s$/.test(before) ? "/" : " /");
}

/** Put a standard answer into the reply; sent unchanged it cites its source. */
export function putAnswer(entry) {
  if (!canReply(state.rows.get(state.openId))) return;
  setMode("message", { focus: true });
  if (!input.value.trim()) cited = { text: entry.answer.trim(), version_id: entry.version_id };
  const { selectionStart: from, selectionEnd: to } = input;
  replaceRange(from, to, entry.answer);
}

/** Send a standard answer as it is; what stands in the field stays there. */
export function sendAnswer(entry) {
  const id = state.openId;
  if (!canReply(state.rows.get(id))) return;
  send(id, "message", entry.answer.trim(), { version_id: entry.version_id });
  handlers.onSent();
}

function replaceRange(from, to, text) {
  input.focus();
  input.setRangeText(text, from, to, "end");
  onInput();
  selectGap(from);
}

function selectGap(after = 0) {
  const gap = firstGap(input.value, after) ?? firstGap(input.value);
  if (gap) input.setSelectionRange(gap.from, gap.to);
  return Boolean(gap);
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

const mayAttach = () => mode === "message" && canReply(state.rows.get(state.openId));

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
  cited = null;
  picker.close();
  drawGaps();
  grow();
}

function drawGaps() {
  const names = mode === "message" ? gapNames(input.value) : [];
  gapLine.hidden = names.length === 0;
  if (names.length > 0)
    gapLine.textContent = t("canned.gaps", { names: names.join(t("viewing.and")) });
}

function draw() {
  form.hidden = !state.openId;
  if (shownFor !== state.openId) {
    keepDraft();
    stopTyping();
    shownFor = state.openId;
    attachFor(shownFor);
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
  for (const tool of tools) tool.hidden = !mayHandle() || isNote || !writable;
  input.hidden = !writable;
  sendButton.hidden = !writable;
  attach.button.hidden = attach.along.hidden = !mayAttach();
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
    row?.elsewhere,
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
  if (isElsewhere(row))
    return fill(
      blocked,
      h("p", {}, icon("info"), t("composer.blocked_elsewhere", { system: row.elsewhere.system })),
    );
  if (canStepIn(row)) return fill(blocked, h("p", {}, icon("spark"), t("composer.blocked_bot")));
  if (row.status === "closed")
    return fill(blocked, h("p", {}, icon("done"), t("composer.blocked_closed")));
  return fill(
    blocked,
    h("p", {}, icon("agent"), t("composer.blocked_theirs", { name: row.agent?.name ?? "" })),
  );
}

function onInput(event) {
  keepDraft();
  grow();
  enable();
  drawGaps();
  // While an input method composes, what stands there is not yet what is meant.
  if (!event?.isComposing) picker.look();
  if (mode === "message" && input.value.trim()) startTyping();
  else stopTyping();
}

function grow() {
  input.style.height = "auto";
  // Hidden fields measure zero.
  if (input.scrollHeight) input.style.height = `${Math.min(MAX_PX, input.scrollHeight + 2)}px`;
}

function enable() {
  const alone = mayAttach() && hasFiles();
  const waits = mode === "message" && isUploading();
  sendButton.disabled = (input.value.trim() === "" && !alone) || waits;
}

function onKey(event) {
  // An input method's Enter chooses a word; 229 is how older ones say so.
  if (event.isComposing || event.keyCode === 229) return;
  if (picker.onKey(event)) return;
  if (event.key === "Tab" && !event.shiftKey && selectGap(input.selectionEnd)) {
    event.preventDefault();
  } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
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
  if (sendButton.disabled || !id) return;
  if (mode === "message" && !canReply(state.rows.get(id))) return;
  if (mode === "message" && selectGap()) return input.focus();
  stopTyping();
  send(id, mode, text, goesAlong(text), mode === "message" ? takeAlong() : {});
  input.value = "";
  forgetGaps();
  forgetMentions();
  cited = null;
  picker.close();
  drawGaps();
  keepDraft();
  // A note is one remark; the next words are most likely for the visitor.
  if (mode === "note" && canReply(state.rows.get(id))) setMode("message");
  else draw();
  grow();
  input.focus();
  handlers.onSent();
}

function goesAlong(text) {
  if (mode === "note") return { mentions: mentionedIn(text) };
  return cited?.text === text ? { version_id: cited.version_id } : {};
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
