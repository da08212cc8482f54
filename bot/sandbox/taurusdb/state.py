"""What the cloud holds: the instances of one project and their upgrade jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid4, uuid5

from bot.sandbox.taurusdb.auth import PROJECT_ID
from bot.sandbox.taurusdb.jobs import (
    FINAL_STATUSES,
    Job,
    JobClock,
    JobPlan,
    JobState,
    next_time_of_day,
    start_for_percent,
)
from bot.sandbox.taurusdb.recorder import Recorder

OLD_VERSION: Final = "3.1.15"
LATEST_VERSION: Final = "3.1.18"
WINDOW_WAIT: Final = 2.0  # a delayed job waits for its window as long as this many jobs take
INSTANCES_PER_PARENT: Final = 50
WORK_KINDS: Final = ("sync-task", "backup", "restart")  # what other people can be doing on an instance
BACKUP_ACTION: Final = "BACKING_UP"
RESTART_TASK: Final = "RESTART_INSTANCE"
EARLIER_SECONDS: Final = 4.0  # how long before its start the stand-in's own example tasks were created


@dataclass(frozen=True, slots=True)
class Action:
    """An operation that runs on an instance; while there is one, the instance is busy."""

    id: str
    action: str
    object_id: str
    job_id: str
    status: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Instance:
    """A StarRocks instance; `id` ends in `in17`, `parent_id` (of its TaurusDB instance) in `in07`."""

    name: str
    id: str
    parent_id: str
    parent_name: str
    version: str
    latest_version: str = LATEST_VERSION
    status: str = "normal"
    window_start: str = "02:00"
    window_end: str = "06:00"
    actions: tuple[Action, ...] = ()
    project_id: str = PROJECT_ID
    abnormal_nodes: int = 0  # how many of its nodes are
    sync_tasks: tuple[tuple[str, str], ...] = ()  # names and stages: wait, full, incremental, paused, cancelled

    @property
    def upgrade_available(self) -> bool:
        """Whether there is a newer minor version."""
        return self.version != self.latest_version

    @property
    def nodes(self) -> tuple[tuple[str, str, str], ...]:
        """Its nodes as (id, name, role)."""
        roles = {"fe-1": "fe", "be-1": "be", "be-2": "be"}
        return tuple(
            (make_id(f"{self.id}/{name}", "no17"), f"{self.name}-{name}", role) for name, role in roles.items()
        )


@dataclass(frozen=True, slots=True)
class ForeignTask:
    """A task of other people in the Task Center: no job of an upgrade that came over this API.

    `created_at` None: just now, whenever it is listed. `scheduled`: under scheduled tasks instead of immediate ones.
    """

    id: str
    name: str
    instance_id: str
    instance_name: str
    status: str
    scheduled: bool = False
    created_at: float | None = None


def make_id(name: str, suffix: str) -> str:
    """Return 32 hex digits that are always the same for this name, and the suffix (`in17`, `in07`, `no17`)."""
    return uuid5(NAMESPACE_URL, f"{suffix}/{name}").hex + suffix


class CloudState(Recorder):
    """The instances and jobs; all of them are read as they are at this time of the clock."""

    def __init__(self, clock: Callable[[], float], log_path: Path | str | None = None) -> None:
        super().__init__(clock, log_path)
        self.job_clock = JobClock(set_at=clock())
        self.windows_by_calendar = False  # delayed jobs wait for their time of day, not as long as WINDOW_WAIT
        self.lists_jobs_under_parent = False  # immediate tasks carry the id of the TaurusDB instance
        self.foreign_tasks: dict[str, ForeignTask] = {}  # by id; `clear()` for a cloud that nobody else uses
        self._instances: dict[str, Instance] = {}
        self._jobs: dict[str, Job] = {}
        self._open_jobs: dict[str, str] = {}  # the id of an instance -> the id of its job that has not ended
        self._add_example_instances()
        self._add_example_tasks()

    def _add_example_instances(self) -> None:
        """Add one instance for each way in which an upgrade is answered."""
        restart = Action(
            id=str(uuid5(NAMESPACE_URL, "action/sr-billing")),
            action="RESTARTING",
            object_id=make_id("sr-billing", "in17"),
            job_id=str(uuid5(NAMESPACE_URL, "job/sr-billing")),
            status="Running",
            created_at=self.clock() - 300,
        )
        self.add_instance("sr-orders")
        self.add_instance("sr-reports", version=LATEST_VERSION, window=("01:00", "05:00"))
        self.add_instance("sr-billing", actions=(restart,), window=("03:00", "07:00"))
        self.add_instance("sr-archive", status="abnormal", parent="taurus-history")
        self.add_instance("sr-metrics", parent="taurus-history", window=("22:00", "02:00"))
        self.add_instance("订单分析", parent="taurus-history")

    def _add_example_tasks(self) -> None:
        """Add what a project with other people in it lists: their tasks on our instances, and on instances of theirs.

        Those on ours are older than any request, those of others as new as can be and named like ours.
        """
        earlier = self.clock() - EARLIER_SECONDS
        for instance in self.list_instances():
            self.add_foreign_task("CreateStarRocksBackup", instance, created_at=earlier)
            self.add_foreign_task(RESTART_TASK, instance, "Pending", scheduled=True, created_at=earlier)
        other = Instance("sr-of-others", make_id("sr-of-others", "in17"), make_id("others", "in07"), "others", "")
        self.add_foreign_task("UpgradeStarRocksVersion", other, "Running")
        self.add_foreign_task("VERSION_UPGRADE", other, "Pending", scheduled=True)

    def add_foreign_task(
        self,
        name: str,
        instance: Instance,
        status: str = "Completed",
        *,
        scheduled: bool = False,
        created_at: float | None = None,
    ) -> ForeignTask:
        """Add a task of other people on an instance."""
        task = ForeignTask(str(uuid4()), name, instance.id, instance.name, status, scheduled, created_at)
        self.foreign_tasks[task.id] = task
        self.note_change()
        return task

    # Instances

    @property
    def instances(self) -> dict[str, Instance]:
        """The instances by name; those of the first project before those of others with the same name."""
        instances = sorted(self.list_instances(), key=lambda instance: instance.project_id == PROJECT_ID)
        return {instance.name: instance for instance in instances}

    def list_instances(self, project_id: str = "") -> list[Instance]:
        """Return the instances of a project or of all, also those that have the same name."""
        self._store_ended_jobs()
        return [one for one in self._instances.values() if project_id in ("", one.project_id)]

    def find_instance(self, instance_id: str, project_id: str = "") -> Instance | None:
        """Find an instance by its id, in a project or in all."""
        self._store_ended_jobs()
        instance = self._instances.get(instance_id)
        return instance if instance and project_id in ("", instance.project_id) else None

    def project_of(self, instance_id: str) -> str:
        """The project of an instance, the first one for an instance that is not there."""
        instance = self._instances.get(instance_id)
        return instance.project_id if instance else PROJECT_ID

    def add_instance(
        self,
        name: str,
        *,
        id: str = "",
        parent: str = "taurus-shop",
        version: str = OLD_VERSION,
        status: str = "normal",
        window: tuple[str, str] = ("02:00", "06:00"),
        actions: tuple[Action, ...] = (),
        project_id: str = PROJECT_ID,
    ) -> Instance:
        """Add an instance; its id follows from the name (and the project) unless it is given."""
        place = "" if project_id == PROJECT_ID else f"{project_id}/"
        return self._put(
            Instance(
                name=name,
                id=id or make_id(f"{place}{name}", "in17"),
                parent_id=make_id(f"{place}{parent}", "in07"),
                parent_name=parent,
                version=version,
                status=status,
                window_start=window[0],
                window_end=window[1],
                actions=actions,
                project_id=project_id,
            )
        )

    def add_instances(self, count: int, project_id: str = PROJECT_ID) -> list[Instance]:
        """Add many instances that can be upgraded."""
        first = len(self._instances)
        return [
            self.add_instance(
                f"sr-{number:05}", parent=f"taurus-{number // INSTANCES_PER_PARENT:04}", project_id=project_id
            )
            for number in range(first, first + count)
        ]

    def change_instance(self, name: str, **fields: Any) -> Instance:
        """Replace fields of an instance and return the new version."""
        return self._put(replace(self.instances[name], **fields))

    def toggle_work(self, instance_id: str, kind: str) -> None:
        """Put work of other people on an instance or take it away; `kind` is one of WORK_KINDS.

        A sync task and a backup run; a restart waits for the window among the scheduled tasks. ValueError for another
        kind, KeyError for an unknown instance.
        """
        instance = self._instances[instance_id]
        if kind == "sync-task":
            instance = replace(instance, sync_tasks=() if instance.sync_tasks else (("orders_to_sr", "incremental"),))
        elif kind == "backup":
            others = tuple(action for action in instance.actions if action.action != BACKUP_ACTION)
            backup = Action(str(uuid4()), BACKUP_ACTION, instance.id, str(uuid4()), "Running", self.clock())
            instance = replace(instance, actions=others if others != instance.actions else (*others, backup))
        elif kind == "restart":
            restarts = self.pending_restarts(instance)
            for task in restarts:
                del self.foreign_tasks[task.id]
            if not restarts:
                self.add_foreign_task(RESTART_TASK, instance, "Pending", scheduled=True, created_at=self.clock())
        else:
            raise ValueError(f"work is one of {', '.join(WORK_KINDS)}, not {kind!r}")
        self._put(instance)

    def pending_restarts(self, instance: Instance) -> list[ForeignTask]:
        """Return the restarts by other people that wait for the window of an instance."""
        tasks = self.foreign_tasks.values()
        return [t for t in tasks if (t.instance_id, t.name, t.status) == (instance.id, RESTART_TASK, "Pending")]

    def remove_instance(self, instance_id: str) -> None:
        """Remove an instance."""
        del self._instances[instance_id]
        self.note_change()

    def running_actions(self, instance: Instance) -> tuple[Action, ...]:
        """Return what runs on an instance; a job that waits for its window does not yet run."""
        job = self.open_job(instance)
        if job is None or self.job_state(job.id).waiting:
            return instance.actions
        started_at = max(job.created_at, self.job_clock.time_at(job.starts_at, self.clock()) or job.created_at)
        upgrade = Action(make_id(job.id, ""), "UPGRADING", instance.id, job.id, "Running", started_at)
        return (*instance.actions, upgrade)

    # Jobs

    @property
    def jobs(self) -> list[Job]:
        """All jobs, the oldest first."""
        self._store_ended_jobs()
        return list(self._jobs.values())

    def find_job(self, job_id: str) -> Job | None:
        """Find a job by its id."""
        self._store_ended_jobs()
        return self._jobs.get(job_id)

    def open_job(self, instance: Instance) -> Job | None:
        """Return the job of an instance that runs or waits for its window."""
        self._store_ended_jobs()
        job_id = self._open_jobs.get(instance.id)
        return None if job_id is None else self._jobs[job_id]

    def job_state(self, job_id: str) -> JobState:
        """Return the state of a job; KeyError for an unknown one."""
        return self._jobs[job_id].state(self.job_clock.read(self.clock()))

    def start_job(self, instance: Instance, *, delay: bool, plan: JobPlan) -> Job:
        """Accept the upgrade of an instance; a delayed one waits for the maintenance window."""
        now = self.clock()
        job = Job(
            id=str(uuid4()),
            instance_id=instance.id,
            instance_name=instance.name,
            parent_id=instance.parent_id,
            created_at=now,
            delayed=delay,
            starts_at=self.job_clock.read(now) + (WINDOW_WAIT if delay else 0.0),
            plan=plan,
            opens_at=next_time_of_day(instance.window_start, now) if delay and self.windows_by_calendar else None,
        )
        self._jobs[job.id] = job
        self._open_jobs[instance.id] = job.id
        self.note_change()
        return job

    def set_speed(self, speed: str) -> None:
        """Set how long jobs take from now on, one of SPEEDS."""
        self._store_ended_jobs()
        self.job_clock = self.job_clock.with_speed(speed, self.clock())
        self.note_change()

    def set_progress(self, job_id: str, percent: int) -> None:
        """Let a job be at this percentage now."""
        job = self._unfinished_job(job_id)
        self._jobs[job_id] = replace(
            job, starts_at=start_for_percent(percent, self.job_clock.read(self.clock())), opens_at=None
        )
        self.note_change()

    def finish(self, job_id: str, status: str = "Completed", fail_reason: str = "") -> None:
        """End a job now."""
        if status not in FINAL_STATUSES:
            raise ValueError(f"a job ends as one of {', '.join(FINAL_STATUSES)}, not {status!r}")
        self._end_job(self._unfinished_job(job_id), status, self.clock(), fail_reason)
        self.note_change()

    def window_opens_at(self, job: Job) -> float:
        """Return when the window of a delayed job opens (or did): by the speed, while paused by the calendar."""
        if job.opens_at is not None:
            return job.opens_at
        by_speed = self.job_clock.time_at(job.starts_at, self.clock())
        instance = self._instances.get(job.instance_id)
        if by_speed is not None or instance is None:
            return job.created_at if by_speed is None else by_speed
        return next_time_of_day(instance.window_start, self.clock())

    def open_window(self, name_or_id: str) -> None:
        """Open the maintenance window of an instance now, so that its delayed job starts."""
        instance = self.find_instance(name_or_id) or self.instances[name_or_id]
        job = self.open_job(instance)
        if job is None or not self.job_state(job.id).waiting:
            raise ValueError(f"no upgrade of {instance.name} waits for its window")
        self._start_at(job, self.clock())
        self.note_change()

    def _start_at(self, job: Job, opened_at: float) -> Job:
        """Let the job of a window that opened at this time start then."""
        started = replace(job, starts_at=self.job_clock.read(opened_at), opens_at=None)
        self._jobs[job.id] = started
        return started

    def _put(self, instance: Instance) -> Instance:
        self._instances[instance.id] = instance
        self.note_change()
        return instance

    def _unfinished_job(self, job_id: str) -> Job:
        job = self.find_job(job_id)
        if job is None or job.final_status:
            raise ValueError(f"no job {job_id} that has not ended")
        return job

    def _store_ended_jobs(self) -> None:
        """Store the end of the jobs that have ended by the clock, and upgrade their instances."""
        now = self.clock()
        reading = self.job_clock.read(now)
        for job in [self._jobs[job_id] for job_id in self._open_jobs.values()]:
            if job.opens_at is not None and job.opens_at <= now:
                job = self._start_at(job, job.opens_at)
            state = job.state(reading)
            if state.ended:
                ended_at = self.job_clock.time_at(job.starts_at + job.planned_duration, now)
                self._end_job(job, state.status, now if ended_at is None else min(now, ended_at), job.plan.fail_reason)

    def _end_job(self, job: Job, status: str, ended_at: float, fail_reason: str) -> None:
        self._jobs[job.id] = replace(
            job,
            final_status=status,
            ended_at=max(ended_at, job.created_at),
            fail_reason=fail_reason if status == "Failed" else "",
        )
        del self._open_jobs[job.instance_id]
        if status == "Completed" and (instance := self._instances.get(job.instance_id)):
            self._instances[instance.id] = replace(
                instance,
                version=instance.version if job.plan.keeps_version else instance.latest_version,
                status="abnormal" if job.plan.abnormal_nodes else instance.status,
                abnormal_nodes=job.plan.abnormal_nodes,
            )
