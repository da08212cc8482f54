/** Builds the page out of nodes: a value is only ever text or an attribute, never markup. */

/** One element. Properties that start with "on" are listeners, "dataset" is an object; null, undefined and false are left out. */
export function h(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An icon of the sprite in index.html; it says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** The element with this id; its absence is a mistake of the page, so it is loud. */
export function part(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found;
}

const shownIn = new WeakMap(); // node -> what it shows, as JSON: an entry that did not change is not touched

/**
 * Makes the children of `parent` show `entries` ({key, ...}) in order. A new entry gets a new <li>; one that changed keeps
 * its <li> and gets new contents (so it changes in place, and the keyboard's focus stays); one that did not is left alone.
 * Returns the keys of the entries that are new.
 */
export function keyed(parent, entries, render) {
  const before = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const fresh = [];
  entries.forEach((entry, place) => {
    const shown = JSON.stringify(entry);
    let node = before.get(entry.key);
    before.delete(entry.key);
    if (!node) {
      node = h("li", { dataset: { key: entry.key }, tabindex: "-1" });
      node.replaceChildren(...[render(entry, node)].flat());
      fresh.push(entry.key);
    } else if (shownIn.get(node) !== shown) {
      keepingFocus(node, () => node.replaceChildren(...[render(entry, node)].flat()));
      flash(node);
    }
    shownIn.set(node, shown);
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
  for (const gone of before.values()) gone.remove();
  return fresh;
}

function keepingFocus(node, change) {
  const focused = node.contains(document.activeElement) && document.activeElement !== node ? document.activeElement : null;
  const open = [...node.querySelectorAll("details[open]")].length > 0;
  change();
  if (open) node.querySelector("details")?.setAttribute("open", "");
  if (!focused) return;
  const key = focused.dataset.focus;
  const heir = key ? node.querySelector(`[data-focus="${CSS.escape(key)}"]`) : null;
  (heir ?? node).focus({ preventScroll: true });
}

function flash(node) {
  node.classList.remove("changed");
  void node.offsetWidth; // restarts the animation
  moveOnce(node, "changed");
}

/** Plays the animation of a class once; where nothing is seen of it, or nothing moves, the class does not stay behind. */
export function moveOnce(node, name) {
  if (!node.checkVisibility()) return;
  node.classList.add(name);
  node.addEventListener("animationend", () => node.classList.remove(name), { once: true });
}
