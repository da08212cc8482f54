/**
 * The state of the page: the entities that the server sends (see view_model.py) and what is selected in this tab;
 * and the two ways to the server, its event stream and its API.
 */
import { announce, byId } from "./dom.js";
import { chooseLanguage, t } from "./words.js";

const RECONNECT_MILLISECONDS = [500, 1000, 2000, 4000];
const STORAGE_KEY = "sandbox";

const entities = new Map();
const listeners = [];
const saved = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}");
let eventSource = null;
let reconnectTimer = null;
let failures = 0;

export const selection = { person: saved.person ?? "sre", channel: saved.channel ?? null, thread: saved.thread ?? null, view: "chat" };

/** Calls `listener(isUpdate)` after every change; `isUpdate` when it changes a view that the server had sent before. */
export const onChange = (listener) => listeners.push(listener);

const notify = (isUpdate) => listeners.forEach((listener) => listener(isUpdate));

/** The entity with this key, or undefined. */
export const entity = (key) => entities.get(key);

/** All entities of a kind as [{key, ...entity}], in their order; those without one as the server sent them. */
export function entitiesOf(kind) {
  const matches = [];
  for (const [key, value] of entities) if (key.startsWith(`${kind}:`)) matches.push({ key, ...value });
  return matches.sort((a, b) => (a.order ?? 0) - (b.order ?? 0));
}

/** The display name of a Slack user, or the id of one that is not known here. */
export const userName = (id) => entity(`user:${id}`)?.name ?? id;

/** Changes the selection ({channel: "C1"}); a reload of this tab keeps it, Back leaves another view or channel. */
export function select(changes) {
  const { view: oldView, channel: oldChannel } = selection;
  Object.assign(selection, changes);
  const moved = selection.view !== oldView || selection.channel !== oldChannel;
  const place = { view: selection.view, channel: selection.channel, thread: selection.thread };
  if (moved) history.pushState(place, "");
  else history.replaceState(place, "");
  save();
}

addEventListener("popstate", ({ state }) => {
  Object.assign(selection, state ?? { view: "chat" });
  save();
});

function save() {
  const { person, channel, thread } = selection;
  sessionStorage.setItem(STORAGE_KEY, JSON.stringify({ person, channel, thread }));
  notify(false);
}

/** Shows the page as this person sees it. */
export function selectPerson(person) {
  for (const { key } of entitiesOf("ephemeral")) entities.delete(key); // only the former person may see them
  select({ person });
  connect();
}

/** Opens the event stream of the selected person; an open one is closed. */
export function connect() {
  clearTimeout(reconnectTimer);
  eventSource?.close();
  eventSource = new EventSource(`/events?person=${encodeURIComponent(selection.person)}`);
  eventSource.addEventListener("open", () => {
    failures = 0;
    showConnection("live", "Live");
  });
  eventSource.addEventListener("update", (event) => apply(JSON.parse(event.data)));
  eventSource.addEventListener("error", reconnect);
}

function apply({ reset, updated, removed }) {
  if (reset) entities.clear();
  for (const key of removed) entities.delete(key);
  for (const [key, value] of Object.entries(updated)) entities.set(key, value);
  if (chooseLanguage(entity("you")?.locale)) byId("connection").textContent = t(byId("connection").dataset.text ?? "");
  notify(!reset);
}

/* EventSource gives up for good on some errors (a refused connection, a 5xx), so the page reconnects by itself. */
function reconnect() {
  eventSource.close();
  showConnection("lost", "Reconnecting…");
  clearTimeout(reconnectTimer);
  reconnectTimer = setTimeout(connect, RECONNECT_MILLISECONDS[Math.min(failures, RECONNECT_MILLISECONDS.length - 1)]);
  failures += 1;
}

function showConnection(state, text) {
  const label = byId("connection");
  if (label.dataset.state === state) return; // or a screen reader would hear it at each attempt
  label.dataset.state = state;
  label.dataset.text = text;
  label.textContent = t(text);
}

/** Calls POST /api/`name` with a JSON body and shows the error if it fails; its answer, {ok: false, …} on failure. Never throws. */
export async function callApi(name, body) {
  let result;
  try {
    const response = await fetch(`/api/${name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    result = await response.json();
  } catch (error) {
    result = { ok: false, error: t("The sandbox did not answer ({reason}).", { reason: error.message }) };
  }
  if (!result.ok) announce(t(result.error), { isError: true });
  return result;
}
