/** Helpers for the DOM. A value becomes text or an attribute, never markup. */

import { language } from "./words.js";

const MAX_ANNOUNCEMENTS = 5; // kept in the live region: one that is removed too early is not read out

/** An element. Attributes that start with "on" are listeners, "dataset" is an object; null, undefined and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An icon of the SVG sprite in index.html, hidden from screen readers. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** A time as <time>: "09:41" with the date in its tooltip, or "09:41:07.123" when `precise`. */
export function timeNode(seconds, { precise = false } = {}) {
  const date = new Date(seconds * 1000);
  const text = precise
    ? `${date.toLocaleTimeString("en-GB")}.${String(date.getMilliseconds()).padStart(3, "0")}`
    : date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return el("time", { class: "time", datetime: date.toISOString(), title: precise ? null : date.toLocaleString(language() === "en" ? "en-GB" : language()) }, text);
}

/** The element with this id; throws when index.html has none. */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`index.html has no #${id}`);
  return node;
}

/** Has screen readers read `text` out; an error is also shown under the message box. */
export function announce(text, { isError = false } = {}) {
  const announcer = byId("announcer");
  announcer.append(el("span", {}, `${text} `));
  while (announcer.children.length > MAX_ANNOUNCEMENTS) announcer.firstElementChild.remove();
  if (isError) byId("composer-note").textContent = text;
}

const renderedRows = new WeakMap(); // <li> -> its row as JSON

/**
 * Makes the <li> children of `list` show `rows` ({key, ...}) in order, each filled with the nodes of `render(row, li)`.
 * A row that changed keeps its <li>, and with it the keyboard's focus and an open <details>; one that did not is left alone.
 * Returns the keys of the rows that are new.
 */
export function renderList(list, rows, render) {
  const shown = language();
  const items = new Map([...list.children].map((item) => [item.dataset.key, item]));
  const addedKeys = [];
  rows.forEach((row, index) => {
    const rendered = `${shown} ${JSON.stringify(row)}`; // a row is rendered anew in another language
    let item = items.get(row.key);
    items.delete(row.key);
    if (!item) {
      item = el("li", { dataset: { key: row.key }, tabindex: "-1" });
      item.replaceChildren(...[render(row, item)].flat());
      addedKeys.push(row.key);
    } else if (renderedRows.get(item) !== rendered) {
      replaceContent(item, () => item.replaceChildren(...[render(row, item)].flat()));
      animate(item, "changed");
    }
    renderedRows.set(item, rendered);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  });
  for (const item of items.values()) item.remove();
  return addedKeys;
}

/* The element that gets the focus back is the one with the same data-focus. */
function replaceContent(item, replace) {
  const focused = item.contains(document.activeElement) && document.activeElement !== item ? document.activeElement : null;
  const wasOpen = item.querySelector("details[open]") !== null;
  replace();
  if (wasOpen) item.querySelector("details")?.setAttribute("open", "");
  if (!focused) return;
  const key = focused.dataset.focus;
  const successor = key ? item.querySelector(`[data-focus="${CSS.escape(key)}"]`) : null;
  (successor ?? item).focus({ preventScroll: true });
}

/** Plays the animation of a class once, from its start; does nothing while the node is not visible. */
export function animate(node, className) {
  node.classList.remove(className);
  void node.offsetWidth; // a reflow, without which the animation does not start again
  if (!node.checkVisibility()) return;
  node.classList.add(className);
  node.addEventListener("animationend", () => node.classList.remove(className), { once: true });
}
