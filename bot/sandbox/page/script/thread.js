/** The thread pane: a message and its replies, with the private answers given there. */
import { byTime, fill } from "./conversation.js";
import { part } from "./dom.js";
import { all, choice, choose, item } from "./state.js";

/** Draws the chosen thread, or what to do to see one. */
export function drawThread(news) {
  const root = item(`message:${choice.channel}:${choice.thread}`);
  const inIt = (one) => one.channel === choice.channel && one.thread_ts === choice.thread;
  const entries = root ? [...[{ key: `message:${choice.channel}:${choice.thread}`, ...root }], ...[...all("message"), ...all("ephemeral")].filter(inIt).sort(byTime)] : [];
  part("thread-none").hidden = Boolean(root);
  part("thread-close").hidden = !root;
  part("thread-note").textContent = root ? `#${item(`channel:${choice.channel}`)?.name ?? ""}` : "";
  fill("thread-scroll", "replies", entries.map((one) => ({ ...one, inThread: true })), `${choice.person} ${choice.channel} ${choice.thread}`, news);
}

/** Makes the close button of the pane work. */
export function startThread() {
  part("thread-close").addEventListener("click", () => {
    choose({ thread: null, view: "chat" });
    part("composer-text").focus();
  });
}
