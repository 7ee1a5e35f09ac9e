/** The bar on top: tenant, colleagues, presence, sound, connection. */
import { maySupervise, setPresence } from "./actions.js";
import { fill, h, part, setText } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { menuButton } from "./overlay.js";
import { choose, onSettings, setting } from "./settings.js";
import { mayHandle, state, subscribe } from "./store.js";

const PRESENCES = ["online", "busy", "rest", "offline"];

// On a phone there is room for what tells something; the rest moves into the account's menu.
const phone = matchMedia("(max-width: 699px)");

// A short break of the connection is nobody's business.
const BANNER_PAUSE_MS = 2_500;

let lostAt = 0;
let retryNow = () => {};
let folded = [];

/** Build the bar; the handlers open the dialogs and try the connection again. */
export function startHeader({ openSettings, openKeys, openBoard, openTickets, onRetry }) {
  retryNow = onRetry;
  const bar = part("tools");
  folded = [
    { name: "board", label: "board.open", open: openBoard, isOn: maySupervise },
    { name: "ticket", label: "ticket.title", open: openTickets, isOn: () => true },
    { name: "gear", label: "settings.open", open: openSettings, isOn: () => true },
  ];
  const team = h(
    "button",
    { type: "button", class: "tool team" },
    icon("team"),
    h("span", { dataset: { part: "team" } }),
  );
  const presence = h("button", {
    type: "button",
    class: "tool presence",
    dataset: { part: "presence" },
  });
  const account = h(
    "button",
    { type: "button", class: "tool account" },
    h("span", { class: "avatar", dataset: { part: "initial" }, "aria-hidden": "true" }),
    h("span", { class: "account-name", dataset: { part: "account" } }),
    icon("chevron"),
  );
  const sound = toolButton("bell", t("sound.toggle"), () => choose({ sound: !setting("sound") }), "tool-folded");
  sound.dataset.part = "sound";
  const board = toolButton("board", t("board.open"), openBoard, "tool-folded");
  board.dataset.part = "board-button";
  fill(
    bar,
    team,
    presence,
    sound,
    board,
    toolButton("ticket", t("ticket.title"), openTickets, "tool-folded"),
    toolButton("keys", t("keys.open"), openKeys, "tool-keys"),
    toolButton("gear", t("settings.open"), openSettings, "tool-folded"),
    account,
  );
  menuButton(team, { label: t("team.title"), build: buildTeam });
  menuButton(presence, { label: t("presence.title"), build: buildPresence });
  menuButton(account, { label: t("account.title"), build: buildAccount });
  subscribe(["me", "link"], draw);
  onSettings(draw);
  setInterval(drawBanner, 1000);
}

function toolButton(name, label, onClick, extra = "") {
  return h(
    "button",
    {
      type: "button",
      class: `icon-button ${extra}`,
      "aria-label": label,
      title: label,
      on: { click: onClick },
    },
    icon(name),
  );
}

function draw() {
  const { me, presence } = state;
  if (me) {
    setText(part("tenant"), me.tenant.name);
    setText(part("account"), me.member?.name ?? "");
    setText(part("initial"), (me.member?.name ?? "?").slice(0, 1));
  }
  const button = part("presence");
  button.hidden = !mayHandle();
  part("board-button").hidden = !maySupervise();
  button.dataset.presence = presence;
  fill(button, h("i", { class: "dot" }), h("span", {}, t(`presence.${presence}`)), icon("chevron"));
  button.setAttribute("aria-label", t("presence.now", { status: t(`presence.${presence}`) }));
  drawTeam();
  drawSound();
  drawBanner();
}

function drawTeam() {
  const others = [...state.colleagues.values()];
  const online = others.filter((colleague) => colleague.status === "online").length;
  const label = part("team");
  label.closest("button").hidden = others.length === 0;
  setText(label, t("team.online", { n: online, all: others.length }));
  // On a phone only the drawing is left of it.
  label.closest("button").setAttribute("aria-label", label.textContent);
}

function drawSound() {
  const button = part("sound");
  const on = setting("sound");
  fill(button, icon(on ? "bell" : "bell_off"));
  button.setAttribute("aria-pressed", String(on));
  button.title = t(on ? "sound.on" : "sound.off");
  button.classList.toggle("is-off", !on);
}

function buildTeam() {
  const others = [...state.colleagues.values()].sort(
    (a, b) =>
      PRESENCES.indexOf(a.status) - PRESENCES.indexOf(b.status) || a.name.localeCompare(b.name),
  );
  return [
    h("h2", {}, t("team.title")),
    h(
      "ul",
      { class: "people", tabindex: 0, autofocus: true },
      others.map((colleague) =>
        h(
          "li",
          { dataset: { presence: colleague.status } },
          h("i", { class: "dot" }),
          h("span", {}, colleague.name),
          h("span", { class: "muted" }, t(`presence.${colleague.status}`)),
        ),
      ),
    ),
  ];
}

function buildPresence(menu) {
  const choice = (status) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitemradio",
        class: "menu-item",
        "aria-checked": String(status === state.presence),
        dataset: { presence: status },
        on: {
          click: () => {
            menu.hidePopover();
            setPresence(status);
          },
        },
      },
      h("i", { class: "dot" }),
      h("span", {}, t(`presence.${status}`), h("small", {}, t(`presence.${status}_hint`))),
      status === state.presence && icon("check"),
    );
  return h("div", { role: "menu", "aria-label": t("presence.title") }, PRESENCES.map(choice));
}

function buildAccount(menu) {
  const { me } = state;
  const signOut = part("sign-out").content.cloneNode(true);
  return [
    h(
      "p",
      { class: "account-line" },
      h("strong", {}, me?.member?.name ?? ""),
      h("span", { class: "muted" }, me?.tenant.name ?? ""),
    ),
    phone.matches && folded.filter((each) => each.isOn()).map((each) => foldedItem(each, menu)),
    signOut,
  ];
}

function foldedItem({ name, label, open }, menu) {
  const follow = () => {
    menu.hidePopover();
    open();
  };
  return h(
    "button",
    { type: "button", class: "menu-item", on: { click: follow } },
    icon(name),
    h("span", {}, t(label)),
  );
}

function drawBanner() {
  const { phase, retryAt, polling } = state.link;
  const banner = part("banner");
  if (phase === "live") lostAt = 0;
  else lostAt ||= Date.now();
  const final = phase === "signed_out" || phase === "refused";
  const hidden = phase === "live" || (!final && Date.now() - lostAt < BANNER_PAUSE_MS);
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const text = bannerText(phase, polling, seconds);
  if (banner.hidden !== hidden) banner.hidden = hidden;
  if (hidden) return;
  // Only a new state is worth rebuilding; the seconds tick inside.
  const kind = `${phase}:${polling}`;
  if (banner.dataset.kind !== kind) {
    banner.dataset.kind = kind;
    banner.className = final ? "banner banner-problem" : "banner";
    fill(
      banner,
      icon(final ? "breach" : "retry"),
      h("span", { class: "banner-text" }),
      bannerAction(phase),
    );
  }
  setText(banner.querySelector(".banner-text"), text);
}

function bannerText(phase, polling, seconds) {
  if (phase === "signed_out" || phase === "refused") return t(`link.${phase}`);
  if (polling) return t("link.polling");
  return phase === "waiting" ? t("link.waiting", { s: seconds }) : t("link.connecting");
}

function bannerAction(phase) {
  if (phase === "signed_out") {
    const next = encodeURIComponent(location.pathname + location.hash);
    return h(
      "a",
      { class: "button", href: `${document.documentElement.dataset.login}?next=${next}` },
      t("link.sign_in"),
    );
  }
  if (phase === "refused") return null;
  return h(
    "button",
    { type: "button", class: "button", on: { click: () => retryNow() } },
    t("link.retry"),
  );
}
