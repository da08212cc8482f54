/** What the page knows: items that the server sent, and the few choices made here (person, channel, thread, view). */

const items = new Map();
const listeners = new Set();
const remembered = JSON.parse(sessionStorage.getItem("desk") ?? "{}");

export const choice = { person: remembered.person ?? "sre", channel: remembered.channel ?? null, thread: remembered.thread ?? null, view: "chat" };

/** Calls `listener(news)` now and after every change; `news` is true when the server sent the change to a picture already shown. */
export function onChange(listener) {
  listeners.add(listener);
}

function tell(news) {
  for (const listener of listeners) listener(news);
}

/** Takes one change of the server: {reset, put: {key: value}, gone: [keys]}. */
export function apply(change) {
  if (change.reset) items.clear();
  for (const key of change.gone) items.delete(key);
  for (const [key, value] of Object.entries(change.put)) items.set(key, value);
  tell(!change.reset);
}

/** Changes choices ({channel: "C1"}), remembers them for a reload of this tab, and shows them. */
export function choose(changes) {
  Object.assign(choice, changes);
  const { person, channel, thread } = choice;
  sessionStorage.setItem("desk", JSON.stringify({ person, channel, thread }));
  tell(false);
}

/** The item with this key, or undefined. */
export const item = (key) => items.get(key);

/** Every item whose key starts with `kind:`, as [{key, ...item}]. */
export function all(kind) {
  const found = [];
  for (const [key, value] of items) if (key.startsWith(`${kind}:`)) found.push({ key, ...value });
  return found;
}

/** The display name of a Slack user, or its id when nobody here has it. */
export const userName = (id) => item(`user:${id}`)?.name ?? id;
