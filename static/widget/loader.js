/**
 * The script a website embeds: a launcher button, and the conversation in a frame behind it.
 *
 * Nothing of the page is touched but one element at the end of <body>. Globals: CSChat, $cschat,
 * and csChatSettings, which the page may set before. docs/widget.md is the integrator's guide.
 */
(function () {
  "use strict";

  const VERSION = 1;
  const TICKET_MS = 45000;
  const BOOT_TIMEOUT_MS = 10000;
  const HELLO_TIMEOUT_MS = 15000;
  const SILENCE_MS = 5000;
  const REOPEN_MS = 30 * 60 * 1000;
  const MAX_ATTRIBUTES = 50;
  const MAX_ATTRIBUTE_CHARS = 1024;
  const DEFAULT_COLOUR = "#0f766e";
  const PHONE = "(max-width: 480px)";
  const LAUNCHER_GAP = 72;

  const WORDS = {
    "zh-CN": {
      open: "打开在线客服",
      close: "关闭在线客服",
      unread: "{n} 条未读",
      title: "在线客服",
      connecting: "正在连接客服…",
      failed: "暂时连接不上在线客服，请稍后再试。",
      retry: "重试",
      call: "拨打 {phone}",
      mail: "发邮件给我们",
      page: "其他联系方式",
      invited: "在线客服邀请",
      dismiss: "关闭邀请",
    },
    en: {
      open: "Open the chat",
      close: "Close the chat",
      unread: "{n} unread",
      title: "Chat",
      connecting: "Connecting…",
      failed: "The chat cannot be reached right now. Please try again in a moment.",
      retry: "Try again",
      call: "Call {phone}",
      mail: "Send us an e-mail",
      page: "Other ways to reach us",
      invited: "Chat invitation",
      dismiss: "Dismiss the invitation",
    },
  };

  const STYLE = `
    :host { all: initial; }
    * { box-sizing: border-box; }
    .root {
      font: 400 16px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "PingFang SC",
        "Microsoft YaHei", "Noto Sans SC", sans-serif;
      color: #1f2430;
    }
    button { margin: 0; font: inherit; cursor: pointer; -webkit-tap-highlight-color: transparent; }
    [hidden] { display: none !important; }
    .launcher {
      position: fixed; bottom: calc(var(--y) + env(safe-area-inset-bottom)); right: var(--x);
      display: flex; align-items: center; justify-content: center; gap: 8px;
      min-width: 56px; height: 56px; padding: 0 14px; border: 0; border-radius: 28px;
      color: var(--on-brand); background: var(--brand);
      box-shadow: 0 6px 20px rgb(16 24 40 / 24%);
    }
    .left .launcher { right: auto; left: var(--x); }
    .launcher:focus-visible, .fallback button:focus-visible, .fallback a:focus-visible {
      outline: 3px solid #1d4ed8; outline-offset: 3px;
    }
    .launcher svg {
      width: 28px; height: 28px; fill: none; stroke: currentcolor; stroke-width: 1.7;
      stroke-linecap: round; stroke-linejoin: round;
    }
    .word { font-weight: 600; white-space: nowrap; }
    .badge {
      position: absolute; top: -4px; right: -4px; min-width: 22px; height: 22px; padding: 0 6px;
      border: 2px solid #fff; border-radius: 12px; color: #fff; background: #b42318;
      font-size: 12px; font-weight: 600; line-height: 18px; text-align: center;
      font-variant-numeric: tabular-nums;
    }
    .panel {
      position: fixed; bottom: calc(var(--y) + ${LAUNCHER_GAP}px); right: var(--x);
      display: flex; width: 380px; max-width: calc(100vw - 2 * var(--x)); height: 600px;
      max-height: calc(100vh - var(--y) - ${LAUNCHER_GAP}px - 16px);
      overflow: hidden; border-radius: 14px; background: #fff;
      box-shadow: 0 12px 40px rgb(16 24 40 / 24%), 0 0 0 1px rgb(16 24 40 / 8%);
    }
    .left .panel { right: auto; left: var(--x); }
    iframe { display: block; flex: 1; width: 100%; height: 100%; border: 0; }
    iframe.waiting { position: absolute; visibility: hidden; }
    .fallback {
      display: flex; flex: 1; flex-direction: column; align-items: center;
      justify-content: center; gap: 12px; padding: 24px; text-align: center;
    }
    .fallback p { margin: 0; }
    .fallback a { color: #1d4ed8; min-height: 44px; line-height: 44px; }
    .fallback button {
      min-height: 44px; padding: 0 20px; border: 1px solid #1f2430; border-radius: 8px;
      color: #1f2430; background: #fff;
    }
    .shut { position: absolute; top: 8px; right: 8px; min-width: 44px; border: 0 !important; }
    .spinner {
      width: 28px; height: 28px; border: 3px solid #e4e7ec; border-top-color: #667085;
      border-radius: 50%;
    }
    @media (prefers-reduced-motion: no-preference) {
      .spinner { animation: turn 0.9s linear infinite; }
      .panel { animation: rise 150ms ease-out; }
      .launcher { transition: box-shadow 150ms; }
    }
    @keyframes turn { to { transform: rotate(1turn); } }
    @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
    @media (max-height: 560px) {
      .panel { top: 8px; bottom: 8px; height: auto; max-height: none; }
      .opened .launcher { display: none; }
    }
    @media (prefers-color-scheme: dark) {
      .auto .panel, .auto .fallback button { color: #e8eaee; background: #1a1e27; }
      .auto .fallback button { border-color: #e8eaee; }
      .auto .fallback a { color: #84adff; }
      .auto .spinner { border-color: #303745; border-top-color: #a0a9b8; }
    }
    @media ${PHONE} {
      .full .panel {
        top: var(--top, 0); right: 0; bottom: auto; left: 0; width: auto; max-width: none;
        height: 100vh; height: var(--height, 100dvh); max-height: none;
        padding: env(safe-area-inset-top) env(safe-area-inset-right) env(safe-area-inset-bottom)
          env(safe-area-inset-left);
        border-radius: 0;
        background-image: linear-gradient(var(--brand), var(--brand));
        background-repeat: no-repeat; background-size: 100% env(safe-area-inset-top);
      }
      .full.opened .launcher { display: none; }
    }
  `;

  const script =
    (document.currentScript && document.currentScript.src && document.currentScript) ||
    document.querySelector("script[data-channel-key]") ||
    document.querySelector('script[src*="/widget/v1/loader.js"]');
  const early = window.CSChat;
  if (window.$cschat || !script) return;

  const settings = Object.assign({}, script.dataset, window.csChatSettings);
  const key = settings.channelKey;
  const base = new URL(script.src, window.location.href).origin;
  const flag = (value) => value === true || value === "true" || value === "";

  if (!key) {
    console.warn("CSChat: no channel key given");
    return;
  }

  // What the page asked for, kept until the frame is there to hear it.
  let user = null;
  let attributes = {};
  let locale = pickLocale(settings.locale);
  let labels = [];
  let boot = null;
  let booting = null;
  let frame = null;
  let port = null;
  let nonce = "";
  let stage = "none";
  let opened = false;
  let unread = 0;
  let helloTimer = 0;
  let pending = [];
  let openedBySelf = false;
  let appeared = false;
  let scrollLock = null;
  const listeners = {};

  function matchLocale(tag) {
    const name = String(tag || "").replace("_", "-").toLowerCase();
    return name.startsWith("zh") ? "zh-CN" : name.startsWith("en") ? "en" : null;
  }

  function pickLocale(asked) {
    const browser = [...(navigator.languages || [])];
    const tags = flag(settings.useBrowserLanguage)
      ? [asked, ...browser, document.documentElement.lang]
      : [asked, document.documentElement.lang, ...browser];
    return tags.map(matchLocale).find(Boolean) || "zh-CN";
  }

  function word(name, values) {
    return WORDS[locale][name].replace(/\{(\w+)\}/g, (_, field) => values[field]);
  }

  function say(name, detail) {
    for (const listener of listeners[name] || []) listener(detail);
    window.dispatchEvent(new CustomEvent(`cschat:${name}`, { detail }));
  }

  /** What the next page needs to know: whether to look for news, and whether the panel was open. */
  const hints = {
    read() {
      try {
        return JSON.parse(window.localStorage.getItem(`cschat_${key}`)) || {};
      } catch {
        return {};
      }
    },
    write(change) {
      try {
        const next = Object.assign(hints.read(), change);
        window.localStorage.setItem(`cschat_${key}`, JSON.stringify(next));
      } catch {
        // Without storage the next page starts closed.
      }
    },
  };


  const host = document.createElement("div");
  host.id = "cschat";
  const shadow = host.attachShadow({ mode: "open" });
  const root = element("div", { className: "root" });
  const launcher = element("button", { type: "button", className: "launcher" });
  const label = element("span", { className: "word", hidden: true });
  const badge = element("span", { className: "badge", hidden: true });
  const panel = element("div", { className: "panel", id: "panel", hidden: true });
  badge.setAttribute("aria-hidden", "true");
  launcher.setAttribute("aria-controls", "panel");
  launcher.hidden = true;
  panel.setAttribute("role", "dialog");
  root.append(panel, launcher);
  shadow.append(root);

  function element(tag, properties, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  function drawing(path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const line = document.createElementNS(space, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    line.setAttribute("d", path);
    svg.append(line);
    return svg;
  }

  const CHAT =
    "M5 5.5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6l-4.5 3.5v-3.5H5a2 2 0 0 1-2-2v-8a2 2 0 0 1 2-2z" +
    "M8 11.5h.01M12 11.5h.01M16 11.5h.01";
  const DOWN = "M6 9l6 6 6-6";
  const CROSS = "M6 6l12 12M18 6L6 18";

  function adoptStyle() {
    // Constructed sheets need no 'unsafe-inline' in the page's policy; old browsers lack them.
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      shadow.adoptedStyleSheets = [sheet];
    } catch {
      shadow.append(element("style", { textContent: STYLE }));
    }
  }

  function textOn(colour) {
    const digits = /^#([0-9a-f]{6})$/i.exec(colour);
    if (!digits) return "#ffffff";
    const [r, g, b] = [0, 2, 4].map((at) => {
      const part = parseInt(digits[1].slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
    });
    return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5 ? "#ffffff" : "#000000";
  }

  function dress() {
    const config = (boot && boot.config) || {};
    const wanted = String((config.brand && config.brand.color) || DEFAULT_COLOUR);
    const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(wanted);
    const colour = short ? `#${short.slice(1).map((digit) => digit + digit).join("")}` : wanted;
    const offset = settings.offset || config.offset || {};
    const x = Number(offset.x !== undefined ? offset.x : settings.offsetX);
    const y = Number(offset.y !== undefined ? offset.y : settings.offsetY);
    root.style.setProperty("--brand", colour);
    root.style.setProperty("--on-brand", textOn(colour));
    root.style.setProperty("--x", `${Number.isFinite(x) ? x : 20}px`);
    root.style.setProperty("--y", `${Number.isFinite(y) ? y : 20}px`);
    host.style.setProperty("position", "relative");
    host.style.setProperty("z-index", String(parseInt(settings.zIndex, 10) || 2147483000));
    root.classList.toggle("left", (settings.position || config.position) === "left");
    root.classList.toggle("auto", settings.darkMode !== "light");
    root.classList.toggle("full", String(settings.mobileFullScreen) !== "false");
  }

  function paint() {
    const title = settings.launcherTitle || word("title");
    const news = unread ? `，${word("unread", { n: unread })}` : "";
    const comma = locale === "en" ? news.replace("，", ", ") : news;
    root.classList.toggle("opened", opened);
    launcher.setAttribute("aria-expanded", String(opened));
    launcher.setAttribute("aria-label", opened ? word("close") : word("open") + comma);
    launcher.title = opened ? word("close") : word("open");
    panel.setAttribute("aria-label", title);
    panel.setAttribute("aria-modal", String(opened && fullScreen()));
    label.textContent = title;
    label.hidden = settings.type !== "expanded_bubble" || opened;
    badge.textContent = unread > 99 ? "99+" : String(unread);
    badge.hidden = unread === 0 || opened;
    launcher.replaceChildren(drawing(opened ? DOWN : CHAT), label, badge);
    if (frame) frame.title = title;
  }

  function fullScreen() {
    return root.classList.contains("full") && window.matchMedia(PHONE).matches;
  }


  async function fetchBoot() {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), BOOT_TIMEOUT_MS);
    try {
      // Sent as plain text, the request needs no preflight: one round trip less on each page.
      const response = await fetch(`${base}/widget/v1/boot`, {
        method: "POST",
        body: JSON.stringify({ k: key }),
        credentials: "omit",
        signal: abort.signal,
      });
      const body = await response.json();
      if (!response.ok) throw Object.assign(new Error(), { status: response.status, body });
      boot = Object.assign(body, { at: Date.now() });
      return boot;
    } catch (error) {
      throw { status: error.status || 0, code: (error.body && error.body.code) || "network" };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolve to a boot answer whose ticket is still good; tickets are spent only once. */
  function freshBoot() {
    if (boot && !boot.spent && Date.now() - boot.at < TICKET_MS) return Promise.resolve(boot);
    booting = booting || fetchBoot().finally(() => (booting = null));
    return booting;
  }


  function tell(type, payload) {
    if (port) port.postMessage({ t: type, p: payload });
    else pending.push([type, payload]);
  }

  function place() {
    return {
      page: window.location.origin + window.location.pathname,
      page_title: document.title.slice(0, 200),
    };
  }

  function fallback(kind) {
    stage = kind;
    const box = element("div", { className: "fallback" });
    box.setAttribute("role", "status");
    if (kind === "loading") {
      box.append(
        element("div", { className: "spinner" }),
        element("p", { textContent: word("connecting") }),
      );
    } else {
      const retry = element("button", { type: "button", textContent: word("retry") });
      retry.addEventListener("click", load);
      box.append(element("p", { textContent: word("failed") }), retry, ...otherWays());
    }
    const shut = element("button", { type: "button", className: "shut", title: word("close") });
    shut.setAttribute("aria-label", word("close"));
    shut.append(drawing(CROSS));
    shut.querySelector("svg").setAttribute("width", "20");
    shut.querySelector("path").setAttribute("stroke", "currentColor");
    shut.querySelector("path").setAttribute("stroke-width", "2");
    shut.addEventListener("click", () => close());
    box.append(shut);
    const old = panel.querySelector(".fallback");
    if (old) old.replaceWith(box);
    else panel.prepend(box);
  }

  function otherWays() {
    const ways = settings.fallback || {};
    const links = [];
    if (ways.phone) links.push([`tel:${ways.phone}`, word("call", ways)]);
    if (ways.email) links.push([`mailto:${ways.email}`, word("mail")]);
    if (/^https?:\/\//.test(ways.url || "")) links.push([ways.url, word("page")]);
    return links.map(([href, textContent]) => element("a", { href, textContent }));
  }

  function fail(code) {
    clearTimeout(helloTimer);
    if (frame) frame.remove();
    frame = null;
    port = null;
    fallback("failed");
    say("error", { code });
  }

  async function load() {
    if (stage === "loading" || stage === "ready") return;
    fallback("loading");
    let answer;
    try {
      answer = await freshBoot();
    } catch (error) {
      fail(error.code);
      return;
    }
    dress();
    nonce = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");
    const address = new URL(
      answer.frame_url || `/widget/v1/frame?k=${encodeURIComponent(key)}`,
      base,
    );
    if (address.origin !== base) {
      fail("wrong_frame");
      return;
    }
    address.hash = `n=${nonce}`;
    frame = element("iframe", { className: "waiting" });
    frame.title = settings.launcherTitle || word("title");
    frame.setAttribute("allow", "clipboard-write");
    frame.setAttribute("referrerpolicy", "origin");
    frame.addEventListener("load", greet);
    frame.src = address.href;
    panel.append(frame);
    helloTimer = setTimeout(() => fail("frame_timeout"), HELLO_TIMEOUT_MS);
  }

  function greet() {
    // The frame has loaded; if it is ours, it answers at once.
    clearTimeout(helloTimer);
    if (stage === "loading") helloTimer = setTimeout(() => fail("frame_silent"), SILENCE_MS);
    const channel = new MessageChannel();
    const mine = channel.port1;
    mine.onmessage = ({ data }) => hear(mine, data);
    const payload = {
      ticket: boot.spent ? null : boot.ticket,
      config: boot.config || null,
      locale,
      theme: settings.darkMode === "light" ? "light" : "auto",
      user,
      attributes,
      page: place(),
    };
    boot.spent = true;
    frame.contentWindow.postMessage({ cs: VERSION, n: nonce, t: "hello", p: payload }, base, [
      channel.port2,
    ]);
  }

  function ready(mine) {
    clearTimeout(helloTimer);
    port = mine;
    stage = "ready";
    const waiting = panel.querySelector(".fallback");
    if (waiting) waiting.remove();
    frame.className = "";
    const queue = pending;
    pending = [];
    for (const [type, payload] of queue) tell(type, payload);
    if (opened) tellShown(openedBySelf);
  }

  async function sendTicket() {
    try {
      const { ticket } = await freshBoot();
      boot.spent = true;
      tell("ticket", { ticket });
    } catch (error) {
      tell("ticket", error);
    }
  }

  function hear(mine, { t: type, p: payload }) {
    if (type === "ready") {
      ready(mine);
    } else if (mine !== port) {
      // The port of a frame that is no more.
    } else if (type === "close") {
      close();
    } else if (type === "ticket") {
      sendTicket();
    } else if (type === "hint") {
      hints.write({ active: payload.active });
    } else if (type === "unread") {
      unread = payload.count;
      paint();
      say("unread", payload);
    } else if (["message", "handoff", "error"].includes(type)) {
      say(type, payload);
    }
  }


  function tellShown(focus) {
    tell("shown", { open: opened, focus, page: place() });
    if (opened && focus && frame) frame.focus();
  }

  /** On a phone the page behind must not scroll, and the keyboard must not cover the composer. */
  function fit() {
    const full = opened && fullScreen();
    const page = document.documentElement.style;
    if (full && scrollLock === null) {
      scrollLock = page.overflow;
      page.overflow = "hidden";
    } else if (!full && scrollLock !== null) {
      page.overflow = scrollLock;
      scrollLock = null;
    }
    const view = window.visualViewport;
    if (full && view && view.scale <= 1.01) {
      root.style.setProperty("--top", `${view.offsetTop}px`);
      root.style.setProperty("--height", `${view.height}px`);
    }
    panel.setAttribute("aria-modal", String(full));
  }

  function open(focus = true) {
    if (opened) return;
    opened = true;
    openedBySelf = focus;
    panel.hidden = false;
    hints.write({ opened: Date.now() });
    load();
    paint();
    fit();
    if (stage === "ready") tellShown(focus);
    else if (focus) panel.querySelector(".shut").focus();
    say("opened");
  }

  function close() {
    if (!opened) return;
    const inside = shadow.activeElement;
    opened = false;
    panel.hidden = true;
    hints.write({ opened: 0 });
    if (port) tellShown(false);
    paint();
    fit();
    if (inside && !launcher.hidden) launcher.focus();
    say("closed");
  }


  function keepAttributes(next) {
    const kept = {};
    for (const [name, value] of Object.entries(next || {}).slice(0, MAX_ATTRIBUTES)) {
      const scalar = ["string", "number", "boolean"].includes(typeof value);
      if (scalar && String(value).length <= MAX_ATTRIBUTE_CHARS) kept[name] = value;
      else console.warn(`CSChat: attribute ${name} left out`);
    }
    return kept;
  }

  function tellLabels() {
    if (port) tell("labels", labels);
    else pending = pending.filter(([type]) => type !== "labels").concat([["labels", labels]]);
  }

  const methods = {
    open: () => open(),
    close,
    toggle(state) {
      const want = state === undefined ? !opened : state === "open" || state === true;
      if (want) open();
      else close();
    },
    show() {
      launcher.hidden = !appeared;
      settings.hideLauncher = false;
    },
    hide() {
      launcher.hidden = true;
      settings.hideLauncher = true;
    },
    setUser(id, profile) {
      user = Object.assign({}, profile, { id: String(id) });
      if (frame) tell("user", user);
    },
    setCustomAttributes(next) {
      attributes = keepAttributes(Object.assign({}, attributes, next));
      if (frame) tell("attributes", attributes);
    },
    deleteCustomAttribute(name) {
      delete attributes[name];
      if (frame) tell("attributes", Object.assign({}, attributes));
    },
    setConversationAttributes(next) {
      tell("conversation_attributes", keepAttributes(next));
    },
    setLabel(name) {
      labels = labels.filter((each) => each !== name).concat([String(name)]);
      tellLabels();
    },
    removeLabel(name) {
      labels = labels.filter((each) => each !== name);
      tellLabels();
    },
    setContext(next) {
      const names = { orderNo: "order_no", productId: "product_id", pageTitle: "page_title" };
      const context = {};
      for (const [name, value] of Object.entries(keepAttributes(next))) {
        context[names[name] || name] = value;
      }
      tell("context", context);
    },
    setLocale(tag) {
      locale = matchLocale(tag) || locale;
      paint();
      if (frame) tell("locale", locale);
    },
    sendMessage(text) {
      open();
      tell("send", String(text));
    },
    startHandoff() {
      open();
      tell("handoff");
    },
    reset() {
      user = null;
      attributes = {};
      labels = [];
      pending = [];
      unread = 0;
      hints.write({ active: false });
      paint();
      // What the frame keeps can only be forgotten by the frame.
      load();
      tell("reset");
    },
    on(name, listener) {
      listeners[name] = (listeners[name] || []).concat([listener]);
    },
    off(name, listener) {
      listeners[name] = (listeners[name] || []).filter((each) => each !== listener);
    },
  };

  function command(name, ...parameters) {
    if (Object.prototype.hasOwnProperty.call(methods, name)) return methods[name](...parameters);
    console.warn(`CSChat: no method ${name}`);
    return undefined;
  }


  launcher.addEventListener("click", () => methods.toggle());
  for (const sign of ["pointerenter", "focus", "touchstart"]) {
    launcher.addEventListener(sign, load, { once: true, passive: true });
  }
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && opened) close();
  });
  window.addEventListener("resize", fit);
  if (window.visualViewport) {
    window.visualViewport.addEventListener("resize", fit);
    window.visualViewport.addEventListener("scroll", fit);
  }

  window.CSChat = command;
  window.$cschat = methods;
  adoptStyle();
  dress();
  paint();

  function whenIdle(work) {
    if (window.requestIdleCallback) window.requestIdleCallback(work, { timeout: 3000 });
    else setTimeout(work, 1000);
  }

  function appear(error) {
    // Where the channel does not exist or may not be shown, nothing is. Where the server cannot be
    // reached right now the button is, and its panel says so and offers to try again.
    if (error && (error.status === 403 || error.status === 404)) {
      say("error", { code: error.code });
      host.remove();
      return;
    }
    appeared = true;
    dress();
    launcher.hidden = flag(settings.hideLauncher);
    paint();
    const hint = hints.read();
    if (!error && hint.opened && Date.now() - hint.opened < REOPEN_MS && !fullScreen()) {
      open(false);
    } else if (!error && hint.active) {
      whenIdle(load);
    }
    if (!error && boot.invitations) whenIdle(invite);
    say("ready");
  }

  /** Proactive words live in a file of their own: only pages of channels that use them load it. */
  async function invite() {
    const address = new URL(boot.invitations.script, base);
    if (address.origin !== base) return;
    const { startInvitations } = await import(address.href);
    startInvitations({
      offered: boot.invitations,
      api: `${base}/widget/v1/invitation`,
      key,
      shadow,
      root,
      hints,
      element,
      word,
      locale: () => locale,
      busy: () => opened || unread > 0 || Boolean(hints.read().active) || launcher.hidden,
      open,
    });
  }

  function start() {
    document.body.append(host);
    for (const call of (early && early.q) || []) command(...call);
    freshBoot().then(() => appear(), appear);
  }

  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start, { once: true });
})();
