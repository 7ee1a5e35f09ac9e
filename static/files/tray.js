/** What is about to be sent along: previews, progress, and what went wrong. */

import { drawn, iconButton, make, sizeText } from "./build.js";
import { UploadError } from "./upload.js";

export const ACCEPTED = [
  "image/jpeg,image/png,image/gif,image/webp,application/pdf",
  ".docx,.xlsx,.pptx,.txt,.csv,.log,.mp3,.m4a,.amr,.wav,.mp4",
].join(",");
export const MOST = 9;

/**
 * Keep the files of the next message in `tray`.
 *
 * `upload(file, progress)` returns {done, cancel} as `postFile` does; `limit()` is the most bytes a
 * file may have; `changed()` is called when sending becomes possible or impossible; `words(key,
 * values)` gives the labels.
 */
export function createTray({ tray, upload, limit, words, changed }) {
  let entries = [];
  let number = 0;
  const status = make("p", "hidden-text", { role: "status" });
  const list = make("ul", "tray-list");
  tray.classList.add("tray");
  tray.append(list, status);

  const busy = () => entries.some((entry) => entry.state === "uploading");
  const ready = () => entries.filter((entry) => entry.state === "ready");

  function problemOf(error) {
    if (error.status === 0) return words("failed_network");
    return error.detail || words("failed");
  }

  function start(entry) {
    entry.state = "uploading";
    entry.progress = 0;
    entry.problem = "";
    const { done, cancel } = upload(entry.file, (share) => {
      entry.progress = share;
      drawProgress(entry);
    });
    entry.cancel = cancel;
    done.then(
      (attachment) => {
        entry.state = "ready";
        entry.attachment = attachment;
        status.textContent = words("ready", { name: entry.file.name });
        draw(entry);
        changed();
      },
      (error) => {
        if (!(error instanceof UploadError)) throw error;
        if (error.status === -1) return;
        fail(entry, problemOf(error), error.mayPass);
        changed();
      },
    );
    draw(entry);
  }

  function fail(entry, problem, again) {
    entry.state = "failed";
    entry.problem = problem;
    entry.again = again;
    status.textContent = `${entry.file.name}: ${problem}`;
    draw(entry);
  }

  function drawProgress(entry) {
    const bar = entry.element.querySelector("progress");
    if (bar) bar.value = entry.progress;
  }

  function draw(entry) {
    const { file, state } = entry;
    // What was refused may be no picture at all, whatever it is called.
    const pictured = entry.preview && state !== "failed";
    const picture = pictured
      ? make("img", "tray-image", { src: entry.preview, alt: "" })
      : drawn("file");
    if (pictured) picture.addEventListener("error", () => picture.replaceWith(drawn("file")));
    const facts = make("span", "tray-facts");
    if (state === "uploading") {
      facts.append(
        make("progress", "", {
          max: "1",
          value: String(entry.progress),
          "aria-label": words("uploading", { name: file.name }),
        }),
      );
    } else facts.textContent = state === "failed" ? entry.problem : sizeText(file.size);
    const again =
      state === "failed" && entry.again
        ? iconButton("retry", words("retry"), "files-button", () => {
            start(entry);
            changed();
          })
        : null;
    const label = words(state === "uploading" ? "cancel" : "remove", { name: file.name });
    const away = iconButton("close", label, "files-button", () => drop(entry));
    const element = make(
      "li",
      `tray-item is-${state}`,
      {},
      make("span", "tray-picture", {}, picture),
      make("span", "tray-words", {}, make("span", "tray-name", {}, file.name), facts),
      again,
      away,
    );
    const held = entry.element?.contains(document.activeElement);
    if (entry.element) entry.element.replaceWith(element);
    else list.append(element);
    entry.element = element;
    if (held) away.focus();
    tray.hidden = entries.length === 0;
  }

  function drop(entry) {
    if (entry.state === "uploading") entry.cancel();
    const at = entries.indexOf(entry);
    entries = entries.filter((each) => each !== entry);
    forget(entry);
    const neighbour = entries[Math.min(at, entries.length - 1)];
    if (neighbour) neighbour.element.querySelector(".files-button:last-child").focus();
    changed({ emptied: entries.length === 0 });
  }

  function forget(entry) {
    entry.element.remove();
    if (entry.preview) URL.revokeObjectURL(entry.preview);
    tray.hidden = entries.length === 0;
  }

  tray.hidden = true;
  return {
    /** Take files in and start to upload them. */
    add(files) {
      for (const file of files) {
        if (entries.length >= MOST) {
          status.textContent = words("too_many", { n: MOST });
          tray.dataset.problem = words("too_many", { n: MOST });
          break;
        }
        delete tray.dataset.problem;
        number += 1;
        const pictured = /^image\/(jpeg|png|gif|webp)$/.test(file.type);
        const entry = { key: number, file, preview: pictured ? URL.createObjectURL(file) : null };
        entries.push(entry);
        if (file.size === 0) fail(entry, words("empty"), false);
        else if (file.size > limit()) {
          fail(entry, words("too_large", { limit: sizeText(limit()) }), false);
        } else start(entry);
      }
      changed();
    },

    busy,
    count: () => entries.length,
    hasReady: () => ready().length > 0,

    /** Return the attachments that have arrived, and forget them; what failed stays in sight. */
    take() {
      const taken = ready();
      entries = entries.filter((entry) => entry.state !== "ready");
      taken.forEach(forget);
      return taken.map((entry) => entry.attachment);
    },

    /** Forget everything, uploads under way included. */
    clear() {
      for (const entry of entries) if (entry.state === "uploading") entry.cancel();
      const all = entries;
      entries = [];
      all.forEach(forget);
    },

    /** Say everything anew, in another language. */
    refresh: () => entries.forEach(draw),
  };
}
