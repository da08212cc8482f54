/** On a narrow window one part is seen at a time; this chooses which. Wide windows show all of them. */
import { choice, choose } from "./state.js";

/** Makes the buttons at the foot of a narrow window work. */
export function startViews() {
  for (const button of buttons()) button.addEventListener("click", () => choose({ view: button.dataset.view }));
}

/** Shows the chosen part. */
export function drawViews() {
  document.body.dataset.view = choice.view;
  for (const button of buttons()) {
    if (button.dataset.view === choice.view) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

const buttons = () => document.querySelectorAll(".views button");
