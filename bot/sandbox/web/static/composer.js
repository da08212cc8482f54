/** The message box: sends the slash command, completes it from the examples (a combobox), recalls what was sent. */
import { announce, byId, el } from "./dom.js";
import { language, t } from "./words.js";
import { callApi, entitiesOf, entity, selection } from "./state.js";

const box = byId("composer-text");
const note = byId("composer-note");
const listbox = byId("suggestions");
let activeIndex = -1; // of the option that the arrow keys have reached
let lastSent = "";
let renderedExamples = "";

const commandName = () => entity("command")?.name ?? "/starrocks-upgrade";

/** Makes the message box work. */
export function startComposer() {
  box.addEventListener("input", () => {
    note.textContent = "";
    showSuggestions();
  });
  box.addEventListener("focus", () => box.value && showSuggestions());
  box.addEventListener("blur", hideSuggestions);
  box.addEventListener("keydown", (event) => {
    if (!event.isComposing && handleKey(event)) event.preventDefault();
  });
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    void send(box.value.trim());
  });
}

/** Renders the placeholder of the box and the row of examples under it. */
export function renderComposer() {
  box.placeholder = entity("you") ? t("{command} …  as {name}", { command: commandName(), name: entity("you").name }) : "";
  const examples = entitiesOf("example");
  const rendered = `${language()} ${JSON.stringify(examples)}`;
  if (rendered === renderedExamples) return;
  renderedExamples = rendered;
  byId("examples").replaceChildren(
    ...examples.map((example) => el("button", { type: "button", class: "example", title: t(example.hint), onclick: () => fillBox(example.text) }, t(example.label))));
}

function fillBox(text) {
  box.value = text;
  hideSuggestions();
  note.textContent = "";
  box.focus();
  box.setSelectionRange(text.length, text.length);
}

async function send(text) {
  hideSuggestions();
  if (!text) return;
  const command = text.split(/\s/)[0];
  if (command !== commandName()) {
    const reason = text.startsWith("/") ? t("{command} is no command here.", { command }) : t("Nobody reads plain messages in this sandbox.");
    announce(`${reason} ${t("The bot hears {command}.", { command: commandName() })}`, { isError: true });
    return;
  }
  lastSent = text;
  fillBox("");
  const { ok, acked } = await callApi("command", { person: selection.person, channel: selection.channel, command, text: text.slice(command.length).trim() });
  if (ok && acked) return;
  if (ok) announce(t("The bot did not answer in time; the text is kept."), { isError: true });
  if (!box.value) box.value = text; // unless something else has been typed meanwhile
}

/* True when the key was handled here. Tab completes the name of the command. https://www.w3.org/WAI/ARIA/apg/patterns/combobox/ */
function handleKey({ key, shiftKey }) {
  const typed = box.value;
  const command = commandName();
  if (key === "Tab" && !shiftKey && activeIndex < 0 && typed.length > 1 && command.startsWith(typed) && typed !== command) {
    fillBox(`${command} `);
    showSuggestions();
    return true;
  }
  if (listbox.hidden) {
    if (key !== "ArrowUp" || typed || !lastSent) return false;
    fillBox(lastSent);
    return true;
  }
  const options = listbox.children;
  if (key === "ArrowDown") activate((activeIndex + 1) % options.length);
  else if (key === "ArrowUp") activate((activeIndex <= 0 ? options.length : activeIndex) - 1);
  else if (key === "Escape") hideSuggestions();
  else if ((key === "Enter" || key === "Tab") && activeIndex >= 0) fillBox(options[activeIndex].dataset.text);
  else return false;
  return true;
}

/* Opens the list with the examples that begin with what was typed, or closes it when there are none. */
function showSuggestions() {
  const typed = box.value.toLowerCase();
  const isMatch = ({ text }) => typed.startsWith("/") && text.toLowerCase().startsWith(typed) && text.toLowerCase() !== typed;
  const options = entitiesOf("example").filter(isMatch).map(suggestion);
  listbox.replaceChildren(...options);
  setExpanded(options.length > 0);
}

const hideSuggestions = () => setExpanded(false);

function setExpanded(isExpanded) {
  activate(-1);
  listbox.hidden = !isExpanded;
  box.setAttribute("aria-expanded", String(isExpanded));
}

function suggestion({ key, label, hint, text }) {
  const onmousedown = (event) => {
    event.preventDefault(); // or the box would lose the focus
    fillBox(text);
  };
  return el("li", { id: `suggestion-${key}`, role: "option", "aria-selected": "false", class: "suggestion", dataset: { text }, onmousedown },
    el("span", { class: "suggestion-label" }, t(label), el("span", { class: "suggestion-hint" }, t(hint))), el("code", {}, text));
}

function activate(index) {
  activeIndex = index;
  [...listbox.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === index)));
  const active = listbox.children[index];
  if (!active) {
    box.removeAttribute("aria-activedescendant");
    return;
  }
  box.setAttribute("aria-activedescendant", active.id);
  active.scrollIntoView({ block: "nearest" });
}
