/** The Cloud panel: the fault of the next call, the speed of jobs, the instances and the jobs. */
import { announce, byId, el, icon, renderList, timeNode } from "./dom.js";
import { callApi, entitiesOf, entity } from "./state.js";

const COPIED_MILLISECONDS = 1600;

/** Makes the two selects work. */
export function startCloud() {
  byId("fault").addEventListener("change", (event) => callApi("fault", { name: event.target.value }));
  byId("speed").addEventListener("change", (event) => callApi("speed", { name: event.target.value }));
}

/** Renders the panel. */
export function renderCloud() {
  renderSelect("fault", entity("faults"));
  renderSelect("speed", entity("speeds"));
  byId("fault").closest(".setting").classList.toggle("armed", byId("fault").selectedIndex > 0); // the first option is no fault
  renderList(byId("instances"), entitiesOf("instance"), renderInstance);
  const jobs = entitiesOf("job");
  byId("jobs-empty").hidden = jobs.length > 0;
  renderList(byId("jobs"), jobs, renderJob);
}

/* `setting` is {groups: [{label, options: [{name, label}]}], selected}; the options are replaced only when they change. */
function renderSelect(id, setting) {
  if (!setting) return;
  const select = byId(id);
  const rendered = JSON.stringify(setting.groups);
  if (select.dataset.rendered !== rendered) {
    select.dataset.rendered = rendered;
    const options = (group) => group.options.map(({ name, label }) => el("option", { value: name }, label));
    select.replaceChildren(...setting.groups.flatMap((group) => (group.label ? el("optgroup", { label: group.label }, options(group)) : options(group))));
  }
  if (select.value !== setting.selected) select.value = setting.selected;
}

function renderInstance(instance, item) {
  item.className = "instance";
  const isBusy = instance.running_actions.length > 0;
  const scheduled = instance.scheduled ? `Upgrade scheduled for its window, ${instance.window}` : "";
  const activity = isBusy ? `Runs: ${instance.running_actions.join(", ").toLowerCase()}` : scheduled;
  const newerVersion = instance.newer_version
    ? [el("span", { class: "arrow", role: "img", "aria-label": "can become" }, " → "), el("strong", {}, instance.newer_version)]
    : el("span", { class: "aside" }, " latest");
  return [
    el("div", { class: "instance-head" },
      el("span", { class: "instance-name" }, instance.name, ...(instance.region ? [el("span", { class: "aside" }, ` ${instance.region}`)] : [])),
      el("span", { class: "versions" }, instance.version, newerVersion),
      state(isBusy ? "busy" : instance.status, isBusy ? "busy" : instance.status === "normal" ? "good" : "bad")),
    ...(activity ? [el("p", { class: "activity" }, activity)] : []),
    el("p", { class: "instance-id" }, el("code", {}, instance.id), copyButton(instance)),
    ...instance.sync_tasks.map((task) => el("p", { class: "activity" }, `Data-sync: ${task}`)),
    syncTaskButton(instance),
  ];
}

function renderJob(job, item) {
  item.className = "job";
  const tone = { Completed: "good", Running: "busy", Pending: "wait" }[job.status] ?? "bad";
  const hasProgress = ["Running", "Completed"].includes(job.status);
  return [
    el("div", { class: "instance-head" },
      el("span", { class: "instance-name" }, job.instance),
      state(job.waiting ? "waits for its window" : job.status, tone)),
    el("div", { class: "progress-line" },
      el("progress", { max: "100", value: String(job.percent), "aria-label": `Progress of the upgrade of ${job.instance}` }),
      el("span", { class: "percent" }, hasProgress ? `${job.percent} %` : "–")),
    ...(job.fail_reason ? [el("p", { class: "fail-reason" }, job.fail_reason)] : []),
    el("p", { class: "instance-id" }, el("code", {}, job.id), timeNode(job.created)),
    ...(job.waiting ? [windowButton(job)] : []),
  ];
}

function windowButton({ instance }) {
  const onclick = () => callApi("window", { instance });
  return el("button", { class: "outline-button", type: "button", onclick, dataset: { focus: "window" } }, "Open the maintenance window now");
}

function syncTaskButton({ name, sync_tasks: tasks }) {
  const onclick = () => callApi("sync-task", { instance: name });
  const text = tasks.length ? "Remove the data-sync task" : "Add a data-sync task";
  const label = tasks.length ? `Remove the data-sync task of ${name}` : `Add a data-sync task to ${name}`;
  return el("button", { class: "outline-button", type: "button", onclick, "aria-label": label, dataset: { focus: "sync-task" } }, text);
}

const state = (text, tone) => el("span", { class: "state", dataset: { tone } }, text);

function copyButton({ id, name }) {
  const onclick = async ({ currentTarget: button }) => {
    const isCopied = await navigator.clipboard.writeText(id).then(() => true, () => false);
    if (!isCopied) {
      announce("The browser does not let this page copy: select the id and copy it by hand.", { isError: true });
      return;
    }
    announce(`The id of ${name} is copied.`);
    button.replaceChildren(icon("check"));
    setTimeout(() => button.replaceChildren(icon("copy")), COPIED_MILLISECONDS);
  };
  const names = { "aria-label": `Copy the id of ${name}`, title: "Copy the id" };
  return el("button", { class: "icon-button small", type: "button", onclick, dataset: { focus: "copy" }, ...names }, icon("copy"));
}
