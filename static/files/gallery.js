/** One picture in full, over everything else; arrows go to the next one, Escape leads back. */

import { drawn, iconButton, make } from "./build.js";

/**
 * Show the picture at `index` of `pictures` ({name, url}).
 *
 * `words(key, values)` gives the labels. The focus returns to where it came from.
 */
export function openGallery(pictures, index, words) {
  let at = index;
  const image = make("img", "gallery-image", { alt: "" });
  const title = make("p", "gallery-title", { "aria-live": "polite" });
  const save = make("a", "gallery-button", { download: "", target: "_blank", rel: "noopener" });
  save.append(drawn("download"));
  save.title = words("download");
  save.setAttribute("aria-label", words("download"));
  const dialog = make("dialog", "gallery", { "aria-label": words("picture") });
  const close = iconButton("close", words("close"), "gallery-button", () => dialog.close());
  const previous = iconButton("left", words("previous"), "gallery-button gallery-previous", () =>
    turn(-1),
  );
  const next = iconButton("right", words("next"), "gallery-button gallery-next", () => turn(1));
  const several = pictures.length > 1;
  previous.hidden = next.hidden = !several;
  dialog.append(make("div", "gallery-bar", {}, title, save, close), image, previous, next);

  function show() {
    const picture = pictures[at];
    image.src = picture.url;
    image.alt = picture.name;
    save.href = picture.url;
    const place = several ? ` · ${at + 1} / ${pictures.length}` : "";
    title.textContent = `${picture.name}${place}`;
  }

  function turn(step) {
    at = (at + step + pictures.length) % pictures.length;
    show();
  }

  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") {
      event.preventDefault();
      dialog.close();
    }
    if (!several) return;
    if (event.key === "ArrowLeft") turn(-1);
    if (event.key === "ArrowRight") turn(1);
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target === image) dialog.close();
  });
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && before.isConnected) before.focus({ preventScroll: true });
  });
  show();
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
