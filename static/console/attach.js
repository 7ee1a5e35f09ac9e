/** Pictures and files of a reply, and the message it quotes; each conversation has its own. */
import { uploadFile } from "./api.js";
import { h } from "./dom.js";
import { t } from "./i18n.js";
import { acceptFiles } from "../files/drop.js";
import { createQuoteStrip } from "../files/quote.js";
import { ACCEPTED, createTray } from "../files/tray.js";
import { drawn } from "../files/build.js";

// As the server's ATTACHMENT_MB has it by default; where that is smaller, the server says so.
const MOST_BYTES = 10 * 1024 * 1024;

/** Words of the shared file modules. */
export const fileWords = (key, values) => t(`file.${key}`, values);

let tray;
let strip;
let shownFor = null;
let focus = () => {};

/**
 * Build the parts of the composer that hold files and a quote: {button, along}.
 *
 * `given` has zone and input (where files are dropped and pasted), open() saying whether one may
 * reply now, changed() and focus().
 */
export function startAttach(given) {
  focus = given.focus;
  const quoteBox = h("div", { hidden: true });
  const trayBox = h("div", { hidden: true });
  const chooser = h("input", {
    type: "file",
    multiple: true,
    hidden: true,
    tabindex: -1,
    accept: ACCEPTED,
    on: {
      change() {
        tray.add([...chooser.files]);
        chooser.value = "";
        focus();
      },
    },
  });
  const label = t("file.attach");
  const button = h(
    "button",
    {
      type: "button",
      class: "icon-button composer-attach",
      "aria-label": label,
      title: label,
      on: { click: () => chooser.click() },
    },
    drawn("clip"),
  );
  tray = createTray({
    tray: trayBox,
    upload: (file, progress) => uploadFile(shownFor, file, progress),
    limit: () => MOST_BYTES,
    words: fileWords,
    changed({ emptied } = {}) {
      given.changed();
      if (emptied) focus();
    },
  });
  strip = createQuoteStrip(quoteBox, fileWords, () => focus());
  acceptFiles({ zone: given.zone, box: given.input, open: given.open, take: tray.add });
  return { button, along: h("div", { class: "composer-along" }, quoteBox, trayBox, chooser) };
}

/** Work for this conversation from now on; what was attached in another one is given up. */
export function attachFor(id) {
  if (id === shownFor) return;
  shownFor = id;
  tray.clear();
  strip.clear();
}

/** Quote a message in the next reply; raises nothing where one may not reply. */
export const quote = (message) => strip.set(message);

/** Whether something is still on its way to the server. */
export const isUploading = () => tray.busy();

/** Whether something is there that may be sent without words. */
export const hasFiles = () => tray.hasReady();

/** Return {attachments, quote} of the reply about to be sent, and forget them. */
export const takeAlong = () => ({ attachments: tray.take(), quote: strip.take() });
