/** The bell of the admin and the console: how many, which, read, seen to. */
const AGAIN_MS = 60_000;

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Bring one bell of the page to life. */
function startBell(bell) {
  const find = (name) => bell.querySelector(`[data-bell-${name}]`);
  const button = bell.querySelector(".bell-button");
  const label = button.getAttribute("aria-label");
  const box = bell.querySelector(".bell-box");
  let heard = null;

  async function ask(url, body) {
    const options = body
      ? {
          method: "POST",
          // A click on a line leaves the page; what it says is sent all the same.
          keepalive: true,
          headers: { "Content-Type": "application/json", "X-CSRFToken": bell.dataset.csrf },
          body: JSON.stringify(body),
        }
      : {};
    try {
      const answer = await fetch(url, { credentials: "same-origin", ...options });
      if (answer.status === 401) return;
      if (!answer.ok) throw new Error(String(answer.status));
      show(await answer.json());
    } catch {
      if (box.matches(":popover-open")) find("said").textContent = bell.dataset.failed;
    }
  }

  function show({ unread, lines }) {
    const count = find("count");
    count.hidden = unread === 0;
    count.textContent = unread > 99 ? "99+" : String(unread);
    const words = unread ? `${label}: ${unread} ${bell.dataset.unread}` : label;
    button.setAttribute("aria-label", words);
    // Only what is new is said; the first count stands on the button.
    if (heard !== null && unread > heard) find("said").textContent = words;
    heard = unread;
    find("read").hidden = unread === 0;
    find("all").hidden = !lines.some((line) => line.can_acknowledge);
    const list = find("lines");
    const held = document.activeElement?.closest?.("[data-line]")?.dataset.line;
    list.replaceChildren(...lines.map(build));
    if (!lines.length) list.append(element("li", "bell-empty", bell.dataset.empty));
    if (held) list.querySelector(`[data-line="${held}"] :is(a, button)`)?.focus();
  }

  function build(line) {
    const row = element("li", `bell-line bell-${line.level}`);
    row.dataset.line = line.id;
    if (!line.is_read) row.classList.add("bell-new");
    const head = element("p", "bell-top");
    head.append(element("span", "bell-level", line.urgency), element("time", "", line.at));
    const title = element(line.link ? "a" : "strong", "bell-title", line.title);
    if (line.link) {
      title.href = line.link;
      title.addEventListener("click", () => ask(bell.dataset.read, { ids: [line.id] }));
    }
    row.append(head, title, element("p", "bell-body", line.body));
    if (line.can_acknowledge) {
      const seen = element("button", "bell-see", bell.dataset.acknowledgeWords);
      seen.type = "button";
      seen.addEventListener("click", () => ask(bell.dataset.acknowledge, { ids: [line.id] }));
      row.append(seen);
    } else if (line.acknowledged) {
      row.append(
        element("p", "bell-done", `${bell.dataset.acknowledgedWords} ${line.acknowledged}`),
      );
    }
    return row;
  }

  function place() {
    const anchor = button.getBoundingClientRect();
    const width = box.getBoundingClientRect().width;
    box.style.top = `${anchor.bottom + 8}px`;
    box.style.left = `${Math.max(8, Math.min(anchor.right, innerWidth - 8) - width)}px`;
  }

  box.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    button.setAttribute("aria-expanded", String(open));
    if (!open) return;
    find("said").textContent = "";
    place();
    ask(bell.dataset.lines);
    box.querySelector("button:not([hidden]), a")?.focus();
  });
  find("read").addEventListener("click", () => ask(bell.dataset.read, {}));
  find("all").addEventListener("click", () => ask(bell.dataset.acknowledge, {}));
  addEventListener("focus", () => ask(bell.dataset.lines));
  setInterval(() => document.hidden || ask(bell.dataset.lines), AGAIN_MS);
  ask(bell.dataset.lines);
}

for (const bell of document.querySelectorAll("[data-bell]")) startBell(bell);
