/** What a visitor's browser keeps for one channel. */

function usableArea() {
  try {
    const probe = "cs:probe";
    window.localStorage.setItem(probe, "1");
    window.localStorage.removeItem(probe);
    return window.localStorage;
  } catch {
    return null;
  }
}

/**
 * Open the store of one channel; where the browser forbids storage it lives until the page does.
 *
 * Values are JSON. `onOtherTab(name)` fires when another tab changed a value.
 */
export function openStorage(channelKey) {
  const prefix = `cs:${channelKey}:`;
  const area = usableArea();
  const memory = new Map();

  function get(name, fallback = null) {
    if (memory.has(name)) return memory.get(name);
    try {
      const text = area ? area.getItem(prefix + name) : null;
      return text === null ? fallback : JSON.parse(text);
    } catch {
      return fallback;
    }
  }

  function set(name, value) {
    try {
      if (!area) throw new Error("no storage");
      area.setItem(prefix + name, JSON.stringify(value));
      memory.delete(name);
    } catch {
      memory.set(name, value);
    }
  }

  function remove(name) {
    memory.delete(name);
    try {
      if (area) area.removeItem(prefix + name);
    } catch {
      memory.set(name, null);
    }
  }

  function onOtherTab(listener) {
    window.addEventListener("storage", (event) => {
      if (event.key && event.key.startsWith(prefix)) listener(event.key.slice(prefix.length));
    });
  }

  return { get, set, remove, onOtherTab, durable: area !== null, name: prefix };
}

/** Run `work` while no other tab runs work of the same name; without lock support just run it. */
export async function withLock(name, work) {
  let started = false;
  try {
    if (!navigator.locks) return await work();
    return await navigator.locks.request(name, () => {
      started = true;
      return work();
    });
  } catch (error) {
    if (started || !navigator.locks) throw error;
    return work();
  }
}

/** Return a random UUID, also where the page is not a secure context. */
export function randomId() {
  if (window.crypto.randomUUID) return window.crypto.randomUUID();
  const bytes = window.crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
