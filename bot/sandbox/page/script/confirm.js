/** Slack's second question (the `confirm` object of a button) as a modal dialog. */
import { part } from "./dom.js";
import { plain, textNodes } from "./mrkdwn.js";

/** Shows the question; resolves to true when it is agreed to, false on No, Escape, or a click beside it. */
export function asked(question) {
  const dialog = part("confirm");
  const yes = part("confirm-go");
  const no = part("confirm-deny");
  part("confirm-title").replaceChildren(...(question.title ? plain(question.title.text) : ["Are you sure?"]));
  part("confirm-text").replaceChildren(...textNodes(question.text));
  yes.replaceChildren(...(question.confirm ? plain(question.confirm.text) : ["Yes"]));
  no.replaceChildren(...(question.deny ? plain(question.deny.text) : ["No"]));
  yes.className = `push ${question.style === "danger" ? "danger" : "primary"}`;
  no.className = "push";
  return new Promise((resolve) => {
    const listening = new AbortController();
    const options = { signal: listening.signal };
    const end = (agreed) => () => {
      listening.abort();
      if (dialog.open) dialog.close();
      resolve(agreed);
    };
    yes.addEventListener("click", end(true), options);
    no.addEventListener("click", end(false), options);
    dialog.addEventListener("close", end(false), options);
    dialog.addEventListener("click", (event) => event.target === dialog && end(false)(), options);
    dialog.showModal();
    no.focus(); // the safe answer is the one that Enter gives
  });
}
