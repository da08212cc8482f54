/** The Cloud panel: the fault of the next call, the speed of jobs, the instances and the jobs. */
import { announce, byId, el, icon, renderList, timeNode } from "./dom.js";
import { language, t } from "./words.js";
import { callApi, entitiesOf, entity } from "./state.js";

const COPIED_MILLISECONDS = 1600;
const MAX_LABEL = 96;
const WORK = [
  { kind: "sync-task", isThere: ({ sync_tasks: tasks }) => tasks.length > 0, texts: ["Add a data-sync task", "Remove the data-sync task"] },
  { kind: "backup", isThere: ({ running_actions: actions }) => actions.includes("BACKING_UP"), texts: ["Start a backup", "End the backup"] },
  { kind: "restart", isThere: ({ restart_pending: isPending }) => isPending, texts: ["Schedule a restart", "Remove the restart"] },
];

/** Makes the settings work. */
export function startCloud() {
  for (const id of ["fault", "every-call"]) {
    byId(id).addEventListener("change", () => callApi("fault", { name: byId("fault").value, every: byId("every-call").checked }));
  }
  byId("speed").addEventListener("change", (event) => callApi("speed", { name: event.target.value }));
}

/** Renders the panel. */
export function renderCloud() {
  renderSelect("fault", entity("faults"));
  renderSelect("speed", entity("speeds"));
  if (entity("faults") && byId("fault").selectedIndex > 0) byId("every-call").checked = entity("faults").every;
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
  const rendered = `${language()} ${JSON.stringify(setting.groups)}`;
  if (select.dataset.rendered !== rendered) {
    select.dataset.rendered = rendered;
    const options = (group) => group.options.map(({ name, label }) => el("option", { value: name }, optionText(group, name, label)));
    select.replaceChildren(...setting.groups.flatMap((group) => (group.label ? el("optgroup", { label: t(group.label) }, options(group)) : options(group))));
  }
  if (select.value !== setting.selected) select.value = setting.selected;
}

/* The names of faults are English words; of the codes of the API alone a Chinese reader needs them beside the label. */
function optionText(group, name, label) {
  const isNamed = group.show_names && (language() === "en" || t(label) === label);
  const text = !isNamed ? t(label) : language() === "en" ? `${name}: ${label}` : name;
  return text.length <= MAX_LABEL ? text : `${text.slice(0, MAX_LABEL - 1)}…`;
}

function renderInstance(instance, item) {
  item.className = "instance";
  const isBusy = instance.running_actions.length > 0;
  const scheduled = instance.scheduled ? t("Upgrade scheduled for its window, {time}", { time: `${instance.window} UTC` }) : "";
  const activity = isBusy ? t("Runs: {actions}", { actions: instance.running_actions.map((action) => t(action.toLowerCase().replaceAll("_", " "))).join(language() === "en" ? ", " : "、") }) : scheduled;
  const newerVersion = instance.newer_version
    ? [el("span", { class: "arrow", role: "img", "aria-label": t("can become") }, " → "), el("strong", {}, instance.newer_version)]
    : el("span", { class: "aside" }, ` ${t("latest")}`);
  return [
    el("div", { class: "instance-head" },
      el("span", { class: "instance-name" }, instance.name, ...(instance.region ? [el("span", { class: "aside" }, ` ${instance.region}`)] : [])),
      el("span", { class: "versions" }, instance.version, newerVersion),
      state(t(isBusy ? "busy" : instance.status), isBusy ? "busy" : instance.status === "normal" ? "good" : "bad")),
    ...(activity ? [el("p", { class: "activity" }, activity)] : []),
    el("p", { class: "instance-id" }, el("code", {}, instance.id), copyButton(instance)),
    ...instance.sync_tasks.map((task) => el("p", { class: "activity" }, t("Data-sync: {task}", { task: task.split(": ").map((part) => t(part)).join(": ") }))),
    ...(instance.restart_pending ? [el("p", { class: "activity" }, t("A restart waits for the window"))] : []),
    ...(instance.scheduled ? [windowButton(instance.id, instance.name)] : []),
    el("div", { class: "work", role: "group", "aria-label": t("Other people's work") }, WORK.map((work) => workButton(work, instance))),
  ];
}

function renderJob(job, item) {
  item.className = "job";
  const tone = { Completed: "good", Running: "busy", Pending: "wait" }[job.status] ?? "bad";
  const hasProgress = ["Running", "Completed"].includes(job.status);
  return [
    el("div", { class: "instance-head" },
      el("span", { class: "instance-name" }, job.instance),
      state(t(job.waiting ? "waits for its window" : job.status), tone)),
    el("div", { class: "progress-line" },
      el("progress", { max: "100", value: String(job.percent), "aria-label": t("Progress of the upgrade of {name}", { name: job.instance }) }),
      el("span", { class: "percent" }, hasProgress ? `${job.percent} %` : "–")),
    ...(job.fail_reason ? [el("p", { class: "fail-reason" }, job.fail_reason)] : []),
    el("p", { class: "instance-id" }, el("code", {}, job.id), timeNode(job.created), copyButton({ id: job.id, name: t("the job of {name}", { name: job.instance }) })),
    ...(job.waiting ? [el("p", { class: "activity" }, opening(job)), windowButton(job.instance_id, job.instance)] : []),
  ];
}

function opening({ opens }) {
  const time = new Date(opens * 1000).toLocaleString(language() === "en" ? "en-GB" : language(), { dateStyle: "medium", timeStyle: "short" });
  return t("The window opens {time}; nothing runs before.", { time });
}

function windowButton(instance, name) {
  const onclick = () => callApi("window", { instance });
  const label = t("Open the maintenance window of {name} now", { name });
  return el("button", { class: "outline-button", type: "button", onclick, title: label, dataset: { focus: "window" } }, t("Open the maintenance window now"));
}

function workButton({ kind, isThere, texts }, instance) {
  const text = texts[Number(isThere(instance))];
  const of = kind === "sync-task" && !isThere(instance) ? "to" : "of";
  const onclick = () => callApi("work", { instance: instance.id, kind });
  const label = t(`${text} ${of} {name}`, { name: instance.name });
  return el("button", { class: "outline-button", type: "button", onclick, "aria-label": label, dataset: { focus: kind } }, t(text));
}

const state = (text, tone) => el("span", { class: "state", dataset: { tone } }, text);

function copyButton({ id, name }) {
  const onclick = async ({ currentTarget: button }) => {
    const isCopied = await navigator.clipboard.writeText(id).then(() => true, () => false);
    if (!isCopied) {
      announce(t("The browser does not let this page copy: select the id and copy it by hand."), { isError: true });
      return;
    }
    announce(t("The id of {name} is copied.", { name }));
    button.replaceChildren(icon("check"));
    setTimeout(() => button.replaceChildren(icon("copy")), COPIED_MILLISECONDS);
  };
  const names = { "aria-label": t("Copy the id of {name}", { name }), title: t("Copy the id") };
  return el("button", { class: "icon-button small", type: "button", onclick, dataset: { focus: "copy" }, ...names }, icon("copy"));
}
