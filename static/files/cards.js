/** Files in a message: pictures in boxes of a known size, everything else as a card. */

import { drawn, make, sizeText } from "./build.js";
import { openGallery } from "./gallery.js";

// A single picture keeps its shape within this box; several share a grid of squares.
const WIDEST = 240;
const TALLEST = 260;
const SMALLEST = 64;

const isPicture = (file) => Boolean(file.width && file.url);

/** Return an address of our own files or a preview, else null: nothing else is ever loaded. */
function ownAddress(url) {
  return /^(\/files\/|blob:)/.test(String(url ?? "")) ? url : null;
}

function boxOf(file) {
  const scale = Math.min(1, WIDEST / file.width, TALLEST / file.height);
  return {
    width: Math.max(SMALLEST, Math.round(file.width * scale)),
    height: Math.max(SMALLEST, Math.round(file.height * scale)),
  };
}

function pictureButton(file, pictures, words, alone) {
  const button = make("button", "file-picture", {
    type: "button",
    "aria-label": words("open", { name: file.name }),
  });
  const image = make("img", "", { alt: "", decoding: "async", loading: "lazy" });
  // The room is taken before the picture is there, so nothing jumps when it comes.
  if (alone) {
    const box = boxOf(file);
    button.style.width = `${box.width}px`;
    button.style.height = `${box.height}px`;
  }
  image.addEventListener("error", () => button.classList.add("is-lost"));
  image.src = file.url;
  button.append(image);
  button.addEventListener("click", () => openGallery(pictures, pictures.indexOf(file), words));
  return button;
}

function fileCard(file, words) {
  const extension = (file.name.match(/\.([a-z0-9]{1,5})$/i) || ["", "?"])[1].toUpperCase();
  const facts = make("span", "file-facts", {}, extension, " · ", sizeText(file.size));
  const name = make("span", "file-name", {}, file.name);
  const body = make("span", "file-words", {}, name, facts);
  const card = make("a", "file-card", {
    href: file.url,
    download: "",
    target: "_blank",
    rel: "noopener",
    "aria-label": words("download_named", { name: file.name }),
  });
  card.append(drawn("file"), body, drawn("download"));
  return card;
}

/**
 * Build what shows the attachments of a message, or null where it has none.
 *
 * `words(key, values)` gives the labels.
 */
export function filesOf(attachments, words) {
  const files = (attachments || []).map((file) => ({ ...file, url: ownAddress(file.url) }));
  if (!files.length) return null;
  const pictures = files.filter(isPicture);
  const list = make("div", "files");
  if (pictures.length) {
    const alone = pictures.length === 1;
    const grid = make("div", alone ? "file-single" : "file-grid");
    for (const file of pictures) grid.append(pictureButton(file, pictures, words, alone));
    list.append(grid);
  }
  for (const file of files) {
    if (isPicture(file)) continue;
    if (file.url) list.append(fileCard(file, words));
    else list.append(make("p", "file-removed", {}, drawn("file"), words("removed")));
  }
  return list;
}
