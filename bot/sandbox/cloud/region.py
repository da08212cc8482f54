"""What the stand-in cloud holds: instances and jobs, and what an accepted upgrade does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from uuid import uuid4

from bot.sandbox.cloud.instances import Action, Instance, hex_id, make_instance, ready_instances
from bot.sandbox.cloud.jobs import ENDS, WINDOW_WAIT, Job, Pace, Standing, begins_for, next_time


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to become of the next job, when it is not to end well."""

    ends: str = "Completed"
    at_percent: int = 100
    reason: str = ""
    visible_after: float = 0.0


class Region:
    """The instances and jobs of one project."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.pace = Pace(since=clock())
        self._instances = {instance.id: instance for instance in ready_instances(clock())}
        self._jobs: dict[str, Job] = {}
        self._live: dict[str, str] = {}  # instance id -> id of the job that has not ended

    @property
    def reading(self) -> float:
        """The pace's reading now."""
        return self.pace.reading(self.clock())

    def instances(self) -> list[Instance]:
        """All instances as they are now."""
        self.settle(list(self._live.values()))
        return list(self._instances.values())

    def instance(self, instance_id: str) -> Instance | None:
        """Find one instance as it is now."""
        if instance_id in self._live:
            self.settle([self._live[instance_id]])
        return self._instances.get(instance_id)

    def put(self, instance: Instance) -> Instance:
        """Add an instance, or change it."""
        self._instances[instance.id] = instance
        return instance

    def fill(self, count: int) -> list[Instance]:
        """Add many instances, fifty to a TaurusDB instance."""
        first = len(self._instances)
        names = range(first, first + count)
        return [self.put(make_instance(f"sr-{n:05}", parent=f"taurus-{n // 50:04}")) for n in names]

    def jobs(self) -> list[Job]:
        """All jobs as they are now, oldest first."""
        self.settle(list(self._live.values()))
        return list(self._jobs.values())

    def live_jobs(self) -> list[Job]:
        """The jobs that have not ended."""
        self.settle(list(self._live.values()))
        return [self._jobs[job_id] for job_id in self._live.values()]

    def job(self, job_id: str) -> Job | None:
        """Find one job as it is now."""
        self.settle([job_id])
        return self._jobs.get(job_id)

    def standing(self, job: Job) -> Standing:
        """Where a job stands now."""
        return job.standing(self.reading)

    def live_job(self, instance: Instance) -> Job | None:
        """The job that holds this instance: one that runs, or waits for its window."""
        job = self.job(self._live.get(instance.id, ""))
        return None if job is None or job.ended else job

    def actions(self, instance: Instance) -> tuple[Action, ...]:
        """What runs on the instance now; a job that waits for its window is not there yet."""
        job = self.live_job(instance)
        if job is None or self.standing(job).waiting:
            return instance.actions
        began = max(job.created_at, self.pace.time_of(job.begins, self.clock()) or job.created_at)
        upgrade = Action(hex_id(job.id, ""), "UPGRADING", instance.id, job.id, "Running", began)
        return (*instance.actions, upgrade)

    def accept(self, instance: Instance, delay: bool, fate: Fate) -> Job:
        """Take an upgrade: from now on a job holds the instance."""
        now = self.clock()
        job = Job(
            id=str(uuid4()),
            instance_id=instance.id,
            instance_name=instance.name,
            parent_id=instance.parent_id,
            created_at=now,
            delayed=delay,
            begins=self.reading + (WINDOW_WAIT if delay else 0.0),
            visible_from=now + fate.visible_after,
            will_end=fate.ends,
            will_end_at_percent=fate.at_percent,
            fail_reason=fate.reason,
        )
        self._jobs[job.id] = job
        self._live[instance.id] = job.id
        return job

    def opens_at(self, job: Job) -> float:
        """When the window of a delayed job opens (or did): by the speed, or by the calendar while time is paused."""
        by_speed = self.pace.time_of(job.begins, self.clock())
        instance = self._instances.get(job.instance_id)
        if by_speed is not None or instance is None:
            return job.created_at if by_speed is None else by_speed
        return next_time(instance.window_start, self.clock())

    def set_speed(self, speed: str) -> None:
        """Change how fast jobs go from now on."""
        self.settle(list(self._live.values()))
        self.pace = self.pace.changed(speed, self.clock())

    def open_window(self, instance: Instance) -> None:
        """Open the maintenance window: a job that waits for it begins."""
        job = self.live_job(instance)
        if job is None or not self.standing(job).waiting:
            raise ValueError(f"no upgrade of {instance.name} waits for its window")
        self._jobs[job.id] = replace(job, begins=self.reading)

    def set_progress(self, job_id: str, percent: int) -> None:
        """Put a job at this percentage, whatever it did before."""
        job = self._running(job_id)
        self._jobs[job_id] = replace(job, begins=begins_for(percent, self.reading))

    def finish(self, job_id: str, status: str, fail_reason: str = "") -> None:
        """End a job now."""
        if status not in ENDS:
            raise ValueError(f"a job ends as one of {', '.join(ENDS)}, not {status!r}")
        self._end(self._running(job_id), status, self.clock(), fail_reason)

    def settle(self, job_ids: Iterable[str]) -> None:
        """Write down those of these jobs that have come to their end."""
        now, reading = self.clock(), self.reading
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            if job is None or job.ended or not (standing := job.standing(reading)).ended:
                continue
            ended_at = self.pace.time_of(job.begins + job.end_of_work, now)
            self._end(job, standing.status, now if ended_at is None else min(now, ended_at), job.fail_reason)

    def _running(self, job_id: str) -> Job:
        job = self.job(job_id)
        if job is None or job.ended:
            raise ValueError(f"no job {job_id} that has not ended")
        return job

    def _end(self, job: Job, status: str, at: float, fail_reason: str) -> None:
        self._jobs[job.id] = replace(job, ended=status, ended_at=max(at, job.created_at), fail_reason=fail_reason)
        if self._live.get(job.instance_id) == job.id:
            del self._live[job.instance_id]
        if status == "Completed" and (instance := self._instances.get(job.instance_id)):
            self._instances[instance.id] = replace(instance, version=instance.newest)
