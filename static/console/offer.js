/** What rings at the signed-in person: a row to accept or decline while a countdown runs. */
import { decline, isBusy, setPresence } from "./actions.js";
import { fill, h, part, setText } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { announce, toast } from "./overlay.js";
import { isMine, myOffers, state, subscribe } from "./store.js";
import { secondsUntil } from "./time.js";
import { playKnock } from "./tones.js";

const whispers = new Set();

let box;
let drawn = "";
let announced = new Set();
let handlers = {};

/** Begin to show offers; handlers: onAccept(id), onOpen(id). */
export function startOffers(given) {
  handlers = given;
  box = part("offers");
  subscribe(["rows", "me", "composer", "list"], draw);
}

function draw() {
  const offers = myOffers();
  const rested = Boolean(state.me?.rested && state.presence === "rest");
  const signature = JSON.stringify([
    offers.map((row) => [row.id, row.offer, row.last_text, row.contact, isBusy(row.id)]),
    rested,
  ]);
  if (signature === drawn) return;
  drawn = signature;
  const focused = document.activeElement?.closest(".offer")?.dataset.id;
  box.hidden = offers.length === 0 && !rested;
  fill(box, rested && restedLine(), offers.map(offerRow));
  if (focused) box.querySelector(`[data-id="${focused}"] .button-main`)?.focus();
  for (const row of offers) {
    if (!announced.has(row.id)) announce(t("offer.announce", { name: nameOf(row) }));
  }
  announced = new Set(offers.map((row) => row.id));
  tickOffers();
}

const nameOf = (row) => row.contact.name || t("contact.anonymous");

function offerRow(row) {
  const busy = isBusy(row.id);
  const button = (label, key, onClick, extra = "") =>
    h(
      "button",
      { type: "button", class: `button ${extra}`, disabled: busy, on: { click: onClick } },
      label,
      h("kbd", { "aria-hidden": "true" }, key),
    );
  return h(
    "div",
    { class: "offer", role: "group", "aria-label": nameOf(row), dataset: { id: row.id } },
    icon("bell"),
    h(
      "button",
      { type: "button", class: "offer-who", on: { click: () => handlers.onOpen(row.id) } },
      h("strong", {}, nameOf(row)),
      row.reason_label && h("span", { class: "tag tag-reason" }, row.reason_label),
      h("span", { class: "offer-text" }, row.last_text),
    ),
    h("span", { class: "offer-left", dataset: { until: row.offer.until } }),
    button(t("offer.accept"), "A", () => handlers.onAccept(row.id), "button-main"),
    button(t("offer.decline"), "D", () => decline(row.id)),
  );
}

function restedLine() {
  return h(
    "div",
    { class: "offer offer-rested", role: "status" },
    icon("info"),
    h("span", { class: "offer-text" }, t("offer.rested")),
    h(
      "button",
      { type: "button", class: "button button-main", on: { click: () => setPresence("online") } },
      t("offer.back_online"),
    ),
  );
}

/** Move the countdowns to the present second; to be called every second. */
export function tickOffers() {
  for (const mark of box.querySelectorAll("[data-until]")) {
    setText(mark, t("offer.left", { s: secondsUntil(mark.dataset.until) }));
  }
}

/** Accept what rings first. */
export function acceptFirst() {
  const [row] = myOffers();
  if (row) handlers.onAccept(row.id);
}

/** Decline what rings first. */
export function declineFirst() {
  const [row] = myOffers();
  if (row) decline(row.id);
}

/** Call attention to a note that a colleague left in a conversation of one's own. */
export function hearWhisper(id, note) {
  const row = state.rows.get(id);
  if (!isMine(row) || note.author.id === state.me.member.id || whispers.has(note.id)) return;
  whispers.add(note.id);
  playKnock();
  toast(t("note.whisper", { name: note.author.name, visitor: nameOf(row), text: note.text }));
}
