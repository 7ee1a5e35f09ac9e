/** What one person chose on this machine: kept in localStorage, or in memory where it is blocked. */

const KEY = "yingda.console.settings";
const DEFAULTS = {
  sound: true,
  volume: 0.6,
  notifications: true,
  quietBusy: false,
  list: "queue",
  context: true,
};

let values = { ...DEFAULTS, ...read() };
const listeners = new Set();

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** Return one setting. */
export function setting(name) {
  return values[name];
}

/** Store settings and tell whoever listens. */
export function choose(changes) {
  values = { ...values, ...changes };
  try {
    localStorage.setItem(KEY, JSON.stringify(values));
  } catch {
    // Storage may be blocked; the choice then lasts as long as the page.
  }
  for (const listener of listeners) listener();
}

/** Call the listener after every change, also one made in another tab. */
export function onSettings(listener) {
  listeners.add(listener);
}

addEventListener("storage", (event) => {
  if (event.key !== KEY) return;
  values = { ...DEFAULTS, ...read() };
  for (const listener of listeners) listener();
});
