/** The outline icons of the console, drawn on a 20 px grid. */
import { drawing } from "./dom.js";

const PATHS = {
  agent: [
    "M10 10a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5Z",
    "M3.5 16.5c.8-2.8 3.3-4.3 6.5-4.3s5.7 1.5 6.5 4.3",
  ],
  app: ["M6.5 2.5h7a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1h-7a1 1 0 0 1-1-1v-13a1 1 0 0 1 1-1Z", "M9 15h2"],
  back: ["M12.5 4.5 7 10l5.5 5.5"],
  bell: ["M5 13.5V9a5 5 0 0 1 10 0v4.5l1.25 1.5H3.75L5 13.5Z", "M8.5 17h3"],
  bell_off: [
    "M5 13.5V9c0-.9.2-1.7.6-2.4M8 4.4A5 5 0 0 1 15 9v3",
    "M13 15H3.75L5 13.5",
    "M8.5 17h3",
    "M3.5 3.5l13 13",
  ],
  breach: ["M10 3 18 16.5H2L10 3Z", "M10 8v4", "M10 14.2v.1"],
  chat: ["M3.5 4.5h13v9h-7l-3.5 3v-3h-2.5v-9Z"],
  check: ["M4 10.5 8 14.5 16 6"],
  checks: ["M2 10.5 5.5 14 12 7", "M9.5 13.5l.5.5 7.5-7"],
  chevron: ["M5.5 8 10 12.5 14.5 8"],
  clock: ["M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z", "M10 6v4.2l2.7 1.6"],
  close: ["M5 5l10 10M15 5 5 15"],
  done: ["M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z", "M6.8 10.2 9 12.4l4.2-4.6"],
  gear: [
    "M4 6h5M13 6h3M4 14h3M11 14h5",
    "M11 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
    "M9 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4Z",
  ],
  globe: [
    "M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z",
    "M3.3 10h13.4",
    "M10 3c-4.2 4-4.2 10 0 14 4.2-4 4.2-10 0-14Z",
  ],
  info: ["M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z", "M10 9.3V13.5", "M10 6.6v.1"],
  keys: ["M3 5.5h14v9H3v-9Z", "M6 8.5h.1M9 8.5h.1M12 8.5h.1M14.5 8.5h.1M7 11.7h6"],
  leave: ["M8 3.5H4.5v13H8", "M12.5 6.5 16 10l-3.5 3.5", "M15.5 10H8"],
  list: ["M3.5 5.5h13M3.5 10h13M3.5 14.5h9"],
  lock: ["M5 9h10v7.5H5V9Z", "M7 9V6.5a3 3 0 0 1 6 0V9"],
  out: ["M3 10 17 3.5 12.5 16.5 9.5 11.5 3 10Z", "M9.5 11.5 17 3.5"],
  panel: ["M3 4.5h14v11H3v-11Z", "M12 4.5v11"],
  retry: ["M15.5 8A6 6 0 1 0 16 11.5", "M16 4v4h-4"],
  return: ["M7.5 5.5 4 9l3.5 3.5", "M4 9h8a4 4 0 0 1 0 8h-1.5"],
  search: ["M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z", "M13 13l3.5 3.5"],
  shop: ["M4 7h12l-.8 9.5H4.8L4 7Z", "M7 9V6a3 3 0 0 1 6 0v3"],
  spark: ["M10 3l1.6 4.9L16.5 10l-4.9 1.6L10 17l-1.6-5.4L3.5 10l4.9-2.1L10 3Z"],
  team: [
    "M7.5 9.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5Z",
    "M2.5 16c.5-2.5 2.5-3.8 5-3.8s4.5 1.3 5 3.8",
    "M13 4.3a2.6 2.6 0 0 1 0 5M14.5 12.6c1.6.5 2.7 1.7 3 3.4",
  ],
  thumb_down: ["M7 4h6.5l2.5 6v1.5h-5l.5 4.5-1.5.5L7 11.5V4Z", "M7 4H4v7.5h3"],
  thumb_up: ["M7 16h6.5l2.5-6V8.5h-5l.5-4.5L10 3.5 7 8.5V16Z", "M7 16H4V8.5h3"],
  verified: [
    "M10 2.8 15.8 5v4.5c0 3.6-2.3 6.2-5.8 7.7-3.5-1.5-5.8-4.1-5.8-7.7V5L10 2.8Z",
    "M7.3 9.9 9.3 11.9l3.5-3.8",
  ],
  wechat: [
    "M8 3.5c-3.3 0-5.5 2-5.5 4.4 0 1.5.8 2.7 2 3.5L4 13.5l2.3-1.2c.5.1 1.1.2 1.7.2",
    "M12.5 8c-2.8 0-4.8 1.7-4.8 3.9s2 3.9 4.8 3.9c.5 0 1-.1 1.5-.2l2 1-.4-1.7c1-.7 1.7-1.8 1.7-3C17.3 9.7 15.3 8 12.5 8Z",
  ],
};

const CHANNEL_ICONS = {
  website: "globe",
  web: "globe",
  widget: "globe",
  app: "app",
  mobile: "app",
  wechat: "wechat",
  wecom: "wechat",
  shop: "shop",
};

/** Draw an icon by name. */
export function icon(name) {
  return drawing(PATHS[name]);
}

/** Draw the mark of a kind of channel; an unknown kind gets a speech bubble. */
export function channelIcon(kind) {
  return icon(CHANNEL_ICONS[String(kind ?? "").split("_")[0]] ?? "chat");
}
