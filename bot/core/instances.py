"""A StarRocks instance as far as the cloud described it: its name, what a card says of it, preflight warnings."""

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeAlias

from bot.core.messages import Code, Listing, Message, Term, Time, Vocabulary
from bot.core.tokenizer import DASHES, Word, read_words

DAY = timedelta(days=1)
NORMAL_STATUSES = {"", "normal"}  # "" when the cloud did not say
MAX_NEAREST = 3
NAME_SIMILARITY = 0.6  # difflib ratio from which on a name may be a misspelling of another
ID_SIMILARITY = 0.8  # ids are random: two of them share more than half by chance
# Characters of a value that a message shows, whatever the cloud writes there.
MAX_NAME = 64  # the cloud's own limit
MAX_VERSION = 32
MAX_STATUS = 32
MAX_ACTIONS = 5
ID_HEAD, ID_TAIL = 8, 4  # characters of an id that stand for a name that is not known


MAX_SYNC_TASKS = 5
RUNNING_SYNC_STAGES = {"full", "incremental"}  # the others: wait, paused, cancelled


@dataclass(frozen=True, slots=True)
class SyncTask:
    """A data-sync task of an instance: its stages are wait, full, incremental, paused or cancelled.

    GET …/instances/{in17}/starrocks/databases/replication
    """

    name: str
    stage: str
    catchup_stage: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it copies data now."""
        return self.present_stage.lower() in RUNNING_SYNC_STAGES

    @property
    def present_stage(self) -> str:
        """The stage that copies data, if one of the two does."""
        stages = (self.stage, self.catchup_stage)
        return next((stage for stage in stages if stage.lower() in RUNNING_SYNC_STAGES), self.stage)


@dataclass(frozen=True, slots=True)
class Instance:
    """A StarRocks instance as the API describes it; what it does not say is empty or None.

    `status` is normal, abnormal, creating or createfail; `running_actions` names the operations in progress on it and
    on its nodes; the times of the maintenance window are `HH:MM` in UTC. An entry of the list (`is_detailed` is false)
    lacks the window, `upgrade_available` and the state of the nodes. `project` is `region:project_id` when the bot has
    several projects, else empty.

    GET …/instances/{in07}/starrocks/{in17} and GET …/instances/{in07}/htap
    """

    id: str
    name: str = ""
    parent_id: str = ""
    status: str = ""
    version: str = ""
    upgrade_available: bool | None = None
    node_count: int | None = None
    normal_node_count: int | None = None
    window_start: str = ""
    window_end: str = ""
    running_actions: tuple[str, ...] | None = None
    is_detailed: bool = True
    project: str = ""
    sync_tasks: tuple[SyncTask, ...] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an operation is in progress; the API has no status for it."""
        return bool(self.running_actions)

    @property
    def is_normal(self) -> bool:
        """Whether an upgrade can be requested in this status."""
        return self.status.lower() in NORMAL_STATUSES

    @property
    def is_upgradable(self) -> bool:
        """Whether the cloud can be expected to accept an upgrade now."""
        return bool(self.upgrade_available) and not self.is_busy and self.is_normal

    @property
    def is_whole(self) -> bool:
        """Whether the cloud says that the instance and every node are normal.

        What the cloud does not say is no proof; an answer without nodes says nothing against them.
        """
        return bool(self.status) and self.is_normal and self.normal_node_count == self.node_count

    @property
    def is_back(self) -> bool:
        """Whether the cloud says that nothing is left of an upgrade: whole, and idle."""
        return self.is_whole and self.running_actions == ()

    def with_nodes_of(self, before: "Instance | None") -> "Instance":
        """The instance with the nodes that it had before and that the cloud does not list any more: not normal."""
        if self.node_count is None or before is None or before.node_count is None:
            return self
        return replace(self, node_count=max(self.node_count, before.node_count))

    def next_window(self, now: float) -> float | None:
        """When the maintenance window opens next (UNIX seconds), None when it is not known."""
        opens_at = _time_today(self.window_start, now)
        if opens_at is None:
            return None
        return (opens_at if opens_at.timestamp() > now else opens_at + DAY).timestamp()

    def delayed_start(self, confirmed_at: float) -> float | None:
        """When a delayed upgrade confirmed at this time starts; None when that is not known, or the window is open."""
        return None if self.is_window_open(confirmed_at) else self.next_window(confirmed_at)

    def window_end_after(self, at: float) -> float | None:
        """When the window that opens at `at` closes (UNIX seconds), None when it is not known."""
        closes_at = _time_today(self.window_end, at)
        if closes_at is None:
            return None
        return (closes_at if closes_at.timestamp() > at else closes_at + DAY).timestamp()

    def is_window_open(self, now: float) -> bool:
        """Whether the maintenance window is open at this time; it may reach over midnight."""
        start, end = _time_today(self.window_start, now), _time_today(self.window_end, now)
        if start is None or end is None:
            return False
        at = datetime.fromtimestamp(now, UTC)
        return start <= at < end if start < end else not end <= at < start

    def to_json(self) -> str:
        """The instance as text, for `Upgrade.instance_snapshot`."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Instance | None":
        """Read that text; None when it is none (another version wrote it, or the cloud described nothing)."""
        try:
            fields = json.loads(text)
            known = {name: fields[name] for name in cls.__slots__ if name in fields}
            actions, tasks = known.get("running_actions"), known.get("sync_tasks")
            known["running_actions"] = None if actions is None else tuple(actions)
            known["sync_tasks"] = None if tasks is None else tuple(SyncTask(**task) for task in tasks)
            return cls(**known)
        except (ValueError, TypeError, AttributeError):
            return None


@dataclass(frozen=True, slots=True)
class InstanceList:
    """The StarRocks instances of the project, or of all, as far as they are known.

    `is_complete`: the cloud has listed them all lately. `is_settled`: nothing more is being read. `unread_projects`: of
    several projects, those that have not been listed whole lately.
    """

    instances: tuple[Instance, ...] = ()
    is_complete: bool = False
    is_settled: bool = False
    unread_projects: tuple[str, ...] = ()

    def find(self, instance_id: str) -> Instance | None:
        """The instance with this id, if it is known."""
        return next((instance for instance in self.instances if instance.id == instance_id), None)


def region_of(project: str) -> str:
    """The region of a `region:project_id`; empty for an empty one."""
    return project.partition(":")[0]


def upgradable_first(instances: Iterable[Instance]) -> list[Instance]:
    """The order of the list: by project; in each those that can be upgraded, then by name."""

    def key(instance: Instance) -> tuple[str, bool, str, str]:
        return instance.project, not instance.is_upgradable, instance.name.lower(), instance.id

    return sorted(instances, key=key)


def _time_today(time: str, now: float) -> datetime | None:
    """A time of day (`02:00`, UTC) on the day of `now`; None when it cannot be read."""
    try:
        hour, minute = (int(part) for part in time.split(":")[:2])
        return datetime.fromtimestamp(now, UTC).replace(hour=hour, minute=minute, second=0, microsecond=0)
    except ValueError:
        return None


# names

InstancesByName: TypeAlias = Mapping[str, tuple[Instance, ...]]
_ONE_DASH = dict.fromkeys(map(ord, DASHES), "-")


def by_name(instances: Iterable[Instance]) -> InstancesByName:
    """The instances by the name that can be typed, without case and kinds of dashes; several may have the same."""
    index: dict[str, tuple[Instance, ...]] = {}
    for instance in instances:
        key = _typed_key(instance.name)
        if key:
            index[key] = (*index.get(key, ()), instance)
    return index


@lru_cache(maxsize=8192)  # every command reads all names
def _typed_key(name: str) -> str:
    """The key of a name that can be typed as one word; empty for others."""
    words = read_words(name)
    return name_key(words[0].text) if len(words) == 1 else ""


def find_by_name(word: Word, names: InstancesByName) -> tuple[Instance, ...]:
    """The instances with this name: none, one or several; of several, the one that is written alike."""
    instances = names.get(name_key(word.text), ())
    same = tuple(instance for instance in instances if instance.name == word.typed)
    return same if len(same) == 1 else instances


def nearest(typed: str, instances: Sequence[Instance]) -> list[Instance]:
    """The instances whose name or id contains what was typed or is similar to it, the most similar first."""
    text = name_key(typed)
    if len(text) < 3:
        return []
    names: dict[str, list[Instance]] = {}
    for instance in instances:
        names.setdefault(name_key(instance.name), []).append(instance)
    ids = {instance.id: instance for instance in instances}
    candidates = [
        instance for name in get_close_matches(text, names, MAX_NEAREST, NAME_SIMILARITY) for instance in names[name]
    ]
    candidates += [ids[id] for id in get_close_matches(text, ids, MAX_NEAREST, ID_SIMILARITY)]
    candidates += [instance for instance in instances if text in name_key(instance.name) or text in instance.id]
    return list(dict.fromkeys(candidates))[:MAX_NEAREST]


def name_key(name: str) -> str:
    """A name as it is compared: without case, in half-width letters, with one kind of dash."""
    return unicodedata.normalize("NFKC", name).casefold().translate(_ONE_DASH)


# messages about an instance


def instance_label(instance: Instance) -> Message:
    """The name, as far as there is one, the id, and of several projects the region."""
    name, code = _clipped(instance.name, MAX_NAME), Code(instance.id)
    label = Message("named_instance", name=name, instance=code) if name else Message("unnamed_instance", instance=code)
    return (
        Message("instance_in_region", instance=label, region=region_of(instance.project)) if instance.project else label
    )


def instance_choices(instances: Iterable[Instance]) -> tuple[Message, ...]:
    """Instances to choose from, one a line."""
    return tuple(Message("instance_choice", instance=instance_label(instance)) for instance in instances)


def display_name(instance_id: str, snapshot: str) -> str:
    """What messages call an instance: the name in the snapshot, else the beginning and the end of its id."""
    instance = Instance.from_json(snapshot)
    name = _clipped(instance.name, MAX_NAME) if instance else ""
    return name or f"{instance_id[:ID_HEAD]}…{instance_id[-ID_TAIL:]}"


def version_message(instance: Instance) -> Message | None:
    """The version, and whether there is a newer one as far as that is known."""
    version = _clipped(instance.version, MAX_VERSION)
    if not version and instance.upgrade_available is None:
        return None
    version = version or "?"
    if instance.upgrade_available is None:
        return Message("version", version=version)
    if instance.upgrade_available:
        return Message("version_upgradable", version=version)
    return Message("version_latest", version=version)


def status_term(instance: Instance) -> Term:
    """The status; an undocumented one as the API writes it."""
    return Term(Vocabulary.INSTANCE_STATUS, _clipped(instance.status, MAX_STATUS))


def actions_listing(instance: Instance) -> Listing:
    """The operations in progress, as many as a message shows."""
    actions = dict.fromkeys(_clipped(action, MAX_STATUS) for action in instance.running_actions or ())
    return Listing(tuple(Term(Vocabulary.INSTANCE_ACTION, action) for action in list(actions)[:MAX_ACTIONS]))


def version_field(instance: Instance) -> Message | None:
    """The version and where the upgrade leads; None when nothing is known."""
    version = _clipped(instance.version, MAX_VERSION) or "?"
    match instance.upgrade_available:
        case True:
            return Message("version_newest", version=version)
        case False:
            return Message("version_is_latest", version=version)
        case None:
            return Message("version_only", version=version) if instance.version.strip() else None


def state_field(instance: Instance, *, has_nodes: bool = True) -> Message | None:
    """The status, how many nodes there are, and what is in progress; None when the status is not known."""
    if not instance.status.strip():
        return None
    status, nodes = status_term(instance), instance.node_count if has_nodes else None
    idle = (
        Message("state_idle", status=status)
        if nodes is None
        else Message("state_idle_nodes", status=status, nodes=nodes)
    )
    return Message("state_busy", state=idle, actions=actions_listing(instance)) if instance.is_busy else idle


def sync_tasks_field(instance: Instance | None) -> Message:
    """The data-sync tasks by name and stage, or that they could not be read."""
    if instance is None or instance.sync_tasks is None:
        return Message("sync_tasks_unchecked")
    if not instance.sync_tasks:
        return Message("sync_tasks_none")
    return Message("sync_tasks", tasks=_sync_task_lines(instance.sync_tasks))


def _sync_task_lines(tasks: Sequence[SyncTask]) -> tuple[Message, ...]:
    """One line a task, those that run first, as many as a message shows."""
    ordered = sorted(tasks, key=lambda task: not task.is_running)
    lines = [
        Message(
            "sync_task",
            name=_clipped(task.name, MAX_NAME) or "?",
            stage=Term(Vocabulary.SYNC_STAGE, _clipped(task.present_stage, MAX_STATUS) or "?"),
        )
        for task in ordered[:MAX_SYNC_TASKS]
    ]
    more = len(tasks) - MAX_SYNC_TASKS
    return (*lines, *([Message("sync_tasks_more", count=more)] if more > 0 else []))


def nodes_message(instance: Instance) -> Message | None:
    """How many of its nodes are normal; None when the cloud does not list them."""
    if not instance.node_count or instance.normal_node_count is None:
        return None
    return Message("nodes_normal", normal=instance.normal_node_count, nodes=instance.node_count)


def version_text(instance: Instance | None) -> str:
    """The kernel version, empty when it is not known."""
    return _clipped(instance.version, MAX_VERSION) if instance else ""


def window_field(instance: Instance, now: float) -> Message | None:
    """The maintenance window as moments; None when it is not known."""
    opens_at = instance.next_window(now)
    if opens_at is None:
        return None
    start, end = Time(opens_at, is_clock=True), instance.window_end_after(opens_at)
    closes: Time | str = "?" if end is None else Time(end, is_clock=True)
    if instance.is_window_open(now):
        return Message("window_open", start=start, end=closes)
    return Message("window_next", start=start, end=closes, at=Time(opens_at))


def _clipped(value: str, limit: int) -> str:
    """A value of the cloud without surrounding blanks, cut to so many characters."""
    value = value.strip()
    return value if len(value) <= limit else f"{value[:limit]}…"


# preflight


class PreflightWarning(Message):
    """Told privately instead of posting the request; the person may request the upgrade all the same."""

    __slots__ = ()


def preflight_warning(instance: Instance) -> PreflightWarning | None:
    """The first thing known of the instance that speaks against an upgrade now."""
    if not instance.is_normal:
        return PreflightWarning("not_normal", instance=instance_label(instance), status=status_term(instance))
    if instance.is_busy:
        return PreflightWarning("instance_busy", instance=instance_label(instance), actions=actions_listing(instance))
    if instance.upgrade_available is False:
        version = _clipped(instance.version, MAX_VERSION) or "?"
        return PreflightWarning("already_latest", instance=instance_label(instance), version=version)
    running = [task for task in instance.sync_tasks or () if task.is_running]
    if running:
        tasks = _sync_task_lines(running)
        return PreflightWarning("sync_tasks_running", instance=instance_label(instance), tasks=tasks)
    return None


def not_in_any_project(instance_id: str, instances: InstanceList) -> PreflightWarning:
    """None of several projects is known to have the instance, so that nobody knows where to send the request."""
    if not instances.unread_projects:
        return PreflightWarning("not_in_any_project", instance=Code(instance_id))
    unread = project_choices(instances.unread_projects)
    return PreflightWarning("not_in_projects_read", instance=Code(instance_id), unread=unread)


def project_choices(projects: Iterable[str]) -> tuple[Message, ...]:
    """Projects, one a line."""
    return tuple(Message("project_choice", project=project_message(project)) for project in projects)


def project_message(project: str) -> Message:
    """A project by its region and id, where projects are told apart."""
    region, _, project_id = project.partition(":")
    return Message("project_by_id", region=region, project=Code(project_id))


def not_in_project(instance_id: str, near: Sequence[Instance]) -> PreflightWarning:
    """The project has no such instance; `near` are those that may have been meant."""
    if near:
        return PreflightWarning("not_in_project_near", instance=Code(instance_id), near=instance_choices(near))
    return PreflightWarning("not_in_project", instance=Code(instance_id))
