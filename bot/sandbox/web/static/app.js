/** Starts the page. Its navigation: channels and people in the sidebar, and the views of a narrow window. */
import { renderCloud, startCloud } from "./cloud.js";
import { renderComposer, startComposer } from "./composer.js";
import { renderChannel, renderThread, startConversation } from "./conversation.js";
import { byId, el, renderList } from "./dom.js";
import { renderRequestLog, startRequestLog } from "./request_log.js";
import { language, startWords, t } from "./words.js";
import { connect, entitiesOf, entity, onChange, select, selectPerson, selection } from "./state.js";

const viewButtons = document.querySelectorAll(".views button");
const seenCounts = new Map(); // "person channel" -> number of messages when that person last looked at it

for (const button of viewButtons) button.addEventListener("click", () => select({ view: button.dataset.view }));
startWords();
startComposer();
startConversation();
startCloud();
startRequestLog();
for (const render of [renderView, renderSidebar, renderChannel, renderThread, renderComposer, renderCloud, renderRequestLog]) onChange(render);
connect();

/* A narrow window shows one part of the page at a time, a wide one shows them all. */
function renderView() {
  document.body.dataset.view = selection.view;
  for (const button of viewButtons) {
    if (button.dataset.view === selection.view) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
  }
}

/* What was there before the first update counts as seen. */
function renderSidebar(isUpdate) {
  const channels = entitiesOf("channel");
  if (channels.length && !entity(`channel:${selection.channel}`)) selection.channel = channels[0].id;
  const counts = new Map();
  for (const { channel } of [...entitiesOf("message"), ...entitiesOf("ephemeral")]) counts.set(channel, (counts.get(channel) ?? 0) + 1);
  const rows = channels.map((channel) => {
    const [key, count, current] = [`${selection.person} ${channel.id}`, counts.get(channel.id) ?? 0, channel.id === selection.channel];
    if (current || !(isUpdate || seenCounts.has(key))) seenCounts.set(key, count);
    return { ...channel, current, unseen: count > (seenCounts.get(key) ?? 0) };
  });
  renderList(byId("channels"), rows, channelButton);
  renderPeople();
}

function channelButton(channel, item) {
  item.className = ["channel", channel.current && "current", channel.unseen && "unseen"].filter(Boolean).join(" ");
  const note = channel.is_archived ? t("archived") : channel.bot_is_member ? null : t("no bot here");
  const onclick = () => select({ channel: channel.id, thread: null, view: "chat" });
  return el("button", { type: "button", "aria-current": channel.current ? "true" : null, onclick, dataset: { focus: "channel" } },
    el("span", { class: "channel-sign", "aria-hidden": "true" }, channel.is_private ? "⌁" : "#"),
    el("span", { class: "channel-name" }, channel.name),
    note ? el("span", { class: "channel-note" }, note) : null,
    channel.unseen ? el("span", { class: "unseen-dot" }, el("span", { class: "visually-hidden" }, t("new messages"))) : null);
}

function renderPeople() {
  const people = entitiesOf("person");
  const list = byId("people");
  const rendered = JSON.stringify([people, selection.person, language()]);
  if (list.dataset.rendered === rendered) return;
  list.dataset.rendered = rendered;
  const hadFocus = list.contains(document.activeElement);
  list.replaceChildren(...people.map(personRadio));
  if (hadFocus) list.querySelector("input:checked")?.focus();
}

function personRadio(person) {
  const key = person.person_key;
  const notes = [person.locale ?? t("no locale"), person.guest && t("guest")].filter(Boolean).join(" · ");
  return el("label", { class: "person-choice" },
    el("input", { type: "radio", name: "person", value: key, checked: key === selection.person, onchange: () => selectPerson(key) }),
    el("span", { class: "person-name" }, person.name),
    el("span", { class: "person-note" }, notes));
}
