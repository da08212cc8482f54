/** A message as Slack shows it: author, time, blocks, replies; its buttons and their confirmation dialog. */
import { byId, el, icon, timeNode } from "./dom.js";
import { mrkdwn, plainText, textNodes } from "./mrkdwn.js";
import { t } from "./words.js";
import { callApi, entity, select, selection, userName } from "./state.js";

const BLOCKS = {
  header: (block) => el("h3", { class: "block-header" }, plainText(block.text.text)),
  divider: () => el("hr"),
  section: (block, message) =>
    el("div", { class: "block-section" },
      el("div", { class: "block-text" }, textNodes(block.text), sectionFields(block.fields)),
      block.accessory ? blockElement(block.accessory, message) : null),
  context: (block, message) => el("div", { class: "block-context" }, block.elements.map((element) => el("span", {}, blockElement(element, message)))),
  actions: (block, message) => el("div", { class: "block-actions" }, block.elements.map((element) => blockElement(element, message))),
  image: (block) => el("p", { class: "block-context" }, t("[image: {text}]", { text: block.alt_text })),
  rich_text: (block) => el("div", { class: "block-text" }, richText(block)),
};

/** The content of a message's <li>; `message.inThread` when it stands in the thread pane. */
export function renderMessage(message, item) {
  const { ephemeral, inThread } = message;
  const author = userName(message.user);
  item.className = ["message", ephemeral && "ephemeral", message.selected && "selected"].filter(Boolean).join(" ");
  return el("article", { class: "message-card", "aria-label": ephemeral ? t("{author}, only visible to you", { author }) : author },
    avatar(message.user),
    el("div", { class: "message-main" },
      ephemeral ? el("p", { class: "only-you" }, icon("eye"), t("Only visible to you")) : null,
      el("header", { class: "message-head" },
        el("span", { class: "author" }, author),
        message.user === entity("bot")?.id ? el("span", { class: "app-badge" }, t("App")) : null,
        timeNode(message.at),
        message.broadcast && inThread ? el("span", { class: "aside" }, t("also sent to the channel")) : null),
      messageBody(message),
      message.edited_at ? el("p", { class: "edited" }, t("(edited)")) : null,
      ephemeral || inThread ? null : repliesButton(message)));
}

function avatar(userId) {
  if (userId === entity("bot")?.id) return el("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bot"));
  const user = entity(`user:${userId}`);
  return el("span", { class: "avatar", "aria-hidden": "true" }, user ? [...user.name][0].toUpperCase() : icon("unknown-user"));
}

function repliesButton(message) {
  const rootTs = message.thread_ts ?? message.ts;
  const count = message.replies === 1 ? t("1 reply") : t("{count} replies", { count: message.replies });
  const label = message.thread_ts ? t("Replied to a thread") : message.replies ? count : t("Open thread");
  const properties = {
    class: message.replies || message.thread_ts ? "replies" : "replies empty",
    type: "button",
    onclick: () => select({ thread: rootTs, view: "thread" }),
    dataset: { focus: "replies" },
    "aria-pressed": String(selection.thread === rootTs),
  };
  return el("button", properties, icon("thread"), label, message.last_reply ? el("span", { class: "aside" }, t("last"), " ", timeNode(message.last_reply)) : null);
}

/* The blocks, or the text when there are none. Screen readers choose the voice by `lang`, browsers the glyphs. */
function messageBody(message) {
  const isChinese = /\p{Script=Han}/u.test(JSON.stringify([message.blocks, message.text]));
  const hasBlocks = message.blocks?.length > 0;
  return el("div", { class: "body", lang: isChinese ? "zh-CN" : "en" },
    hasBlocks ? message.blocks.map((block) => renderBlock(block, message)) : el("div", { class: "block-text" }, mrkdwn(message.text ?? "")));
}

function renderBlock(block, message) {
  if (Object.hasOwn(BLOCKS, block.type)) return BLOCKS[block.type](block, message);
  return el("p", { class: "block-context" }, `[a block of the kind “${block.type}”: not drawn here]`);
}

function sectionFields(fields) {
  return fields?.length ? el("div", { class: "block-fields" }, fields.map((field) => el("div", {}, textNodes(field)))) : null;
}

function blockElement(element, message) {
  if (element.type === "button") return button(element, message);
  if (element.type === "image") return t("[image: {text}]", { text: element.alt_text });
  if (element.type === "mrkdwn" || element.type === "plain_text") return textNodes(element);
  return `[an element of the kind “${element.type}”: not drawn here]`;
}

/* The words of a rich text block, without its styles. */
function richText(node) {
  const text = node.text ?? (node.type === "link" ? node.url : "");
  return [typeof text === "string" ? text : "", ...(node.elements ?? []).flatMap(richText)];
}

function button(element, message) {
  const className = ["button", element.style].filter(Boolean).join(" ");
  const label = plainText(element.text.text);
  if (element.url && /^https?:\/\//i.test(element.url)) {
    return el("a", { class: className, href: element.url, target: "_blank", rel: "noopener noreferrer" }, label);
  }
  const onclick = (event) => click(event.currentTarget, element, message);
  return el("button", { class: className, type: "button", "aria-label": element.accessibility_label, onclick, dataset: { focus: element.action_id } }, label);
}

/* While a click is under way, further ones on this button do nothing, as in Slack. */
async function click(node, element, { channel, ts, thread_ts: thread, ephemeral }) {
  if (node.getAttribute("aria-busy") === "true") return;
  if (element.confirm && !(await confirmation(element.confirm))) return;
  node.setAttribute("aria-busy", "true");
  if (!ephemeral) select({ thread: thread ?? ts });
  await callApi("click", { person: selection.person, channel, ts, thread, ephemeral, action_id: element.action_id, value: element.value ?? null });
  node.removeAttribute("aria-busy");
}

/* Shows a button's `confirm` object as a modal dialog; true when confirmed, false on deny, Escape or a click outside. */
function confirmation(confirm) {
  const [dialog, accept, deny] = [byId("confirm"), byId("confirm-accept"), byId("confirm-deny")];
  byId("confirm-title").replaceChildren(...plainText(confirm.title?.text ?? t("Are you sure?")));
  byId("confirm-text").replaceChildren(...textNodes(confirm.text));
  accept.replaceChildren(...plainText(confirm.confirm?.text ?? t("Yes")));
  deny.replaceChildren(...plainText(confirm.deny?.text ?? t("No")));
  accept.className = `button ${confirm.style === "danger" ? "danger" : "primary"}`;
  return new Promise((resolve) => {
    const listeners = new AbortController();
    const close = (confirmed) => {
      listeners.abort();
      dialog.close();
      resolve(confirmed);
    };
    const listen = (node, event, listener) => node.addEventListener(event, listener, { signal: listeners.signal });
    listen(accept, "click", () => close(true));
    listen(deny, "click", () => close(false));
    listen(dialog, "close", () => close(false));
    listen(dialog, "click", (event) => event.target === dialog && close(false));
    dialog.showModal();
    deny.focus(); // Enter denies
  });
}
