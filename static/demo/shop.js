/** Fills the demonstration shop and lets its buttons speak to the widget. */

import { shops } from "./words.js";

const page = document.documentElement;
const shop = shops[page.lang] || shops["zh-CN"];
const art = page.dataset.art;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Call the widget; where it is not loaded yet, or not allowed here, nothing happens. */
function chat(...command) {
  if (window.CSChat) window.CSChat(...command);
}

function goodsCard(item) {
  const ask = make("button", { type: "button", className: "ask" }, shop.words.ask);
  ask.setAttribute("aria-label", `${shop.words.ask}: ${item.name}`);
  ask.addEventListener("click", () => {
    chat("setContext", { productId: item.id, pageTitle: item.name });
    chat("open");
  });
  const picture = make("img", {
    src: `${art}${item.art}.svg`,
    alt: "",
    width: 240,
    height: 240,
    loading: "lazy",
  });
  return make(
    "li",
    { className: "card" },
    make("div", { className: "tile" }, picture),
    make("h3", {}, item.name),
    make("p", { className: "note" }, item.note),
    make("p", { className: "price" }, item.price),
    ask,
  );
}

function promiseCard(promise) {
  return make("li", {}, make("h3", {}, promise.title), make("p", {}, promise.text));
}

function questionGroup(group) {
  const list = make("ul");
  for (const question of group.asks) {
    const button = make("button", { type: "button" }, question);
    button.addEventListener("click", () => chat("sendMessage", question));
    list.append(make("li", {}, button));
  }
  return make("section", {}, make("h3", {}, group.title), list);
}

for (const element of document.querySelectorAll("[data-word]")) {
  element.textContent = shop.words[element.dataset.word];
}
document.querySelector("[data-part=goods]").append(...shop.goods.map(goodsCard));
document.querySelector("[data-part=promises]").append(...shop.promises.map(promiseCard));
document.querySelector("[data-part=questions]").append(...shop.questions.map(questionGroup));
document.querySelector("[data-part=ask]").addEventListener("click", () => chat("open"));
