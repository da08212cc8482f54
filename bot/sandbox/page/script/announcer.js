/** Says to a screen reader what is new, and shows what went wrong beside the composer. */
import { h, part } from "./dom.js";

const KEPT = 5; // sentences: what is taken away too early is not read

/** Reads `text` out; with `mistake` it is also shown under the box people type into. */
export function announce(text, mistake = false) {
  const announcer = part("announcer");
  announcer.append(h("span", {}, `${text} `));
  while (announcer.children.length > KEPT) announcer.firstElementChild.remove();
  if (mistake) part("composer-note").textContent = text;
}
