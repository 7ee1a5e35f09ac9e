/** What belongs to a message beside its words: files, what it quotes, and what one can do with it. */

import { fileWords } from "./attach.js";
import { t } from "./i18n.js";
import { filesOf } from "../files/cards.js";
import { menuButton } from "../files/menu.js";
import { pointAt, quoteOf } from "../files/quote.js";

const EXCERPT = 120;

function speakerOf(author, name, assistant) {
  if (author === "customer") return t("file_me");
  return name || (author === "bot" ? assistant : t("agent"));
}

/** Build the files of a message item, or null. */
export const filesOfItem = (item) => filesOf(item.attachments, fileWords);

/** Build the lines that a message item quotes, or null. */
export function quoteOfItem(item, assistant) {
  if (!item.quote) return null;
  const { author, speaker } = item.quote;
  const who = speaker || speakerOf(author.kind, author.name, assistant);
  return quoteOf(item.quote, who, fileWords, ({ id }) =>
    pointAt(document.querySelector(`[data-id="${CSS.escape(id)}"]`)),
  );
}

function excerptOf(item) {
  const names = (item.attachments || []).map((file) => file.name).join(" ");
  return `${item.text} ${names}`.trim().replace(/\s+/g, " ").slice(0, EXCERPT);
}

/** Build the menu button of a stored message, or null for one that is still on its way. */
export function menuOfItem(item, assistant, on) {
  if (!item.seq || item.withdrawn || item.author === "system") return null;
  const quote = {
    id: item.id,
    author: { kind: item.author, name: item.name },
    speaker: speakerOf(item.author, item.name, assistant),
    excerpt: excerptOf(item),
    withdrawn: false,
  };
  return menuButton(t("file_menu"), () => [
    { icon: "quote", label: t("file_quote"), run: () => on.quote(quote) },
  ]);
}
