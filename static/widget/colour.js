/** The tenant's colour, and a text colour that can be read on it. */

const HEX = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i;
const AA = 4.5;

/** Return [r, g, b] of a #rgb or #rrggbb colour, or null. */
export function parseColour(text) {
  const match = HEX.exec(String(text || "").trim());
  if (!match) return null;
  const digits = match[1].length === 3 ? [...match[1]].map((d) => d + d).join("") : match[1];
  return [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16));
}

/** Return the relative luminance of WCAG 2, 0 to 1. */
export function luminance(rgb) {
  const [r, g, b] = rgb.map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Return "#ffffff" where white reads well on the colour (4.5:1), else "#000000", which then does. */
export function textOn(rgb) {
  return 1.05 / (luminance(rgb) + 0.05) >= AA ? "#ffffff" : "#000000";
}

/** Put the brand colour on the page; an unreadable value keeps the default. */
export function applyBrand(colour) {
  const rgb = parseColour(colour);
  if (!rgb) return;
  const style = document.documentElement.style;
  style.setProperty("--brand", `rgb(${rgb.join(" ")})`);
  style.setProperty("--on-brand", textOn(rgb));
}
