/** Block Kit blocks as nodes: header, section, context, divider, actions, image; another kind is named, not drawn. */
import { button } from "./buttons.js";
import { h } from "./dom.js";
import { mrkdwn, plain, textNodes } from "./mrkdwn.js";

const DRAWN = {
  header: (block) => h("h3", { class: "block-header" }, plain(block.text.text)),
  divider: () => h("hr"),
  section: (block, place) => [
    h("div", { class: "block-section" },
      h("div", { class: "block-text" }, textNodes(block.text), fields(block.fields)),
      block.accessory ? element(block.accessory, place, block) : null),
  ],
  context: (block, place) => h("div", { class: "block-context" }, block.elements.map((one) => h("span", {}, element(one, place, block)))),
  actions: (block, place) => h("div", { class: "block-actions" }, block.elements.map((one) => element(one, place, block))),
  image: (block) => h("p", { class: "block-context" }, `[image: ${block.alt_text}]`),
  rich_text: (block) => h("div", { class: "block-text" }, richText(block)),
};

/** What a message shows: its blocks, or its text when it has none. `place` tells a button where it stands. */
export function body(message, place) {
  const drawn = message.blocks?.length ? message.blocks.map((block) => drawBlock(block, place)) : [h("div", { class: "block-text" }, mrkdwn(message.text ?? ""))];
  return h("div", { class: "body", lang: language(message) }, drawn);
}

function drawBlock(block, place) {
  const draw = Object.hasOwn(DRAWN, block.type) ? DRAWN[block.type] : null;
  return draw ? draw(block, place) : h("p", { class: "block-context" }, `[a block of the kind “${block.type}”: not drawn here]`);
}

function fields(all) {
  return all?.length ? h("div", { class: "block-fields" }, all.map((field) => h("div", {}, textNodes(field)))) : null;
}

function element(one, place, block) {
  if (one.type === "button") return button(one, place, block);
  if (one.type === "image") return `[image: ${one.alt_text}]`;
  if (one.type === "mrkdwn" || one.type === "plain_text") return textNodes(one);
  return `[an element of the kind “${one.type}”: not drawn here]`;
}

/* The words of a rich text block, without its styles. */
function richText(node) {
  const own = node.text ?? (node.type === "link" ? node.url : "");
  return [typeof own === "string" ? own : "", ...(node.elements ?? []).flatMap(richText)];
}

/* Chinese text is marked as such: screen readers choose the voice by it, browsers the glyphs. */
function language(message) {
  return /\p{Script=Han}/u.test(JSON.stringify([message.blocks, message.text])) ? "zh-CN" : "en";
}
