/** Buttons of messages: they ask Slack's second question first where they carry one, then tell the server of the click. */
import { act } from "./actions.js";
import { announce } from "./announcer.js";
import { asked } from "./confirm.js";
import { h } from "./dom.js";
import { plain } from "./mrkdwn.js";
import { choice, choose } from "./state.js";

/** One button element; `place` is {channel, ts, thread, ephemeral} of the message it stands on. */
export function button(element, place, block) {
  const look = ["push", element.style].filter(Boolean).join(" ");
  const label = plain(element.text.text);
  if (element.url && /^https?:\/\//i.test(element.url)) {
    return h("a", { class: look, href: element.url, target: "_blank", rel: "noopener noreferrer" }, label);
  }
  const properties = { class: look, type: "button", "aria-label": element.accessibility_label, dataset: { focus: element.action_id, action: element.action_id } };
  const node = h("button", properties, label);
  node.addEventListener("click", () => press(node, element, place, block));
  return node;
}

/* While a click is under way, further ones on this button do nothing, as in Slack. */
async function press(node, element, place, block) {
  if (node.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await asked(element.confirm))) return;
  node.setAttribute("aria-busy", "true");
  const { ephemeral, ...where } = place;
  const root = place.thread ?? place.ts;
  if (!ephemeral) choose({ thread: root });
  const answer = await act("click", { person: choice.person, ...where, ephemeral, action_id: element.action_id, block_id: block.block_id ?? null, value: element.value ?? null });
  node.removeAttribute("aria-busy");
  if (!answer.ok) announce(answer.error, true);
}
