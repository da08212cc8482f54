/** The chosen channel: its head, its messages in order of time, and the private ones of the chosen person between them. */
import { announce } from "./announcer.js";
import { keyed, moveOnce, part } from "./dom.js";
import { message } from "./message.js";
import { all, choice, item, userName } from "./state.js";

const NEAR_PIXELS = 80; // who is this near to the end follows new messages
const following = new WeakMap(); // scrolling element -> whether its end is kept in sight
const sizes = new ResizeObserver((changes) => changes.forEach(({ target }) => following.get(target) && toEnd(target)));

/** Draws the channel; `news` says that what is new came from the server and is to be read out. */
export function drawConversation(news) {
  const channel = item(`channel:${choice.channel}`);
  part("channel-name").textContent = channel ? `${channel.is_private ? "🔒" : "#"} ${channel.name}` : "";
  part("channel-note").textContent = channelNote(channel);
  const entries = entriesOf(choice.channel);
  part("messages-none").textContent = entries.length ? "" : noneYet(channel);
  fill("messages-scroll", "messages", entries, `${choice.person} ${choice.channel}`, news);
}

/** Fills a list of messages, keeps its end in sight for whoever is at the end, and reads new ones out. */
export function fill(scrollId, listId, entries, subject, news) {
  const scroll = part(scrollId);
  const list = part(listId);
  const other = list.dataset.subject !== subject;
  const atEnd = other || (following.get(scroll) ?? true);
  if (other) list.replaceChildren();
  list.dataset.subject = subject;
  const fresh = keyed(list, entries, message);
  if (atEnd) toEnd(scroll);
  if (!news || other) return;
  for (const entry of entries.filter((one) => fresh.includes(one.key))) {
    moveOnce(list.querySelector(`[data-key="${CSS.escape(entry.key)}"]`), "arrived");
    announce(`${entry.kind === "ephemeral" ? "Only visible to you: " : ""}${userName(entry.user)}: ${entry.text ?? ""}`);
  }
}

/** Keeps the end of a list in sight, also when its window changes, for as long as whoever reads stays there. */
export function followEnd(scrollId) {
  const scroll = part(scrollId);
  sizes.observe(scroll);
  scroll.addEventListener("scroll", () => {
    if (scroll.clientHeight) following.set(scroll, scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_PIXELS);
  });
}

function toEnd(scroll) {
  scroll.scrollTop = scroll.scrollHeight;
  following.set(scroll, true);
}

function entriesOf(channel) {
  const messages = all("message").filter((one) => one.channel === channel && (!one.thread_ts || one.broadcast));
  const ephemerals = all("ephemeral").filter((one) => one.channel === channel && !one.thread_ts);
  const selected = choice.thread;
  return [...messages, ...ephemerals].map((one) => ({ ...one, selected: selected !== null && one.ts === selected })).sort(byTime);
}

/** Oldest first; of one moment, the order in which the server told of them. */
export const byTime = (one, other) => one.at - other.at;

function channelNote(channel) {
  if (!channel) return "";
  if (channel.is_archived) return "archived";
  return channel.bot_is_member ? "" : "no bot here";
}

function noneYet(channel) {
  if (!channel) return "";
  if (!channel.bot_is_member) return "The bot has not been invited to this channel. Try the command here to see what it says.";
  return `No message yet. Choose an example under the box below, or type ${item("command")?.name ?? "the command"}.`;
}
