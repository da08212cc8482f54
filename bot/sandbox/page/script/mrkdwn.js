/** Slack's mrkdwn as nodes: mentions, links, dates, code, emoji, escapes. What is not one of these stays text. */
import { dateToken } from "./dates.js";
import { h } from "./dom.js";
import { emojiFor } from "./emoji.js";
import { choice, choose, item, userName } from "./state.js";

const EDGE = "\\p{L}\\p{N}"; // as in Slack, *bold* needs no letter or digit on its outer sides
const styled = (mark) => `(?<![${EDGE}${mark}])${mark}(?=\\S)([^${mark}\\n]+?)(?<=\\S)${mark}(?![${EDGE}${mark}])`;
const TOKEN = new RegExp(`\`([^\`\\n]+)\`|<([^<>\\n]+)>|${styled("\\*")}|${styled("_")}|${styled("~")}|:([a-z0-9_+-]+):|(\\n)`, "gu");
const FENCE = /\n?```\n?([\s\S]+?)\n?```\n?/g;
const ESCAPES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

/** The three escapes of Slack, each resolved once ("&amp;lt;" is the text "&lt;"). */
export const unescaped = (text) => text.replace(/&(?:lt|gt|amp);/g, (escape) => ESCAPES[escape]);

/** A text object of Block Kit, or a bare string of mrkdwn, as nodes. */
export function textNodes(text) {
  if (!text) return [];
  if (typeof text === "string") return mrkdwn(text);
  return text.type === "plain_text" ? plain(text.text) : mrkdwn(text.text);
}

/** Plain text: only emoji and line breaks. */
export function plain(text) {
  return pieces(text, /:([a-z0-9_+-]+):|(\n)/g, ([whole, name, line]) => (line ? h("br") : emoji(name, whole)));
}

/** Mrkdwn as nodes: code blocks first, then quoted lines, then what stands inside a line. */
export function mrkdwn(text) {
  return pieces(text, FENCE, ([, code]) => h("pre", {}, h("code", {}, codeText(code))), (between) => quotes(between));
}

function quotes(text) {
  const nodes = [];
  for (const lines of text.match(/(?:^(?:>|&gt;).*(?:\n|$))+|(?:^(?!>|&gt;).*(?:\n|$))+/gm) ?? []) {
    const run = lines.replace(/\n$/, "");
    if (!/^(?:>|&gt;)/.test(run)) nodes.push(...inline(run));
    else nodes.push(h("blockquote", {}, inline(run.replace(/^(?:>|&gt;) ?/gm, ""))));
  }
  return nodes;
}

function inline(text) {
  return pieces(text, TOKEN, ([whole, code, angled, bold, italic, struck, name]) => {
    if (code !== undefined) return h("code", {}, codeText(code));
    if (angled !== undefined) return special(angled);
    if (bold !== undefined) return h("strong", {}, inline(bold));
    if (italic !== undefined) return h("em", {}, inline(italic));
    if (struck !== undefined) return h("s", {}, inline(struck));
    return name === undefined ? h("br") : emoji(name, whole);
  });
}

function pieces(text, pattern, node, between = (plainText) => [document.createTextNode(unescaped(plainText))]) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) nodes.push(...between(text.slice(from, match.index)));
    nodes.push(node(match));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(...between(text.slice(from)));
  return nodes;
}

const codeText = (code) => unescaped(code.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target, label) => label ?? target));

function emoji(name, whole) {
  const found = emojiFor(name);
  return found ? h("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") }, found) : document.createTextNode(whole);
}

/* What stands between < and >: a person, a channel, a group, a date, or a link. */
function special(angled) {
  const [target, label] = cut(angled, "|");
  if (target.startsWith("@")) return h("span", { class: mentionClass(target) }, `@${label ?? userName(target.slice(1))}`);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) {
    const [, unix, pattern = "{date} {time}"] = target.split("^");
    return dateToken(unix, unescaped(pattern), unescaped(label ?? ""), item("you")?.locale);
  }
  if (target.startsWith("!subteam^")) return h("span", { class: "mention" }, label ?? `@${cut(target.slice(9), "^")[0]}`);
  if (target.startsWith("!")) return h("span", { class: "mention" }, `@${label ?? target.slice(1)}`);
  return link(unescaped(target), unescaped(label ?? target));
}

const mentionClass = (target) => (target.slice(1) === item("you")?.id ? "mention to-you" : "mention");

function cut(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function channelLink(id, label) {
  const name = `#${item(`channel:${id}`)?.name ?? label ?? id}`;
  if (!item(`channel:${id}`)) return h("span", { class: "mention" }, name);
  return h("button", { class: "mention", type: "button", onclick: () => choose({ channel: id, thread: null, view: "chat" }) }, name);
}

/* Only web and mail addresses become links; the permalink of a message here leads to that message. */
function link(address, label) {
  if (!/^(?:https?:\/\/|mailto:)/i.test(address)) return document.createTextNode(label);
  const here = address.match(/\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?|$)/);
  if (here && item(`channel:${here[1]}`)) {
    const show = (event) => {
      event.preventDefault();
      choose({ channel: here[1], thread: choice.thread, view: "chat" });
      document.querySelector(`[data-key="message:${CSS.escape(`${here[1]}:${here[2]}.${here[3]}`)}"]`)?.focus();
    };
    return h("a", { href: address, onclick: show }, label);
  }
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
}
