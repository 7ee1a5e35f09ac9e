/** Quotes: above the words that answer them, and above the box in which one answers. */

import { iconButton, make } from "./build.js";

function excerptOf(quote, words) {
  return quote.withdrawn ? words("withdrawn") : quote.excerpt;
}

/** Build the quoted lines of a message; pressing them leads to what was quoted. */
export function quoteOf(quote, speaker, words, go) {
  if (!quote) return null;
  const block = make("button", "quoted", { type: "button" });
  block.append(
    make("span", "quoted-who", {}, speaker),
    make("span", "quoted-words", {}, excerptOf(quote, words)),
  );
  block.addEventListener("click", () => go(quote));
  return block;
}

/** Show for a moment where a message stands. */
export function pointAt(element) {
  if (!element) return;
  element.scrollIntoView({ block: "center" });
  element.classList.remove("is-pointed-at");
  // Read the layout, so that the animation starts anew.
  void element.offsetWidth;
  element.classList.add("is-pointed-at");
}

/**
 * Keep what the next message quotes, shown in `strip`.
 *
 * `take()` returns it, and forgets it.
 */
export function createQuoteStrip(strip, words, changed) {
  let quote = null;

  function draw() {
    strip.hidden = !quote;
    strip.replaceChildren();
    if (!quote) return;
    strip.append(
      make("span", "quoted-who", {}, words("quoting", { name: quote.speaker })),
      make("span", "quoted-words", {}, quote.excerpt),
      iconButton("close", words("quote_remove"), "files-button", () => {
        set(null);
        changed({ dropped: true });
      }),
    );
  }

  function set(next) {
    quote = next;
    draw();
  }

  strip.classList.add("quote-strip");
  draw();
  return {
    set(next) {
      set(next);
      changed({ dropped: false });
    },
    clear: () => set(null),
    take() {
      const taken = quote;
      set(null);
      return taken;
    },
    refresh: draw,
  };
}
