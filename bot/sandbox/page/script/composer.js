/** The box people type into: sends the command, completes it with ready examples, remembers what was sent. */
import { act } from "./actions.js";
import { announce } from "./announcer.js";
import { h, part } from "./dom.js";
import { all, choice, item } from "./state.js";
import { closeSuggestions, drawSuggestions, keyInSuggestions } from "./suggestions.js";

const sent = []; // what was sent from this tab, for the up arrow
let drawnTries = "";

/** Makes the box work. */
export function startComposer() {
  const box = part("composer-text");
  box.addEventListener("input", () => {
    part("composer-note").textContent = "";
    drawSuggestions(examples(), fillBox);
  });
  box.addEventListener("focus", () => box.value && drawSuggestions(examples(), fillBox));
  box.addEventListener("blur", closeSuggestions);
  box.addEventListener("keydown", (event) => keyInSuggestions(event, examples(), fillBox, commandName()) || recall(event));
  part("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    void send(box.value.trim());
  });
}

/** Draws the row of examples under the box and the box's placeholder. */
export function drawComposer() {
  part("composer-text").placeholder = item("you") ? `${commandName()} …  as ${item("you").name}` : "";
  const tries = examples();
  const drawn = JSON.stringify(tries);
  if (drawn === drawnTries) return;
  drawnTries = drawn;
  part("tries").replaceChildren(...tries.map((one) => h("button", { type: "button", class: "try", title: one.hint, onclick: () => fillBox(one.text) }, one.label)));
}

const commandName = () => item("command")?.name ?? "/starrocks-upgrade";
const examples = () => all("example").sort((one, other) => one.order - other.order);

function fillBox(text) {
  const box = part("composer-text");
  box.value = text;
  closeSuggestions();
  part("composer-note").textContent = "";
  box.focus();
  box.setSelectionRange(text.length, text.length);
}

function recall(event) {
  if (event.key !== "ArrowUp" || event.target.value || !sent.length) return;
  event.preventDefault();
  fillBox(sent.at(-1));
}

async function send(text) {
  closeSuggestions();
  if (!text) return;
  const word = text.split(/\s/)[0];
  if (word !== commandName()) {
    const what = text.startsWith("/") ? `${word} is no command here.` : "Nobody reads plain messages in this sandbox.";
    announce(`${what} The bot hears ${commandName()}.`, true);
    return;
  }
  sent.push(text);
  fillBox("");
  const answer = await act("command", { person: choice.person, channel: choice.channel, command: word, text: text.slice(word.length).trim() });
  if (!answer.ok) announce(answer.error, true);
}
