/** Points in time, in the visitor's zone and language. */

import { getLocale, t } from "./i18n.js";

const PAUSE_MS = 10 * 60 * 1000;

const dayOf = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

function dayName(date) {
  const days = Math.round((dayOf(new Date()) - dayOf(date)) / 86400000);
  if (days === 0) return t("today");
  if (days === 1) return t("yesterday");
  if (days === -1) return t("tomorrow");
  const sameYear = date.getFullYear() === new Date().getFullYear();
  return new Intl.DateTimeFormat(getLocale(), {
    year: sameYear ? undefined : "numeric",
    month: "long",
    day: "numeric",
    weekday: sameYear ? "short" : undefined,
  }).format(date);
}

/** Return hours and minutes, 24-hour. */
export function clock(date) {
  return new Intl.DateTimeFormat(getLocale(), {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  }).format(date);
}

/** Return day and time of an instant as the API writes it. */
export function dayAndTime(iso) {
  const date = new Date(iso);
  return `${dayName(date)} ${clock(date)}`;
}

/** Return the mark that stands before a message of `date`, or null where none is needed. */
export function timeMark(date, previous) {
  if (previous && dayOf(date) === dayOf(previous) && date - previous < PAUSE_MS) return null;
  return `${dayName(date)} ${clock(date)}`;
}
