/** Message text as text nodes, with safe links and nothing else. */

import { t } from "./i18n.js";

const LINK =
  /(https?:\/\/[^\s<>"'`\u0080-\uffff]+)|(tel:\+?\d[\d-]{2,19})|((?:400|800)-\d{3,4}-?\d{3,4})/gi;
const TRAILING = /[.,;:!?)\]}'*_~]+$/;

/** Return the address if it is one a visitor may be sent to (http, https, tel), else null. */
export function safeAddress(address) {
  try {
    const url = new URL(String(address));
    return ["http:", "https:", "tel:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Return the address without the punctuation of the sentence around it. */
function trimAddress(address) {
  const bare = address.replace(TRAILING, "");
  const rest = address.slice(bare.length);
  // A bracket that was opened inside the address belongs to it.
  return rest.startsWith(")") && bare.includes("(") ? `${bare})` : bare;
}

/** Make a link that opens elsewhere and tells the other site nothing. */
export function linkTo(address, label) {
  const link = document.createElement("a");
  link.href = address;
  link.textContent = label;
  link.rel = "noopener noreferrer nofollow";
  if (!address.startsWith("tel:")) {
    link.target = "_blank";
    const hint = document.createElement("span");
    hint.className = "hidden-text";
    hint.textContent = t("opens_window");
    link.append(hint);
  }
  return link;
}

/** Append `text` to `parent`, addresses turned into links; line breaks are kept by the style. */
export function appendText(parent, text) {
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const number = match[3];
    const after = text.charAt(match.index + match[0].length);
    if (number && (/[\d-]/.test(text.charAt(match.index - 1)) || /[\d-]/.test(after))) continue;
    const label = number || trimAddress(match[0]);
    const address = safeAddress(number ? `tel:${number.replace(/-/g, "")}` : label);
    if (!address) continue;
    parent.append(text.slice(from, match.index), linkTo(address, label.replace(/^tel:/i, "")));
    from = match.index + label.length;
  }
  parent.append(text.slice(from));
}
