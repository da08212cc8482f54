/** The list above the box: ready examples that begin as what was typed does (the combobox pattern of WAI-ARIA). */
import { h, part } from "./dom.js";

let active = -1;

/** Opens the list with the examples that fit what stands in the box, or closes it. */
export function drawSuggestions(examples, choose) {
  const fitting = fits(examples);
  active = -1;
  mark();
  part("suggestions").replaceChildren(...fitting.map((one, place) => option(one, place, choose)));
  open(fitting.length > 0);
}

/** Closes the list. */
export function closeSuggestions() {
  active = -1;
  mark();
  open(false);
}

/** Handles a key for the list; true when the key was meant for it. Tab completes the command's own name. */
export function keyInSuggestions(event, examples, choose, command) {
  const options = [...part("suggestions").children];
  const isOpen = !part("suggestions").hidden;
  const typed = event.target.value;
  const taken = () => {
    event.preventDefault();
    return true;
  };
  if (event.isComposing) return true;
  if (event.key === "Tab" && !event.shiftKey && active < 0 && typed.length > 1 && command.startsWith(typed) && typed !== command) {
    choose(`${command} `);
    drawSuggestions(examples, choose);
    return taken();
  }
  if (!isOpen) return false;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const step = event.key === "ArrowDown" ? 1 : -1;
    active = active < 0 && step < 0 ? options.length - 1 : (active + step + options.length) % options.length;
    mark();
    return taken();
  }
  if (event.key === "Escape") {
    closeSuggestions();
    return taken();
  }
  if ((event.key === "Enter" || event.key === "Tab") && active >= 0) {
    choose(options[active].dataset.text);
    return taken();
  }
  return false;
}

function fits(examples) {
  const typed = part("composer-text").value.toLowerCase();
  return typed.startsWith("/") ? examples.filter((one) => one.text.toLowerCase().startsWith(typed) && one.text.toLowerCase() !== typed) : [];
}

function option(example, place, choose) {
  const pick = (event) => {
    event.preventDefault(); // the box keeps the focus
    choose(example.text);
  };
  return h("li", { id: `suggestion-${place}`, role: "option", "aria-selected": "false", class: "suggestion", dataset: { text: example.text }, onmousedown: pick },
    h("span", { class: "suggestion-label" }, example.label, h("span", { class: "suggestion-hint" }, example.hint)), h("code", {}, example.text));
}

function open(isOpen) {
  part("suggestions").hidden = !isOpen;
  part("composer-text").setAttribute("aria-expanded", String(isOpen));
}

function mark() {
  const options = [...part("suggestions").children];
  options.forEach((one, place) => one.setAttribute("aria-selected", String(place === active)));
  const box = part("composer-text");
  if (active >= 0 && options[active]) {
    box.setAttribute("aria-activedescendant", options[active].id);
    options[active].scrollIntoView({ block: "nearest" });
  } else box.removeAttribute("aria-activedescendant");
}
