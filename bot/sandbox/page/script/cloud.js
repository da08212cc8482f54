/** The Cloud panel: the mishap of the next call, the speed of jobs, instances and jobs. */
import { act } from "./actions.js";
import { announce } from "./announcer.js";
import { clock } from "./dates.js";
import { h, icon, keyed, part } from "./dom.js";
import { all, item } from "./state.js";

/** Makes the two selects work. */
export function startCloud() {
  part("mishap").addEventListener("change", (event) => tell("mishap", { name: event.target.value }));
  part("speed").addEventListener("change", (event) => tell("speed", { name: event.target.value }));
}

/** Draws the panel. */
export function drawCloud() {
  fillSelect("mishap", item("mishaps"));
  fillSelect("speed", item("speeds"));
  part("mishap").closest(".dial").classList.toggle("armed", item("mishaps") !== undefined && item("mishaps").chosen !== "answers");
  keyed(part("instances"), all("instance").sort((one, other) => one.order - other.order), instance);
  const jobs = all("job").sort((one, other) => one.order - other.order);
  part("jobs-none").hidden = jobs.length > 0;
  keyed(part("jobs"), jobs, job);
}

async function tell(name, body) {
  const answer = await act(name, body);
  if (!answer.ok) announce(answer.error, true);
}

/* `dial` is {groups: [{label, options: [{name, label}]}], chosen}. A select that is being used is not redrawn. */
function fillSelect(id, dial) {
  const select = part(id);
  if (!dial) return;
  const drawn = JSON.stringify(dial.groups);
  if (select.dataset.drawn !== drawn) {
    select.dataset.drawn = drawn;
    const option = (one) => h("option", { value: one.name }, one.label);
    select.replaceChildren(...dial.groups.map((group) => (group.label ? h("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option))).flat());
  }
  if (select.value !== dial.chosen) select.value = dial.chosen;
}

function instance(entry, node) {
  node.className = "instance";
  return [
    h("div", { class: "instance-head" },
      h("span", { class: "instance-name" }, entry.name),
      h("span", { class: "versions" }, entry.version,
        entry.newer ? [h("span", { class: "arrow", role: "img", "aria-label": "can become" }, " → "), h("strong", {}, entry.newer)] : h("span", { class: "aside" }, " latest")),
      h("span", { class: "state", dataset: { tone: tone(entry) } }, entry.runs.length ? "busy" : entry.status)),
    runs(entry) ? h("p", { class: "runs" }, runs(entry)) : null,
    h("p", { class: "instance-id" }, h("code", {}, entry.id), copyButton(entry)),
  ].filter(Boolean);
}

function runs(entry) {
  if (entry.runs.length) return `Runs: ${entry.runs.map((one) => one.toLowerCase()).join(", ")}`;
  return entry.scheduled ? `Upgrade scheduled for its window, ${entry.window}` : "";
}

const tone = (entry) => (entry.runs.length ? "busy" : entry.status === "normal" ? "good" : "bad");

function copyButton(entry) {
  const node = h("button", { class: "round small", type: "button", "aria-label": `Copy the id of ${entry.name}`, title: "Copy the id", dataset: { focus: "copy" } }, icon("copy"));
  node.addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(entry.id).then(() => true, () => false);
    announce(copied ? `The id of ${entry.name} is copied.` : "The browser does not let this page copy: select the id and copy it by hand.", !copied);
    if (!copied) return;
    node.replaceChildren(icon("check"));
    setTimeout(() => node.replaceChildren(icon("copy")), 1600);
  });
  return node;
}

function job(entry, node) {
  node.className = "job";
  const counted = ["Running", "Completed"].includes(entry.status);
  const open = () => tell("window", { instance: entry.instance });
  return [
    h("div", { class: "instance-head" },
      h("span", { class: "instance-name" }, entry.instance),
      h("span", { class: "state", dataset: { tone: jobTone(entry.status) } }, entry.waiting ? "waits for its window" : entry.status)),
    h("div", { class: "progress-line" },
      h("progress", { max: "100", value: String(entry.percent), "aria-label": `Progress of the upgrade of ${entry.instance}` }),
      h("span", { class: "percent" }, counted ? `${entry.percent} %` : "–")),
    entry.fail_reason ? h("p", { class: "fail-reason" }, entry.fail_reason) : null,
    h("p", { class: "instance-id" }, h("code", {}, entry.id), clock(entry.created)),
    entry.waiting ? h("button", { class: "quiet", type: "button", dataset: { focus: "window" }, onclick: open }, "Open the maintenance window now") : null,
  ].filter(Boolean);
}

const jobTone = (status) => ({ Completed: "good", Running: "busy", Pending: "wait" })[status] ?? "bad";
