/** What belongs to a message beside its words: files, what it quotes, and what one can do with it. */
import { canReply } from "./actions.js";
import { ApiError, postWithdraw } from "./api.js";
import { fileWords, quote } from "./attach.js";
import { t } from "./i18n.js";
import { ask, toast } from "./overlay.js";
import { changed, state } from "./store.js";
import { knownThread, mergeMessages } from "./threads.js";
import { serverNow } from "./time.js";
import { filesOf } from "../files/cards.js";
import { menuButton } from "../files/menu.js";
import { pointAt, quoteOf } from "../files/quote.js";

// As services/withdrawal.py has it; the server decides.
const WITHDRAW_MS = 2 * 60 * 1000;
const EXCERPT = 120;

/** Build the files of a message or of one on its way, or null. */
export const messageFiles = (message) => filesOf(message.attachments, fileWords);

/** Build the lines that a message quotes, or null. */
export function messageQuote(message) {
  const { quote: quoted } = message;
  if (!quoted) return null;
  const who = quoted.speaker || quoted.author.name || t(`author.${quoted.author.kind}`);
  return quoteOf(quoted, who, fileWords, ({ seq }) =>
    pointAt(document.querySelector(`.lines [data-seq="${Number(seq)}"]`)),
  );
}

/** Build the menu button of a message, or null where nothing can be done with it. */
export function messageMenu(message, { mine, visitor }) {
  if (message.withdrawn_at || message.author.kind === "system") return null;
  const id = message.conversation_id;
  return menuButton(t("file.menu"), () => {
    const deeds = [];
    if (canReply(state.rows.get(id))) {
      deeds.push({ icon: "quote", label: t("file.quote"), run: () => quoteIt(message, visitor) });
    }
    if (mine && serverNow() - Date.parse(message.created_at) < WITHDRAW_MS) {
      deeds.push({
        icon: "withdraw",
        label: t("file.withdraw"),
        run: (button) => withdraw(button, message),
      });
    }
    return deeds;
  });
}

function quoteIt(message, visitor) {
  const names = (message.attachments ?? []).map((file) => file.name).join(" ");
  const { kind, name } = message.author;
  quote({
    id: message.id,
    seq: message.seq,
    author: message.author,
    speaker: name || visitor || t(`author.${kind}`),
    excerpt: `${message.text} ${names}`.trim().replace(/\s+/g, " ").slice(0, EXCERPT),
    withdrawn: false,
  });
}

async function withdraw(button, message) {
  // Drawn anew meanwhile, the message has another button.
  const beside = button.isConnected
    ? button
    : document.querySelector(`.lines [data-seq="${Number(message.seq)}"] .message-menu`);
  const sure = await ask(beside ?? document.body, {
    title: t("file.withdraw_title"),
    text: t("file.withdraw_text"),
    action: t("file.withdraw"),
    danger: true,
  });
  if (sure === null) return;
  try {
    const stored = await postWithdraw(message.conversation_id, message.id);
    const thread = knownThread(message.conversation_id);
    if (thread) mergeMessages(thread, [stored]);
    changed("thread");
    toast(t("file.withdraw_done"), "done");
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(error.message, "problem");
  }
}
