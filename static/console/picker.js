/** A list that opens over a text field at a sign such as "/" or "@", without leaving the field. */
import { fill, h } from "./dom.js";
import { t } from "./i18n.js";
import { announce } from "./overlay.js";

const LONGEST_QUERY = 30;
const MOST_SHOWN = 50;

/**
 * Let a text field offer lists; returns {element, look, close, onKey}.
 *
 * Each sign is {marks, label, isOn(), startOnly, items(query), row(item), choose(item)}: `items`
 * returns or promises what fits the letters typed since the mark; `choose` returns the text that
 * takes their place, or null for nothing. `replace(from, to, text)` writes it. `look()` is to be
 * called after every input, `onKey(event)` before the field's own keys; it returns true if the key
 * was the list's.
 */
export function makePicker(input, signs, replace) {
  const list = h("ul", { class: "picker-list", role: "listbox", id: "picker-list" });
  const element = h("div", { class: "picker", hidden: true }, list);
  let open = null;

  // The field keeps its focus while the mouse chooses.
  element.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(open.items[Number(option.dataset.index)]);
  });

  function found() {
    const caret = input.selectionStart;
    if (caret !== input.selectionEnd) return null;
    const before = input.value.slice(0, caret);
    for (const sign of signs) {
      if (!sign.isOn()) continue;
      const from = Math.max(...sign.marks.map((mark) => before.lastIndexOf(mark)));
      if (from === -1 || caret - from > LONGEST_QUERY) continue;
      const query = before.slice(from + 1);
      if (/\s/.test(query)) continue;
      if (sign.startOnly && before.slice(0, from).trim() !== "" && !/\s/.test(before[from - 1]))
        continue;
      return { sign, from, to: caret, query };
    }
    return null;
  }

  async function look() {
    const place = found();
    if (!place || (open?.dismissed === place.from && open.sign === place.sign)) {
      if (!place) close();
      return;
    }
    const mine = (open = { ...place, items: open?.items ?? [], at: 0 });
    const items = (await place.sign.items(place.query)).slice(0, MOST_SHOWN);
    if (open !== mine) return;
    mine.items = items;
    draw();
    announce(t("picker.found", { n: items.length }));
  }

  function draw() {
    const { sign, items, at } = open;
    list.setAttribute("aria-label", sign.label);
    fill(
      list,
      items.length === 0
        ? h("li", { class: "picker-none" }, t("picker.none"))
        : items.map((item, index) =>
            h(
              "li",
              {
                role: "option",
                id: `pick-${index}`,
                class: "picker-item",
                dataset: { index },
                "aria-selected": String(index === at),
              },
              sign.row(item),
            ),
          ),
    );
    if (items.length === 0) list.removeAttribute("role");
    else list.setAttribute("role", "listbox");
    element.hidden = false;
    input.setAttribute("aria-controls", list.id);
    mark();
  }

  function mark() {
    for (const option of list.querySelectorAll("[role=option]")) {
      const current = Number(option.dataset.index) === open.at;
      option.setAttribute("aria-selected", String(current));
      if (current) option.scrollIntoView({ block: "nearest" });
    }
    if (open.items.length > 0) input.setAttribute("aria-activedescendant", `pick-${open.at}`);
    else input.removeAttribute("aria-activedescendant");
  }

  function close() {
    open = null;
    element.hidden = true;
    input.removeAttribute("aria-activedescendant");
    input.removeAttribute("aria-controls");
  }

  function choose(item) {
    const { sign, from, to } = open;
    close();
    const text = sign.choose(item);
    if (text !== null) replace(from, to, text);
  }

  function onKey(event) {
    if (!open || element.hidden) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const count = open.items.length;
    if (step && count > 0) {
      open.at = (open.at + step + count) % count;
      mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && count > 0 && !event.shiftKey) {
      choose(open.items[open.at]);
    } else if (event.key === "Escape") {
      const { sign, from } = open;
      close();
      // What was dismissed stays so while the same word is being typed.
      open = { sign, dismissed: from, items: [], at: 0 };
    } else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  return { element, look, close, onKey };
}
