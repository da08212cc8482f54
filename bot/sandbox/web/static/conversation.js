/** The pane of the selected channel and the pane of the selected thread. */
import { animate, announce, byId, renderList } from "./dom.js";
import { renderMessage } from "./messages.js";
import { spoken } from "./mrkdwn.js";
import { t } from "./words.js";
import { callApi, entitiesOf, entity, select, selection, userName } from "./state.js";

const NEAR_END_PIXELS = 80;
const isAtEnd = new WeakMap(); // scrolled element -> whether its end stays visible when messages arrive
const resizes = new ResizeObserver((entries) => entries.forEach(({ target }) => isAtEnd.get(target) && scrollToEnd(target)));

/** Follows the scrolling of both panes, and makes the close button of the thread work. */
export function startConversation() {
  for (const scroll of [byId("messages-scroll"), byId("thread-scroll")]) {
    resizes.observe(scroll);
    scroll.addEventListener("scroll", () => {
      if (scroll.clientHeight) isAtEnd.set(scroll, scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < NEAR_END_PIXELS);
    });
  }
  byId("thread-close").addEventListener("click", () => {
    select({ thread: null, view: "chat" });
    byId("composer-text").focus();
  });
  startRenaming();
}

/* The name of the channel becomes a field; Escape keeps the old name. */
function startRenaming() {
  const [button, form, field] = [byId("rename"), byId("rename-form"), byId("rename-name")];
  const show = (isOpen) => {
    form.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
  };
  button.addEventListener("click", () => {
    show(form.hidden);
    field.value = entity(`channel:${selection.channel}`)?.name ?? "";
    if (!form.hidden) field.select();
  });
  form.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    show(false);
    button.focus();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { ok } = await callApi("rename", { channel: selection.channel, name: field.value });
    if (!ok) return;
    show(false);
    button.focus();
  });
}

/** Renders the channel: its messages and the person's ephemeral ones, the oldest first. */
export function renderChannel(isUpdate) {
  const channel = entity(`channel:${selection.channel}`);
  byId("channel-name").textContent = channel ? `${channel.is_private ? "🔒" : "#"} ${channel.name}` : "";
  byId("channel-note").textContent = !channel ? "" : channel.is_archived ? t("archived") : channel.bot_is_member ? "" : t("no bot here");
  const messages = messagesOf(selection.channel).filter(({ thread_ts, broadcast }) => !thread_ts || broadcast);
  const rows = messages.map((message) => ({ ...message, selected: message.ts === selection.thread }));
  byId("messages-empty").textContent = rows.length ? "" : emptyNote(channel);
  renderMessages("messages-scroll", "messages", rows, `${selection.person} ${selection.channel}`, isUpdate);
}

/** Renders the thread: its first message and the replies, the person's ephemeral ones among them. */
export function renderThread(isUpdate) {
  const { person, channel, thread } = selection;
  const key = `message:${channel}:${thread}`;
  const root = entity(key);
  const replies = root ? messagesOf(channel).filter(({ thread_ts }) => thread_ts === thread) : [];
  const rows = root ? [{ key, ...root }, ...replies].map((message) => ({ ...message, inThread: true })) : [];
  byId("thread-empty").hidden = Boolean(root);
  byId("thread-close").hidden = !root;
  byId("thread-note").textContent = root ? `#${entity(`channel:${channel}`)?.name ?? ""}` : "";
  renderMessages("thread-scroll", "replies", rows, `${person} ${channel} ${thread}`, isUpdate);
}

const messagesOf = (channel) =>
  [...entitiesOf("message"), ...entitiesOf("ephemeral")].filter((message) => message.channel === channel).sort((a, b) => a.at - b.at);

function emptyNote(channel) {
  if (!channel) return "";
  if (!channel.bot_is_member) return t("The bot has not been invited to this channel. Try the command here to see what it says.");
  return t("No message yet. Choose an example under the box below, or type {command}.", { command: entity("command")?.name ?? "/starrocks-upgrade" });
}

/* `subject` names what the list shows: when it changes, the list starts anew, at its end, and nothing is read out. */
function renderMessages(scrollId, listId, rows, subject, isUpdate) {
  const [scroll, list] = [byId(scrollId), byId(listId)];
  const isOther = list.dataset.subject !== subject;
  const stayAtEnd = isOther || (isAtEnd.get(scroll) ?? true);
  if (isOther) list.replaceChildren();
  list.dataset.subject = subject;
  const addedKeys = renderList(list, rows, renderMessage);
  if (stayAtEnd) scrollToEnd(scroll);
  if (!isUpdate || isOther) return;
  for (const message of rows.filter(({ key }) => addedKeys.includes(key))) {
    animate(list.querySelector(`[data-key="${CSS.escape(message.key)}"]`), "arrived");
    const words = `${userName(message.user)}: ${spoken(message.text ?? "")}`;
    announce(message.ephemeral ? t("Only visible to you: {text}", { text: words }) : words);
  }
}

function scrollToEnd(scroll) {
  scroll.scrollTop = scroll.scrollHeight;
  isAtEnd.set(scroll, true);
}
