/** The notes of the customer's card: they stay when the conversation is over. */
import * as api from "./customer-api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { ask } from "./overlay.js";
import { dateTime } from "./time.js";

// What one is writing outlives a card that is drawn anew.
let draft = { id: null, text: "" };

/** Build the notes with the field for another one. */
export function notesPart(card, change) {
  if (card.notes.length === 0 && !card.may.change) return null;
  return h(
    "div",
    { class: "customer-notes" },
    h("h4", {}, t("notes.title")),
    card.notes.map((note) => noteBox(card, note, change)),
    card.may.change && noteForm(card, change),
  );
}

function noteBox(card, note, change) {
  const act = (label, onClick) =>
    h("button", { type: "button", class: "link-button", on: { click: onClick } }, label);
  return h(
    "article",
    { class: note.pinned ? "card-note note-pinned" : "card-note" },
    h("p", {}, note.text),
    h(
      "footer",
      { class: "muted" },
      `${note.author.name} · ${dateTime(note.created_at)}`,
      note.pinned && ` · ${t("notes.pinned")}`,
      card.may.change && [
        act(t(note.pinned ? "notes.unpin" : "notes.pin"), () =>
          change((id) => api.postNote(id, { note: note.id, pinned: !note.pinned })),
        ),
        act(t("notes.remove"), async (event) => {
          const answer = await ask(event.currentTarget, {
            title: t("notes.remove_title"),
            text: note.text.slice(0, 120),
            action: t("notes.remove"),
            danger: true,
          });
          if (answer !== null) change((id) => api.postNote(id, { note: note.id, remove: true }));
        }),
      ],
    ),
  );
}

function noteForm(card, change) {
  if (draft.id !== card.id) draft = { id: card.id, text: "" };
  const words = h(
    "textarea",
    { rows: 2, maxlength: 2000, placeholder: t("notes.add"), "aria-label": t("notes.add") },
    draft.text,
  );
  const save = h("button", { type: "submit", class: "button" }, t("notes.save"));
  const form = h("form", { class: "note-form" }, words, save);
  const show = () => {
    draft.text = words.value;
    save.hidden = !words.value.trim();
  };
  words.addEventListener("input", show);
  words.addEventListener("keydown", (event) => {
    if (event.key === "Escape") words.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = words.value.trim();
    if (!text || save.disabled) return;
    save.disabled = true;
    draft.text = "";
    if (await change((id) => api.postNote(id, { text }))) return;
    draft.text = text;
    save.disabled = false;
  });
  show();
  return form;
}
