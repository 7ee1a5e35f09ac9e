/** One calm sentence about whatever is not as usual. */

import { make, part, setText } from "./dom.js";
import { t } from "./i18n.js";

function queueWords(position) {
  if (!position) return t("waiting");
  return position === 1 ? t("waiting_first") : t("waiting_position", { n: position });
}

/** Return {tone, text, action} for the view, or null where nothing needs saying. */
export function bannerOf(view) {
  const status = view.conversation ? view.conversation.status : null;
  const { hold } = view;
  const asking = view.outbox.some((entry) => entry.kind === "handoff" && !entry.problem);
  if (view.phase === "refused" || (hold && hold.reason === "refused")) {
    return { tone: "warn", text: t("refused") };
  }
  if (view.phase === "failed") {
    return { tone: "warn", text: t("failed_open"), action: "try_again" };
  }
  if (hold && hold.reason === "closed") {
    return { tone: "info", text: t("closed_blocked"), action: "start_new" };
  }
  if (view.network === "offline") {
    return { tone: "warn", text: asking ? t("handoff_offline") : t("offline") };
  }
  if (view.network === "reconnecting") return { tone: "warn", text: t("reconnecting") };
  if (view.trouble) return { tone: "warn", text: t("error_generic") };
  if (hold && hold.reason === "rate") {
    const seconds = Math.max(1, Math.ceil((hold.until - Date.now()) / 1000));
    return { tone: "info", text: t("rate_limited", { n: seconds }) };
  }
  if (status === "waiting_human") {
    return { tone: "info", text: queueWords(view.conversation.queue_position) };
  }
  if (asking) return { tone: "info", text: t("handoff_sending") };
  if (status === "closed") return { tone: "info", text: t("closed") };
  return null;
}

/** Bind the banner; `on` takes an action's name. */
export function createBanner(on) {
  const banner = part("banner");
  const words = part("banner-words");
  const actions = part("banner-action");

  return {
    render(view) {
      const state = bannerOf(view);
      banner.hidden = state === null;
      banner.dataset.tone = state ? state.tone : "";
      setText(words, state ? state.text : "");
      const action = state ? state.action || "" : "";
      const shape = action ? `${action}:${t(action)}` : "";
      if (actions.dataset.shape === shape) return;
      actions.dataset.shape = shape;
      actions.replaceChildren();
      if (!action) return;
      const button = make("button", { type: "button", className: "banner-button" }, t(action));
      button.addEventListener("click", () => on(action));
      actions.append(button);
    },
  };
}
