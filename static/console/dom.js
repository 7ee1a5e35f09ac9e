/** Small helpers to build elements; every text becomes a text node, never markup. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Build an element with attributes and children.
 *
 * `class`, `dataset` and `on` (event name to listener) have their own meaning; an attribute that is
 * null, undefined or false is left out, true makes it empty. Children may be nodes, texts or lists.
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [type, listener] of Object.entries(value)) {
        element.addEventListener(type, listener);
      }
    } else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "class") element.className = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children) {
    if (Array.isArray(child)) append(element, child);
    else if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Replace what is inside an element. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

/** Return the element with this data-part, or raise: the template and the script must agree. */
export function part(name, root = document) {
  const element = root.querySelector(`[data-part="${name}"]`);
  if (!element) throw new Error(`No element with data-part="${name}"`);
  return element;
}

/** Set a text only if it differs, so that a ticking second does not disturb selections. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Build an outline drawing of 20 px from path data; it is hidden from readers. */
export function drawing(paths, { filled = false } = {}) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", filled ? "icon icon-filled" : "icon");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

const URL_PATTERN = /https?:\/\/[^\s<>"'，。；：！？、（）【】《》「」“”‘’]+/gi;
const TRAILING = /[.,;:!?)\]}]+$/;

/** Return a text as nodes in which http(s) addresses are links that cannot reach back. */
export function linked(text) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(URL_PATTERN)) {
    const address = match[0].replace(TRAILING, "");
    if (!isWebAddress(address)) continue;
    nodes.push(text.slice(from, match.index), link(address, address));
    from = match.index + address.length;
  }
  nodes.push(text.slice(from));
  return nodes.filter((node) => node !== "");
}

/** Build a link to an outside page. */
export function link(address, label) {
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer nofollow" }, label);
}

/** Return whether the address is one that may become a link. */
export function isWebAddress(address) {
  try {
    return ["http:", "https:"].includes(new URL(address).protocol);
  } catch {
    return false;
  }
}
