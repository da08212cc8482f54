"""What a test or the page can see of the stand-in cloud, and do to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from bot.sandbox.cloud.instances import Instance, make_instance
from bot.sandbox.cloud.jobs import Job, Standing
from bot.sandbox.cloud.journal import Call, Journal, UpgradeCall
from bot.sandbox.cloud.mishaps import Mishap, Mishaps
from bot.sandbox.cloud.picture import snapshot
from bot.sandbox.cloud.reception import Reception
from bot.sandbox.cloud.region import Region

T = TypeVar("T")


class Controls:
    """The instances and jobs, the mishaps, and the record of what arrived."""

    def __init__(self, region: Region, mishaps: Mishaps, journal: Journal, reception: Reception) -> None:
        self.region = region
        self._mishaps = mishaps
        self._journal = journal
        self._reception = reception

    @property
    def instances(self) -> dict[str, Instance]:
        """The instances as they are now, by name."""
        return {instance.name: instance for instance in self.region.instances()}

    def add_instance(self, name: str, **fields: Any) -> Instance:
        """Add an instance; the fields are those of `make_instance`."""
        return self._tell(self.region.put(make_instance(name, **fields)))

    def add_instances(self, count: int) -> list[Instance]:
        """Add many instances that can be upgraded."""
        return self._tell(self.region.fill(count))

    def change_instance(self, name: str, **fields: Any) -> Instance:
        """Replace fields of an instance (version, newest, status, actions, …)."""
        return self._tell(self.region.put(replace(self.instances[name], **fields)))

    @property
    def jobs(self) -> list[Job]:
        """Every job, oldest first."""
        return self.region.jobs()

    def standing(self, job_id: str) -> Standing:
        """Where a job stands now; KeyError when there is none."""
        job = self.region.job(job_id)
        if job is None:
            raise KeyError(job_id)
        return self.region.standing(job)

    def set_speed(self, speed: str) -> None:
        """Let jobs take `seconds`, a `minute`, `hours`, or stand still (`paused`)."""
        self.region.set_speed(speed)
        self._journal.changed()

    def open_window(self, instance: Instance | str) -> None:
        """Open the maintenance window of an instance (or of its name or id): a delayed upgrade begins."""
        one = instance if isinstance(instance, Instance) else self.region.instance(instance) or self.instances[instance]
        self.region.open_window(one)
        self._journal.changed()

    def finish(self, job_id: str, status: str = "Completed", fail_reason: str = "") -> None:
        """End a job as Completed, Failed, Canceled or Unauthorized."""
        self.region.finish(job_id, status, fail_reason)
        self._journal.changed()

    def progress(self, job_id: str, percent: int) -> None:
        """Put a job at this percentage."""
        self.region.set_progress(job_id, percent)
        self._journal.changed()

    def list_jobs_under_parent(self, yes: bool = True) -> None:
        """Let immediate tasks carry the TaurusDB instance's id instead of the StarRocks one's."""
        self._reception.lists_jobs_under_parent = yes

    def choose_mishap(
        self, name: str, operation: str = "upgrade", times: int = 1, seconds: float | None = None
    ) -> Mishap:
        """Let a mishap strike the next calls of an operation; `seconds`: slow, late job (5), Retry-After (1)."""
        return self._tell(self._mishaps.choose(name, operation, times, seconds))

    @property
    def chosen_mishaps(self) -> tuple[Mishap, ...]:
        """What will still strike, at most one for an operation."""
        return self._mishaps.chosen

    def heal(self) -> None:
        """Let nothing go wrong any more."""
        self._mishaps.heal()
        self._journal.changed()

    @property
    def upgrades(self) -> list[UpgradeCall]:
        """Every POST that arrived at the upgrade path."""
        return self._journal.upgrades

    @property
    def calls(self) -> list[Call]:
        """The requests that arrived."""
        return self._journal.calls

    @property
    def most_in_flight(self) -> int:
        """The most requests that were here at one time."""
        return self._journal.most_in_flight

    @property
    def in_flight(self) -> int:
        """The requests that are here now."""
        return self._journal.in_flight

    async def until(self, condition: Callable[[], T], timeout: float = 10.0) -> T:
        """Wait until the condition holds; AssertionError with the last calls when it does not in time."""
        return await self._journal.until(condition, timeout)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call the listener after each change; what comes back ends it."""
        return self._journal.on_change(listener)

    def snapshot(self) -> dict[str, Any]:
        """Tell everything the page shows, ready for JSON."""
        return snapshot(self.region, self._journal, self._mishaps)

    def _tell(self, done: T) -> T:
        self._journal.changed()
        return done
