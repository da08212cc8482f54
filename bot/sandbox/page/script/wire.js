/** The drawer: each Slack call and each cloud request with its answer, the newest first. */
import { preciseClock } from "./dates.js";
import { h, keyed, part } from "./dom.js";
import { all, choice, choose, item } from "./state.js";

let side = "all";

/** Makes the drawer open, close and filter. */
export function startWire() {
  part("wire-toggle").addEventListener("click", () => show(part("wire").hidden));
  part("wire-close").addEventListener("click", () => {
    show(false);
    if (choice.view === "wire") choose({ view: "chat" });
    else part("wire-toggle").focus();
  });
  for (const radio of document.querySelectorAll("input[name=wire-side]")) {
    radio.addEventListener("change", () => {
      side = radio.value;
      drawWire();
    });
  }
}

function show(open) {
  part("wire").hidden = !open;
  part("wire-toggle").setAttribute("aria-expanded", String(open));
  drawWire();
}

/** Draws the drawer when it is open; the count beside its button always. */
export function drawWire() {
  const calls = all("call");
  part("wire-count").textContent = String(item("wire")?.calls ?? 0);
  if (part("wire").hidden && choice.view !== "wire") return;
  const entries = calls.filter((one) => side === "all" || one.side === side).sort((one, other) => other.at - one.at || other.order - one.order);
  part("wire-none").hidden = entries.length > 0;
  keyed(part("calls"), entries, call);
}

function call(entry, node) {
  node.className = "call";
  return h("details", {},
    h("summary", { dataset: { focus: "call" } },
      preciseClock(entry.at),
      h("span", { class: "side", dataset: { side: entry.side } }, entry.side),
      h("span", { class: "call-name" }, entry.name),
      entry.brief ? h("span", { class: "call-brief" }, entry.brief) : null,
      h("span", { class: "status", dataset: { tone: entry.good ? "good" : "bad" } }, entry.status)),
    entry.parts.map((one) => h("div", { class: "call-part" }, h("h3", { class: "label" }, one.label), h("pre", {}, one.text))));
}
