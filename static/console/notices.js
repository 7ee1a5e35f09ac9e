/** What the system noticed: a line on screen, a sound, once each; a click opens the conversation. */
import { getNotices } from "./api.js";
import { callAbout } from "./alerts.js";
import { t } from "./i18n.js";
import { announce, toastFor } from "./overlay.js";
import { goTo } from "./route.js";
import { state } from "./store.js";

const SUPERVISING = ["supervisor", "client_admin"];
const heard = new Set();

/** Take over one notice, if it is this person's and new. */
export function takeNotice(notice) {
  if (!isMine(notice) || heard.has(notice.id)) return;
  heard.add(notice.id);
  const name = notice.contact.name || t("contact.anonymous");
  const text = t("notice.about", { name, text: notice.text });
  announce(text);
  toastFor(text, () => goTo(notice.conversation_id));
  if (notice.conversation_id !== state.openId || !document.hasFocus()) {
    callAbout(notice.id, text, notice.conversation_id);
  }
}

/** Ask for what was missed while no socket was there; what is older than this page is not news. */
export async function fetchNotices() {
  const { notices } = await getNotices();
  for (const notice of notices.reverse()) {
    if (Date.parse(notice.created_at) < opened) heard.add(notice.id);
    else takeNotice(notice);
  }
}

const opened = Date.now();

function isMine(notice) {
  const me = state.me?.member;
  if (!me) return false;
  if (notice.member_id) return notice.member_id === me.id;
  return !notice.for_supervisors || SUPERVISING.includes(me.role);
}
