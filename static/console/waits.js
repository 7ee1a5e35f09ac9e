/** Waiting times that count on their own, grey to amber at half of the promise, red at the promise. */
import { h, setText } from "./dom.js";
import { t } from "./i18n.js";
import { icon } from "./icons.js";
import { state } from "./store.js";
import { duration, pressure, secondsSince } from "./time.js";

const MARKS = { calm: "clock", near: "clock", over: "breach" };
const DEFAULT_PROMISE_S = 60;

/** Build a counter of the time since an instant. */
export function waitMark(since) {
  const mark = h("span", { class: "wait", dataset: { since } }, h("span", { class: "wait-text" }));
  update(mark);
  return mark;
}

function update(mark) {
  const promise = state.me?.promises?.handoff_seconds ?? DEFAULT_PROMISE_S;
  const seconds = secondsSince(mark.dataset.since);
  const level = pressure(seconds, promise);
  if (mark.dataset.pressure !== level) {
    mark.dataset.pressure = level;
    mark.querySelector("svg")?.remove();
    mark.prepend(icon(MARKS[level]));
    // The level is told by the shape and, for a pointer or a reader, in words.
    mark.title = t(`wait.${level}`, { s: promise });
  }
  setText(mark.querySelector(".wait-text"), duration(seconds));
}

/** Move every counter on screen to the present second. */
export function tickWaits() {
  for (const mark of document.querySelectorAll("[data-since]")) update(mark);
}
