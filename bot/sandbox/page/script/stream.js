/** Listens to the server's events and comes back by itself when the line is lost. */
import { part } from "./dom.js";
import { apply } from "./state.js";

const AGAIN_MILLISECONDS = [500, 1000, 2000, 4000];
let source = null;
let timer = null;
let failures = 0;

/** Follows what `person` may see. A second call leaves the first stream. */
export function follow(person) {
  clearTimeout(timer);
  source?.close();
  source = new EventSource(`/events?person=${encodeURIComponent(person)}`);
  source.addEventListener("open", () => {
    failures = 0;
    show("live", "Live");
  });
  source.addEventListener("change", (event) => apply(JSON.parse(event.data)));
  source.addEventListener("error", () => again(person));
}

/* EventSource gives up for good on some errors (a refused port, a 5xx), so the next attempt is made here. */
function again(person) {
  source.close();
  show("lost", "Reconnecting…");
  const wait = AGAIN_MILLISECONDS[Math.min(failures, AGAIN_MILLISECONDS.length - 1)];
  failures += 1;
  clearTimeout(timer);
  timer = setTimeout(() => follow(person), wait);
}

function show(state, text) {
  const label = part("link-state");
  if (label.dataset.state === state) return;
  label.dataset.state = state;
  label.textContent = text;
}
