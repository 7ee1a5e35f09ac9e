/**
 * Proactive invitations: words beside the launcher, on some pages, after some time.
 *
 * Nothing is asked for and nothing takes the focus. The browser itself remembers what it has shown;
 * the server counts only that it was shown, followed or put away.
 */

const TICK_MS = 1000;
const DAY_MS = 24 * 60 * 60 * 1000;
const MINUTES_A_DAY = 24 * 60;
// Somebody who was first seen longer ago than this has come back.
const VISIT_MS = 30 * 60 * 1000;

const STYLE = `
  .invitation {
    position: fixed; bottom: calc(var(--y) + 72px + env(safe-area-inset-bottom)); right: var(--x);
    display: flex; align-items: flex-start; max-width: min(300px, calc(100vw - 2 * var(--x)));
    border-radius: 14px; color: #1f2430; background: #fff;
    box-shadow: 0 8px 28px rgb(16 24 40 / 22%), 0 0 0 1px rgb(16 24 40 / 8%);
  }
  .left .invitation { right: auto; left: var(--x); }
  .opened .invitation { display: none; }
  .invitation button { border: 0; border-radius: 14px; color: inherit; background: none; }
  .invitation-words {
    min-height: 44px; padding: 12px 0 12px 16px; text-align: start; overflow-wrap: anywhere;
  }
  .invitation-shut { display: flex; flex: none; align-items: center; justify-content: center;
    width: 44px; height: 44px; padding: 0; }
  .invitation-shut svg { width: 18px; height: 18px; fill: none; stroke: currentcolor;
    stroke-width: 2; stroke-linecap: round; }
  .invitation button:hover { background: rgb(16 24 40 / 5%); }
  .invitation button:focus-visible { outline: 3px solid #1d4ed8; outline-offset: 2px; }
  @media (prefers-reduced-motion: no-preference) {
    .invitation { animation: invite 200ms ease-out; }
  }
  @keyframes invite { from { opacity: 0; transform: translateY(8px); } }
  @media (prefers-color-scheme: dark) {
    .auto .invitation { color: #e8eaee; background: #1a1e27;
      box-shadow: 0 8px 28px rgb(0 0 0 / 45%), 0 0 0 1px rgb(255 255 255 / 12%); }
    .auto .invitation button:hover { background: rgb(255 255 255 / 8%); }
    .auto .invitation button:focus-visible { outline-color: #84adff; }
  }
  @media print { .invitation { display: none; } }
`;

/** Return whether a page's address fits a pattern, as conversations/page_patterns.py reads it. */
export function matches(pattern, href) {
  const url = new URL(href);
  const address = pattern.startsWith("/")
    ? url.pathname + url.search
    : url.href.slice(0, url.href.length - url.hash.length);
  return fitsParts(pattern.split("*"), address);
}

function fitsParts(parts, text) {
  const [first, ...between] = parts;
  if (between.length === 0) return text === first;
  const last = between.pop();
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of between) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - at >= last.length && text.endsWith(last);
}

/** Return whether the minute of the day lies within the hours; over midnight is meant, too. */
export function isWithin(from, until, minute) {
  if (from === null) return true;
  return from < until ? from <= minute && minute < until : minute >= from || minute < until;
}

/** Watch the page and show the first invitation that fits, once. */
export function startInvitations(widget) {
  const { offered, hints } = widget;
  const known = hints.read();
  const first = known.first || Date.now();
  if (!known.first) hints.write({ first });
  let href = window.location.href;
  let seconds = 0;

  const timer = setInterval(() => {
    if (document.visibilityState !== "visible") return;
    if (window.location.href !== href) {
      href = window.location.href;
      seconds = 0;
    }
    seconds += TICK_MS / 1000;
    if (widget.busy()) return;
    const fits = offered.list.find((each) => isFor(each));
    if (!fits) return;
    clearInterval(timer);
    show(widget, fits);
  }, TICK_MS);

  function isFor(invitation) {
    const returning = Date.now() - first > VISIT_MS;
    const shownAt = (hints.read().invited || {})[invitation.id] || 0;
    const now = new Date();
    const minute =
      (now.getUTCHours() * 60 + now.getUTCMinutes() + offered.zone_minutes + MINUTES_A_DAY) %
      MINUTES_A_DAY;
    return (
      seconds >= invitation.seconds &&
      Boolean(invitation.words[widget.locale()]) &&
      (invitation.audience === "everyone" ||
        (invitation.audience === "returning") === returning) &&
      Date.now() - shownAt >= invitation.every_days * DAY_MS &&
      isWithin(invitation.from, invitation.until, minute) &&
      (invitation.patterns.length === 0 ||
        invitation.patterns.some((pattern) => matches(pattern, href)))
    );
  }
}

function show({ api, key, shadow, root, hints, element, word, locale, open }, invitation) {
  adoptStyle(shadow, element);
  const words = element("button", { type: "button", className: "invitation-words" });
  words.textContent = invitation.words[locale()];
  const shut = element("button", { type: "button", className: "invitation-shut" }, cross());
  shut.setAttribute("aria-label", word("dismiss"));
  const box = element("div", { className: "invitation" }, words, shut);
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", word("invited"));
  // Read out where the visitor is; the focus stays where it was.
  const announcer = element("div");
  announcer.setAttribute("aria-live", "polite");
  root.prepend(announcer);
  announcer.append(box);

  const tell = (what) => {
    const body = JSON.stringify({ k: key, id: invitation.id, what });
    fetch(api, { method: "POST", body, credentials: "omit", keepalive: true }).catch(() => {});
  };
  const invited = Object.assign({}, hints.read().invited, { [invitation.id]: Date.now() });
  hints.write({ invited });
  tell("shown");

  let standing = true;
  const gone = (what) => {
    if (!standing) return;
    standing = false;
    watch.disconnect();
    document.removeEventListener("keydown", escape, true);
    announcer.remove();
    if (what) tell(what);
  };
  // Who opens the chat by the launcher needs no invitation any more.
  const watch = new MutationObserver(() => root.classList.contains("opened") && gone(""));
  watch.observe(root, { attributes: true, attributeFilter: ["class"] });
  const escape = (event) => {
    if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented) gone("dismissed");
  };
  document.addEventListener("keydown", escape, true);
  shut.addEventListener("click", () => gone("dismissed"));
  words.addEventListener("click", () => {
    gone("clicked");
    open();
  });
}

function cross() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  const line = document.createElementNS(space, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  line.setAttribute("d", "M6 6l12 12M18 6L6 18");
  svg.append(line);
  return svg;
}

function adoptStyle(shadow, element) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  } catch {
    shadow.append(element("style", { textContent: STYLE }));
  }
}
