/** Instants on the server's clock, written in the tenant's zone. */
import { t } from "./i18n.js";

const SECOND = 1000;
const DAY = 86_400_000;

let offset = 0;
let zone = undefined;
let formats = buildFormats();

/** Learn the server's clock from an answer that was asked for at `sentAt` (local milliseconds). */
export function learnServerTime(iso, sentAt = Date.now()) {
  const server = Date.parse(iso);
  if (Number.isNaN(server)) return;
  offset = server - (sentAt + Date.now()) / 2;
}

/** Return the server's present instant in milliseconds. */
export function serverNow() {
  return Date.now() + offset;
}

/** Write all times in this IANA zone; an unknown one leaves the browser's. */
export function useZone(name) {
  try {
    zone = name || undefined;
    formats = buildFormats();
  } catch {
    zone = undefined;
    formats = buildFormats();
  }
}

function buildFormats() {
  // Swedish writes 2026-11-23 14:05, which is the product's date in both languages.
  const make = (options) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, ...options });
  return {
    day: make({ year: "numeric", month: "2-digit", day: "2-digit" }),
    clock: make({ hour: "2-digit", minute: "2-digit" }),
    weekday: (locale) => new Intl.DateTimeFormat(locale, { timeZone: zone, weekday: "short" }),
  };
}

/** Return "14:05". */
export function clock(iso) {
  return formats.clock.format(new Date(iso));
}

/** Return the calendar day "2026-11-23". */
export function day(iso) {
  return formats.day.format(new Date(iso));
}

/** Return "2026-11-23 14:05", or a dash for no instant. */
export function dateTime(iso) {
  return iso ? `${day(iso)} ${clock(iso)}` : "–";
}

/** Return the name of a day for a day mark: today, yesterday, or the date with its weekday. */
export function dayName(iso, locale) {
  const name = day(iso);
  if (name === formats.day.format(new Date(serverNow()))) return t("day.today");
  if (name === formats.day.format(new Date(serverNow() - DAY))) return t("day.yesterday");
  return `${name} ${formats.weekday(locale).format(new Date(iso))}`;
}

/** Return a short time for a list row: the clock today, the day before that. */
export function shortTime(iso) {
  if (!iso) return "";
  const date = new Date(iso);
  if (formats.day.format(date) === formats.day.format(new Date(serverNow()))) return clock(iso);
  const name = day(iso);
  return name.slice(0, 4) === day(serverNow()).slice(0, 4) ? name.slice(5) : name;
}

/** Return whole seconds since an instant, never below zero. */
export function secondsSince(iso) {
  return Math.max(0, Math.floor((serverNow() - Date.parse(iso)) / SECOND));
}

/** Return whole seconds until an instant, never below zero. */
export function secondsUntil(iso) {
  return Math.max(0, Math.ceil((Date.parse(iso) - serverNow()) / SECOND));
}

/** Return a duration in words: "48 s", "1 min 05 s", "3 h 20 min", "2 d 4 h". */
export function duration(seconds) {
  if (seconds < 60) return t("duration.seconds", { s: seconds });
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) {
    return t("duration.minutes_seconds", { m: minutes, s: String(seconds % 60).padStart(2, "0") });
  }
  if (minutes < 60) return t("duration.minutes", { m: minutes });
  const hours = Math.floor(minutes / 60);
  if (hours < 24) {
    return t("duration.hours_minutes", { h: hours, m: String(minutes % 60).padStart(2, "0") });
  }
  return t("duration.days_hours", { d: Math.floor(hours / 24), h: hours % 24 });
}

/** Return how a wait stands against a promise of so many seconds: calm, near (half) or over. */
export function pressure(seconds, promise) {
  if (seconds >= promise) return "over";
  return seconds >= promise / 2 ? "near" : "calm";
}

/** Return an instant as the tenant's clock shows it, in the form of a datetime-local field. */
export function asLocal(at) {
  return `${day(at)}T${clock(at)}`;
}

/** Return the instant that the tenant's clock shows so, from what a datetime-local field holds. */
export function fromLocal(text) {
  const asUtc = (local) => Date.parse(`${local}:00Z`);
  let at = new Date(asUtc(text));
  // Twice, because the offset at the first guess may be that of the other side of a change.
  for (let round = 0; round < 2; round += 1)
    at = new Date(at.getTime() + asUtc(text) - asUtc(asLocal(at)));
  return at;
}
