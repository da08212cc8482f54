/** One message as Slack shows it: who, when, what, whether edited, how many replies; or the note that only you see it. */
import { body } from "./blocks.js";
import { clock } from "./dates.js";
import { h, icon } from "./dom.js";
import { choice, choose, item, userName } from "./state.js";

/** The contents of a message's <li>. `entry` is a message item, with `inThread` set when it stands in the thread pane. */
export function message(entry, node) {
  const mine = entry.kind === "ephemeral";
  node.className = ["message", mine && "ephemeral", entry.selected && "selected"].filter(Boolean).join(" ");
  const place = { channel: entry.channel, ts: entry.ts, thread: entry.thread_ts, ephemeral: mine };
  return h("article", { class: "message-card", "aria-label": `${userName(entry.user)}${mine ? ", only visible to you" : ""}` },
    avatar(entry.user),
    h("div", { class: "message-main" },
      mine ? h("p", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      h("header", { class: "message-head" },
        h("span", { class: "author" }, userName(entry.user)),
        entry.user === item("bot")?.id ? h("span", { class: "app" }, "App") : null,
        clock(entry.at),
        entry.broadcast && entry.inThread ? h("span", { class: "aside" }, "also sent to the channel") : null),
      body(entry, place),
      entry.edited ? h("p", { class: "edited" }, "(edited)") : null,
      mine || entry.inThread ? null : repliesButton(entry)));
}

function avatar(user) {
  if (user === item("bot")?.id) return h("span", { class: "avatar bot", "aria-hidden": "true" }, icon("bot"));
  const person = item(`user:${user}`);
  if (!person) return h("span", { class: "avatar", "aria-hidden": "true" }, icon("slack-note"));
  return h("span", { class: "avatar person", "aria-hidden": "true" }, [...person.name][0].toUpperCase());
}

function repliesButton(entry) {
  const root = entry.thread_ts ?? entry.ts;
  const many = entry.replies === 1 ? "1 reply" : `${entry.replies} replies`;
  const label = entry.thread_ts ? "Replied to a thread" : entry.replies ? many : "Open thread";
  const open = () => choose({ thread: root, view: "thread" });
  return h("button", { class: entry.replies || entry.thread_ts ? "replies" : "replies empty", type: "button", onclick: open, dataset: { focus: "replies" },
    "aria-pressed": String(choice.thread === root) }, icon("thread"), label,
    entry.last_reply ? h("span", { class: "aside" }, "last ", clock(entry.last_reply)) : null);
}
