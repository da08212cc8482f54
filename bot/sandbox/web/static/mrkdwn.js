/** Slack's text formatting as nodes: mrkdwn, mentions, links, date tokens, emoji, escapes. Anything else stays text. */
import { el } from "./dom.js";
import { entity, select, selection, userName } from "./state.js";

const WORD = "\\p{L}\\p{N}"; // as in Slack, *bold* has no letter or digit on its outer sides
const styled = (mark) => `(?<![${WORD}${mark}])${mark}(?=\\S)([^${mark}\\n]+?)(?<=\\S)${mark}(?![${WORD}${mark}])`;
const INLINE = new RegExp(`\`([^\`\\n]+)\`|<([^<>\\n]+)>|${styled("\\*")}|${styled("_")}|${styled("~")}|:([a-z0-9_+-]+):|(\\n)`, "gu");
const CODE_BLOCK = /\n?```\n?([\s\S]+?)\n?```\n?/g;
const ESCAPES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };

const EMOJI = {
  arrow_forward: "▶️", arrow_right: "➡️", arrow_up: "⬆️", arrows_counterclockwise: "🔄", ballot_box_with_check: "☑️", bell: "🔔",
  bulb: "💡", calendar: "📅", clipboard: "📋", clock1: "🕐", cloud: "☁️", construction: "🚧", double_vertical_bar: "⏸️",
  exclamation: "❗", eyes: "👀", gear: "⚙️", grey_question: "❔", hammer_and_wrench: "🛠️", heavy_check_mark: "✔️",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", information_source: "ℹ️", key: "🔑", large_blue_circle: "🔵",
  large_green_circle: "🟢", large_yellow_circle: "🟡", link: "🔗", lock: "🔒", mag: "🔍", memo: "📝", no_entry: "⛔",
  no_entry_sign: "🚫", octagonal_sign: "🛑", package: "📦", point_right: "👉", question: "❓", red_circle: "🔴",
  repeat: "🔁", robot_face: "🤖", rocket: "🚀", rotating_light: "🚨", sos: "🆘", speech_balloon: "💬", stopwatch: "⏱️",
  tada: "🎉", timer_clock: "⏲️", warning: "⚠️", wastebasket: "🗑️", wave: "👋", white_check_mark: "✅",
  white_circle: "⚪", wrench: "🔧", x: "❌", zap: "⚡", zzz: "💤",
};

/* https://docs.slack.dev/messaging/formatting-message-text#date-formatting */
const DATE_STYLES = {
  date: { year: "numeric", month: "long", day: "numeric" },
  date_short: { year: "numeric", month: "short", day: "numeric" },
  date_long: { weekday: "long", year: "numeric", month: "long", day: "numeric" },
  time: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  time_secs: { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
};
const UNITS = [[86_400, "day"], [3_600, "hour"], [60, "minute"], [1, "second"]];

/** Resolves Slack's three escapes, each once: "&amp;lt;" is the text "&lt;". */
const unescaped = (text) => text.replace(/&(?:lt|gt|amp);/g, (escape) => ESCAPES[escape]);

/** A text object of Block Kit, or a bare string of mrkdwn, as nodes. */
export function textNodes(text) {
  if (!text) return [];
  if (typeof text === "string") return mrkdwn(text);
  return text.type === "plain_text" ? plainText(text.text) : mrkdwn(text.text);
}

/** Plain text as nodes: only emoji and line breaks. */
export function plainText(text) {
  return split(text, /:([a-z0-9_+-]+):|(\n)/g, ([match, name, newline]) => (newline ? el("br") : emoji(name, match)));
}

/** Mrkdwn as words to be read out: names and times in the place of tokens. */
export function spoken(text) {
  const node = el("p", {}, mrkdwn(text));
  for (const part of node.querySelectorAll("br, .emoji")) part.replaceWith(" ");
  return node.textContent.replace(/\s+/g, " ").trim();
}

/** Mrkdwn as nodes: first code blocks, then quoted lines, then what stands inside a line. */
export function mrkdwn(text) {
  return split(text, CODE_BLOCK, ([, code]) => el("pre", {}, el("code", {}, codeText(code))), quotedLines);
}

function quotedLines(text) {
  const runs = text.match(/(?:^(?:>|&gt;).*(?:\n|$))+|(?:^(?!>|&gt;).*(?:\n|$))+/gm) ?? []; // of lines that are quoted or not
  return runs.flatMap((run) => {
    const lines = run.replace(/\n$/, "");
    return /^(?:>|&gt;)/.test(lines) ? el("blockquote", {}, inline(lines.replace(/^(?:>|&gt;) ?/gm, ""))) : inline(lines);
  });
}

function inline(text) {
  return split(text, INLINE, ([match, code, angled, bold, italic, struck, name]) => {
    if (code !== undefined) return el("code", {}, codeText(code));
    if (angled !== undefined) return reference(angled);
    if (bold !== undefined) return el("strong", {}, inline(bold));
    if (italic !== undefined) return el("em", {}, inline(italic));
    if (struck !== undefined) return el("s", {}, inline(struck));
    return name === undefined ? el("br") : emoji(name, match);
  });
}

/* Nodes of `text`: `render(match)` for each match of the pattern, `between(text)` for what stands between them. */
function split(text, pattern, render, between = (part) => [document.createTextNode(unescaped(part))]) {
  const nodes = [];
  let start = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > start) nodes.push(...between(text.slice(start, match.index)));
    nodes.push(render(match));
    start = match.index + match[0].length;
  }
  if (start < text.length) nodes.push(...between(text.slice(start)));
  return nodes;
}

const codeText = (code) => unescaped(code.replace(/<([^<>|\n]+)(?:\|([^<>\n]*))?>/g, (_, target, label) => label ?? target));

function emoji(name, match) {
  if (!Object.hasOwn(EMOJI, name)) return document.createTextNode(match);
  return el("span", { class: "emoji", role: "img", "aria-label": name.replaceAll("_", " ") }, EMOJI[name]);
}

/* What stands between < and >: a user, a channel, a user group, a date, or a link, each with an optional |label. */
function reference(angled) {
  const [target, label] = cut(angled, "|");
  if (target.startsWith("@")) return mention(`@${label ?? userName(target.slice(1))}`, target.slice(1) === entity("you")?.id);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!date^")) return dateToken(target.split("^"), unescaped(label ?? ""));
  if (target.startsWith("!subteam^")) return mention(label ?? `@${cut(target.slice(9), "^")[0]}`);
  if (target.startsWith("!")) return mention(`@${label ?? target.slice(1)}`);
  return link(unescaped(target), unescaped(label ?? target));
}

function cut(text, separator) {
  const index = text.indexOf(separator);
  return index < 0 ? [text, undefined] : [text.slice(0, index), text.slice(index + 1)];
}

const mention = (text, isYou = false) => el("span", { class: isYou ? "mention to-you" : "mention" }, text);

function channelLink(id, label) {
  const channel = entity(`channel:${id}`);
  if (!channel) return mention(`#${label ?? id}`);
  return el("button", { class: "mention", type: "button", onclick: () => select({ channel: id, thread: null, view: "chat" }) }, `#${channel.name}`);
}

/* Only web and mail addresses become links; the permalink of a message here leads to that message. */
function link(address, label) {
  if (!/^(?:https?:\/\/|mailto:)/i.test(address)) return document.createTextNode(label);
  const [, channel, seconds, micros] = address.match(/\/archives\/(\w+)\/p(\d+)(\d{6})(?:\?|$)/) ?? [];
  if (!entity(`channel:${channel}`)) return el("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label);
  const onclick = (event) => {
    event.preventDefault();
    select({ channel, thread: selection.thread, view: "chat" });
    document.querySelector(`[data-key="message:${channel}:${seconds}.${micros}"]`)?.focus();
  };
  return el("a", { href: address, onclick }, label);
}

/* <!date^unix^format|fallback>, in the time zone of the browser; the fallback when it cannot be read, as in Slack. */
function dateToken([, unix, format = "{date} {time}"], fallback) {
  const date = new Date(Number(unix) * 1000);
  if (!/^\d+$/.test(unix) || Number.isNaN(date.getTime())) return document.createTextNode(fallback);
  const text = unescaped(format).replace(/\{(\w+)\}/g, (placeholder, name) => formatDate(date, name) ?? placeholder);
  return el("time", { datetime: date.toISOString(), title: fallback }, text);
}

function formatDate(date, name) {
  const locale = entity("you")?.locale || undefined;
  const relative = (value, unit) => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(value, unit);
  if (Object.hasOwn(DATE_STYLES, name)) return new Intl.DateTimeFormat(locale, DATE_STYLES[name]).format(date);
  if (name === "date_num") return [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, "0")).join("-");
  if (name === "ago") {
    const seconds = Math.round((date.getTime() - Date.now()) / 1000);
    const [size, unit] = UNITS.find(([size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
    return relative(Math.round(seconds / size), unit);
  }
  const [, plainName] = /^(date|date_short|date_long)_pretty$/.exec(name) ?? [];
  if (!plainName) return null;
  const midnight = (day) => new Date(day.getFullYear(), day.getMonth(), day.getDate()).getTime();
  const days = Math.round((midnight(date) - midnight(new Date())) / 86_400_000);
  return Math.abs(days) <= 1 ? relative(days, "day") : formatDate(date, plainName);
}
