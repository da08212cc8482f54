"""The instances of the stand-in: StarRocks instances and the TaurusDB instances that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

OLD, NEWEST = "3.1.15", "3.1.18"


def hex_id(name: str, suffix: str) -> str:
    """Give 32 hex digits that always belong to this name, and a suffix (`in17`, `in07`, `no17`)."""
    return uuid5(NAMESPACE_URL, f"{suffix}/{name}").hex + suffix


@dataclass(frozen=True, slots=True)
class Action:
    """Something that runs on an instance: while there is one, the instance is busy."""

    id: str
    action: str
    object_id: str
    job_id: str
    status: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Instance:
    """A StarRocks instance; `id` ends in `in17`, `parent_id` (its TaurusDB instance) in `in07`."""

    name: str
    id: str
    parent_id: str
    parent_name: str
    version: str = OLD
    newest: str = NEWEST
    status: str = "normal"
    window_start: str = "02:00"
    window_end: str = "06:00"
    be_nodes: int = 2
    actions: tuple[Action, ...] = ()

    @property
    def newer(self) -> bool:
        """Whether there is a newer minor version to upgrade to."""
        return self.version != self.newest

    @property
    def nodes(self) -> tuple[tuple[str, str, str], ...]:
        """Its nodes as (id, name, role)."""
        names = [("fe-1", "fe")] + [(f"be-{number}", "be") for number in range(1, self.be_nodes + 1)]
        return tuple((hex_id(f"{self.id}/{name}", "no17"), f"{self.name}-{name}", role) for name, role in names)


def make_instance(
    name: str,
    *,
    parent: str = "taurus-shop",
    version: str = OLD,
    newest: str = NEWEST,
    status: str = "normal",
    window: tuple[str, str] = ("02:00", "06:00"),
    actions: tuple[Action, ...] = (),
    id: str = "",
) -> Instance:
    """Make an instance whose ids follow from its name and its parent's."""
    return Instance(
        name=name,
        id=id or hex_id(name, "in17"),
        parent_id=hex_id(parent, "in07"),
        parent_name=parent,
        version=version,
        newest=newest,
        status=status,
        window_start=window[0],
        window_end=window[1],
        actions=actions,
    )


def ready_instances(now: float) -> tuple[Instance, ...]:
    """Make the instances that are there from the start, one for each way an upgrade can go."""
    billing = hex_id("sr-billing", "in17")
    restart = Action(
        id=str(uuid5(NAMESPACE_URL, "action/sr-billing")),
        action="RESTARTING",
        object_id=billing,
        job_id=str(uuid5(NAMESPACE_URL, "job/sr-billing")),
        status="Running",
        created_at=now - 300,
    )
    return (
        make_instance("sr-orders"),
        make_instance("sr-reports", version=NEWEST, window=("01:00", "05:00")),
        make_instance("sr-billing", actions=(restart,), window=("03:00", "07:00")),
        make_instance("sr-archive", status="abnormal", parent="taurus-history"),
        make_instance("sr-metrics", parent="taurus-history", window=("22:00", "02:00")),
        make_instance("订单分析", parent="taurus-history"),
    )
