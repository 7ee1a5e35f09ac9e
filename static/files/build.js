/** Elements and drawings shared by what shows files. */

const SVG = "http://www.w3.org/2000/svg";

/** Make an element with a class, attributes and children; null and false children are left out. */
export function make(tag, className = "", attributes = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

const PATHS = {
  clip: ["M15.5 9.5 9.7 15.3a3.6 3.6 0 0 1-5-5l6-6a2.4 2.4 0 0 1 3.4 3.4l-5.8 5.8a1.2 1.2 0 0 1-1.7-1.7l5.2-5.2"],
  close: ["M5 5l10 10M15 5 5 15"],
  dots: ["M4.5 10h.01M10 10h.01M15.5 10h.01"],
  download: ["M10 3.5v9M6.3 9 10 12.7 13.7 9", "M4 16.5h12"],
  file: ["M5.5 2.5h6l4 4v11h-10v-15Z", "M11.5 2.5v4h4"],
  left: ["M12.5 4.5 7 10l5.5 5.5"],
  quote: ["M7.5 5.5 4 9l3.5 3.5", "M4 9h8a4 4 0 0 1 4 4v2"],
  retry: ["M15.5 8A6 6 0 1 0 16 11.5", "M16 4v4h-4"],
  right: ["M7.5 4.5 13 10l-5.5 5.5"],
  withdraw: ["M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z", "M5.2 14.8 14.8 5.2"],
};

/** Draw an outline icon of 20 px that readers skip. */
export function drawn(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon files-icon files-icon-${name}`);
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

/** Make a button that shows an icon and is called `label`. */
export function iconButton(name, label, className, run) {
  const button = make("button", className, { type: "button", "aria-label": label, title: label });
  button.append(drawn(name));
  button.addEventListener("click", run);
  return button;
}

/** Return a size as people read it: "820 KB", "3.4 MB". */
export function sizeText(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
