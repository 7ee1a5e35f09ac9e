/** One calm sentence about whatever is not as usual. */

import { dayAndTime } from "./dates.js";
import { make, part, setText } from "./dom.js";
import { t } from "./i18n.js";

function queueWords({
  queue_position: position,
  wait_estimate_seconds: estimate,
  opens_at: back,
  ticket,
}) {
  if (back && ticket) return t("waiting_ticket", { time: dayAndTime(back), number: ticket });
  if (back) return t("waiting_closed", { time: dayAndTime(back) });
  if (!position) return t("waiting");
  const place = position === 1 ? t("waiting_first") : t("waiting_position", { n: position });
  // Nobody counts the seconds of an estimate.
  const minutes = Math.ceil(estimate / 60);
  return estimate && position > 1 ? place + t("waiting_estimate", { n: minutes }) : place;
}

/** Return {tone, text, action or actions} for the view, or null where nothing needs saying. */
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
    const text = queueWords(view.conversation);
    // What is kept as a ticket need not be left again.
    const first = view.conversation.ticket ? "ticket_mine" : "leave_message";
    return { tone: "info", text, actions: [first, "to_assistant"] };
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
      const names = state ? state.actions || (state.action ? [state.action] : []) : [];
      const shape = names.map((name) => `${name}:${t(name)}`).join();
      if (actions.dataset.shape === shape) return;
      actions.dataset.shape = shape;
      actions.replaceChildren(
        ...names.map((name) => {
          const button = make("button", { type: "button", className: "banner-button" }, t(name));
          button.addEventListener("click", () => on(name));
          return button;
        }),
      );
    },
  };
}
