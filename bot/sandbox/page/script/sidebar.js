/** The left side: channels (with a mark where the bot is absent and a dot for unseen messages) and the person to be. */
import { h, keyed, part } from "./dom.js";
import { all, apply, choice, choose, item } from "./state.js";
import { follow } from "./stream.js";

const seen = new Map(); // "person channel" -> how many entries were there when that person last looked

/** Draws channels and people; what is there before any news counts as seen. */
export function drawSidebar(news) {
  const channels = all("channel").sort((one, other) => one.order - other.order);
  if (channels.length && !item(`channel:${choice.channel}`)) choice.channel = channels[0].id;
  const counts = new Map();
  for (const one of [...all("message"), ...all("ephemeral")]) counts.set(one.channel, (counts.get(one.channel) ?? 0) + 1);
  const entries = channels.map((one) => {
    const [subject, count, current] = [`${choice.person} ${one.id}`, counts.get(one.id) ?? 0, one.id === choice.channel];
    if (current || !(news || seen.has(subject))) seen.set(subject, count);
    return { ...one, current, unseen: count > (seen.get(subject) ?? 0) };
  });
  keyed(part("channels"), entries, channelButton);
  const people = all("person").sort((one, other) => one.order - other.order);
  const list = part("people");
  const drawn = JSON.stringify([people, choice.person]);
  if (list.dataset.drawn === drawn) return;
  list.dataset.drawn = drawn;
  const focused = list.contains(document.activeElement);
  list.replaceChildren(...people.map(personRadio));
  if (focused) list.querySelector("input:checked")?.focus();
}

function channelButton(entry, node) {
  node.className = ["channel", entry.current && "current", entry.unseen && "unseen"].filter(Boolean).join(" ");
  const mark = entry.is_archived ? "archived" : entry.bot_is_member ? null : "no bot here";
  const pick = () => choose({ channel: entry.id, thread: null, view: "chat" });
  return h("button", { type: "button", "aria-current": entry.current ? "true" : null, onclick: pick, dataset: { focus: "channel" } },
    h("span", { class: "sign", "aria-hidden": "true" }, entry.is_private ? "⌁" : "#"),
    h("span", { class: "channel-name" }, entry.name),
    mark ? h("span", { class: "mark" }, mark) : null,
    entry.unseen ? h("span", { class: "dot" }, h("span", { class: "hidden" }, "new messages")) : null);
}

function personRadio(person) {
  const be = () => {
    apply({ reset: false, put: {}, gone: all("ephemeral").map((one) => one.key) }); // what only the former person sees
    choose({ person: person.id_key });
    follow(person.id_key);
  };
  const radio = h("input", { type: "radio", name: "person", value: person.id_key, checked: person.id_key === choice.person, onchange: be });
  const notes = [person.locale ?? "no locale", person.guest && "guest"].filter(Boolean).join(" · ");
  return h("label", { class: "person-choice" }, radio, h("span", { class: "person-name" }, person.name), h("span", { class: "person-note" }, notes));
}
