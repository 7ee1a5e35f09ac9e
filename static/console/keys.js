/** The keyboard: one key a deed, nothing while one is writing. */
import { h } from "./dom.js";
import { t } from "./i18n.js";

const CHORD_MS = 1_500;

/** What each key does, in the order of the help; two keys after each other are a chord. */
const KEYS = [
  { keys: ["j"], help: "keys.next" },
  { keys: ["k"], help: "keys.previous" },
  { keys: ["Enter"], help: "keys.enter" },
  { keys: ["t"], help: "keys.take" },
  { keys: ["a"], help: "keys.accept" },
  { keys: ["d"], help: "keys.decline" },
  { keys: ["r"], help: "keys.reply" },
  { keys: ["o"], help: "keys.transfer" },
  { keys: ["n"], help: "keys.note" },
  { keys: ["p"], help: "keys.canned" },
  { keys: ["b"], help: "keys.knowledge" },
  { keys: ["s"], help: "keys.snooze" },
  { keys: ["x"], help: "keys.close" },
  { keys: ["q"], help: "keys.next_waiting" },
  { keys: ["m"], help: "keys.mentions" },
  { keys: ["f"], help: "keys.find" },
  { keys: ["v"], help: "keys.choose" },
  { keys: ["Escape"], help: "keys.back" },
  { keys: ["g", "q"], help: "keys.queue" },
  { keys: ["g", "m"], help: "keys.mine" },
  { keys: ["g", "s"], help: "keys.snoozed" },
  { keys: ["g", "g"], help: "keys.group" },
  { keys: ["g", "a"], help: "keys.all" },
  { keys: ["g", "c"], help: "keys.closed" },
  { keys: ["g", "b"], help: "keys.board" },
  { keys: ["g", "t"], help: "keys.tickets" },
  { keys: ["w"], help: "keys.new_ticket" },
  { keys: ["/"], help: "keys.search" },
  { keys: ["i"], help: "keys.context" },
  { keys: ["?"], help: "keys.help" },
];

let deeds = {};
let chordUntil = 0;

/** Listen to the keyboard; `given` maps a key, or a chord like "g q", to what it does. */
export function startKeys(given) {
  deeds = given;
  document.addEventListener("keydown", onKey);
}

function isWriting(target) {
  const field = target.closest?.("input, textarea, select, [contenteditable]");
  // A dialog just closed may still hold the focus in a field that nobody sees.
  return field?.checkVisibility();
}

function onKey(event) {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open], :popover-open")) return;
  if (isWriting(event.target)) return;
  if (event.repeat && event.key.length === 1 && !"jk".includes(event.key.toLowerCase())) return;
  // A focused button or link keeps its own Enter.
  if (event.key === "Enter" && event.target.closest("button, a, summary, [role=listbox]")) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const chord = Date.now() < chordUntil ? deeds[`g ${name}`] : null;
  chordUntil = 0;
  if (!chord && name === "g") {
    chordUntil = Date.now() + CHORD_MS;
    return;
  }
  const deed = chord ?? deeds[name];
  if (!deed) return;
  event.preventDefault();
  deed();
}

const NAMES = { Escape: "Esc", Enter: "Enter" };

/** Build the list of keys for the help. */
export function keyHelp() {
  return h(
    "dl",
    { class: "key-list" },
    KEYS.map(({ keys, help }) => [
      h(
        "dt",
        {},
        keys.map((key) => h("kbd", {}, NAMES[key] ?? key.toUpperCase())),
      ),
      h("dd", {}, t(help)),
    ]),
    [h("dt", {}, h("kbd", {}, "Enter")), h("dd", {}, t("keys.send"))],
    [h("dt", {}, h("kbd", {}, "Shift"), h("kbd", {}, "Enter")), h("dd", {}, t("keys.newline"))],
    [h("dt", {}, h("kbd", {}, "/")), h("dd", {}, t("keys.slash"))],
    [h("dt", {}, h("kbd", {}, "@")), h("dd", {}, t("keys.at"))],
    [h("dt", {}, h("kbd", {}, "Tab")), h("dd", {}, t("keys.gap"))],
  );
}
