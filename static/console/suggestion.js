/** The card with what may answer the visitor's latest question. */
import { canReply } from "./actions.js";
import { ApiError, getSuggestion, postRefused } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { entryButtons, entryFacts } from "./knowledge-panel.js";
import { toast } from "./overlay.js";
import { changed, mayHandle, state, subscribe } from "./store.js";
import { knownThread, lastSeqBy } from "./threads.js";

const PAUSE_MS = 600;

const known = new Map();
let timer = 0;

/** Begin to ask for suggestions: for the open conversation, after each word of its visitor. */
export function startSuggestions() {
  subscribe(["open", "thread", "rows"], soon);
}

const wanted = (row) => mayHandle() && (row?.status === "human" || row?.status === "waiting_human");

function soon() {
  const id = state.openId;
  const thread = id && knownThread(id);
  if (thread?.phase !== "ready" || !wanted(state.rows.get(id))) return;
  const seq = lastSeqBy(thread, "customer");
  if (seq === 0 || known.get(id)?.seq === seq) return;
  clearTimeout(timer);
  timer = setTimeout(() => load(id, seq), PAUSE_MS);
}

async function load(id, seq) {
  // Asked for once, whatever comes of it: it is a help, not a promise.
  known.set(id, { ...known.get(id), seq });
  try {
    const answer = await getSuggestion(id);
    known.set(id, { seq, ...answer });
    changed("detail");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
  }
}

/** Return what is suggested in a conversation, for the signature of what is drawn. */
export function suggested(id) {
  const row = state.rows.get(id);
  const found = known.get(id);
  return wanted(row) && found?.entries?.length > 0 ? [found, canReply(row)] : null;
}

/** Build the card, or nothing where nothing is likely enough. */
export function suggestionCard(id) {
  const found = suggested(id)?.[0];
  if (!found) return null;
  const [best, ...others] = found.entries;
  return h(
    "section",
    { class: "card card-suggestion", "aria-label": t("suggestion.title") },
    h("h3", {}, icon("spark"), t("suggestion.title")),
    one(id, found, best),
    others.length > 0 &&
      h(
        "details",
        { class: "others" },
        h("summary", {}, t("suggestion.others", { n: others.length }), icon("chevron")),
        others.map((entry) => one(id, found, entry)),
      ),
  );
}

function one(id, found, entry) {
  return h(
    "div",
    { class: "entry" },
    entryFacts(entry),
    entryButtons(
      entry,
      (deed) => deed(),
      h(
        "button",
        {
          type: "button",
          class: "button button-small",
          title: t("suggestion.refuse_hint"),
          on: { click: () => refuse(id, found, entry) },
        },
        icon("thumb_down"),
        t("suggestion.refuse"),
      ),
    ),
  );
}

async function refuse(id, found, entry) {
  try {
    await postRefused(id, found.message_id, entry.version_id);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return toast(error.message, "problem");
  }
  const entries = found.entries.filter((each) => each.version_id !== entry.version_id);
  known.set(id, { ...found, entries });
  toast(t("suggestion.refused"), "done");
  changed("detail");
}
