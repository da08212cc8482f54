/** The request log: each Slack call and each cloud request with its response, the newest first. */
import { byId, el, renderList, timeNode } from "./dom.js";
import { t } from "./words.js";
import { entitiesOf, entity, select, selection } from "./state.js";

/** Makes the log open, close and filter. */
export function startRequestLog() {
  byId("request-log-toggle").addEventListener("click", () => setOpen(byId("request-log").hidden));
  byId("request-log-close").addEventListener("click", () => {
    setOpen(false);
    if (selection.view === "request-log") select({ view: "chat" }); // chosen while the window was narrow
    byId("request-log-toggle").focus();
  });
  for (const radio of document.querySelectorAll("input[name=service]")) radio.addEventListener("change", renderRequestLog);
}

function setOpen(isOpen) {
  byId("request-log").hidden = !isOpen;
  byId("request-log-toggle").setAttribute("aria-expanded", String(isOpen));
  renderRequestLog();
}

/** Renders the log when it is open; the number of calls on its button always. */
export function renderRequestLog() {
  byId("request-log-count").textContent = String(entity("request_log")?.total ?? 0);
  if (byId("request-log").hidden && selection.view !== "request-log") return;
  const service = document.querySelector("input[name=service]:checked").value;
  const calls = entitiesOf("call").filter((call) => service === "all" || call.service === service).sort((a, b) => b.at - a.at || b.order - a.order);
  byId("request-log-empty").hidden = calls.length > 0;
  renderList(byId("calls"), calls, renderCall);
}

function renderCall(call, item) {
  item.className = "call";
  return el("details", {},
    el("summary", { dataset: { focus: "call" } },
      timeNode(call.at, { precise: true }),
      el("span", { class: "service", dataset: { service: call.service } }, t(call.service)),
      el("span", { class: "call-name" }, call.name),
      call.summary ? el("span", { class: "call-summary" }, call.summary) : null,
      el("span", { class: "status", dataset: { tone: call.ok ? "good" : "bad" } }, t(call.status))),
    call.sections.map(({ title, text }) => el("div", { class: "call-section" }, el("h3", { class: "label" }, t(title)), el("pre", {}, text))));
}
