"""The StarRocks instances of the project: found through their TaurusDB instances, cached for five minutes.

The API lists TaurusDB instances (`…in07`), then the StarRocks instances (`…in17`) of each, then the details of one.
Without the permission, or with a slow cloud, the inventory is empty, and an upgrade can still be requested.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from bot.core.errors import CloudError, Rejected
from bot.core.instances import Instance, InstanceList, SyncTask
from bot.core.messages import Language
from bot.taurusdb.http import ProjectApi, SignInPaused, SingleFlight
from bot.taurusdb.responses import MAX_NAME, ApiResponse, JsonObject, as_bool, as_objects, as_text

PAGE_SIZE = 100
MAX_PAGES = 50
CACHE_SECONDS = 300.0
REFRESH_SECONDS = 240.0  # before the cache expires
REFRESH_SECONDS_PER_INSTANCE = 0.5  # a large project is read less often: two requests a second on average
RETRY_SECONDS = 30.0
RESCAN_SECONDS = 60.0
RESCAN_AFTER_ERROR_SECONDS = 10.0
REST_FACTOR = 10.0  # after a scan nobody has another one made for so many times as long as it took
MAX_REST_WAIT_SECONDS = 1.0
MAX_ACTIONS = 8
SYNC_TASKS_SECONDS = 1.0  # the rest of an instance's details does not wait longer for them
MAX_SYNC_TASK_PAGES = 10
STARROCKS_ENGINE = "starrocks"  # `star-rocks` in the API
DENIED_STATUSES = {401, 403}
LISTED_STATUSES = {200, 400, 404}  # most TaurusDB instances have no StarRocks and answer an (undocumented) error
GATEWAY_CODES = ("APIGW.", "APIG.")  # an error of theirs says nothing of the instance: a wrong endpoint, for one
UNLISTED_STATUS = 403  # as which it counts: trying again soon shows no more

log = logging.getLogger("bot.taurusdb")


# instances in the API's JSON


def instance_from_details(row: JsonObject, parent_id: str) -> Instance:
    """An entry of `GET …/instances/{in07}/starrocks/{in17}`; what cannot be read is empty or None."""
    window = row.get("ops_window")
    times = window if isinstance(window, dict) else {}
    actions, nodes = actions_of(row), _nodes(row)
    return Instance(
        id=as_text(row.get("id")),
        name=as_text(row.get("name"), MAX_NAME),
        parent_id=parent_id,
        status=as_text(row.get("status")),
        version=as_text(row.get("data_store_version")),
        upgrade_available=as_bool(row.get("new_version_available")),
        node_count=len(nodes) if isinstance(row.get("groups"), list) else None,
        normal_node_count=sum(map(_is_normal_node, nodes)) if isinstance(row.get("groups"), list) else None,
        window_start=as_text(times.get("start_time")),
        window_end=as_text(times.get("end_time")),
        running_actions=None if actions is None else _action_names(map(_action_name, actions)),
    )


def instance_from_list(row: JsonObject, parent_id: str) -> Instance:
    """An entry of `GET …/instances/{in07}/htap`: what is known before the details are."""
    state, actions, nodes = row.get("instance_state"), row.get("current_actions"), row.get("node_num")
    status = state.get("instance_status") if isinstance(state, dict) else None
    return Instance(
        id=as_text(row.get("id")),
        name=as_text(row.get("name"), MAX_NAME),
        parent_id=parent_id,
        status=as_text(status),
        version=as_text(row.get("engine_version")),
        node_count=nodes if isinstance(nodes, int) and not isinstance(nodes, bool) and nodes >= 0 else None,
        running_actions=_action_names(map(_action_name, actions)) if isinstance(actions, list) else None,
        is_detailed=False,
    )


def actions_of(row: JsonObject) -> list[object] | None:
    """The operations in progress on an instance and on its nodes, objects as a rule; None when that is not said."""
    lists = [value if isinstance(value := owner.get("actions"), list) else [] for owner in (row, *_nodes(row))]
    actions = [action for actions in lists for action in actions if action is not None]
    return actions if actions or isinstance(row.get("actions"), list) else None


def _nodes(row: JsonObject) -> list[JsonObject]:
    return [node for group in as_objects(row.get("groups")) for node in as_objects(group.get("nodes"))]


def sync_task(row: JsonObject) -> SyncTask:
    """An entry of `GET …/instances/{in17}/starrocks/databases/replication`."""
    name = as_text(row.get("task_name"), MAX_NAME) or as_text(row.get("source_database"), MAX_NAME)
    return SyncTask(name, as_text(row.get("stage")), as_text(row.get("catchup_stage")))


def _is_normal_node(node: JsonObject) -> bool:
    return as_text(node.get("status")).lower() == "normal" and not node.get("actions")


def _action_name(action: object) -> str:
    """The name of an operation: an object has it in `action`; a plain string is tolerated."""
    return as_text(action.get("action") if isinstance(action, dict) else action)


def _action_names(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once; an action without a name counts as one, too."""
    return tuple(dict.fromkeys(name or "?" for name in names))[:MAX_ACTIONS]


async def get_instance(
    api: ProjectApi, parent_id: str, instance_id: str, language: Language
) -> tuple[ApiResponse, JsonObject | None]:
    """GET the details of one instance: the response, and the instance's entry in it if there is one."""
    path = f"instances/{quote(parent_id, safe='')}/starrocks/{quote(instance_id, safe='')}"
    response = await api.get(path, {}, language)
    row = next((row for row in response.objects("instances") if row.get("id") == instance_id), None)
    return response, row


# the list


@dataclass(frozen=True, slots=True)
class ListedInstance:
    """An entry of the list, and the names of the other StarRocks instances of its TaurusDB instance."""

    instance: Instance
    sibling_names: frozenset[str]


class InstanceScanner:
    """Lists the StarRocks instances of every TaurusDB instance; how often this is repeated is limited.

    The API cannot tell to which TaurusDB instance a StarRocks instance belongs, so `find` needs such a scan, too.
    """

    def __init__(self, api: ProjectApi, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._clock = clock
        self._listed: dict[str, ListedInstance] = {}
        self._not_before = 0.0
        self._scanning = asyncio.Lock()
        self._rests_until = 0.0  # time.monotonic()
        self.scans = 0
        """How many scans have begun."""
        self.scanned_at = 0.0
        """When the last one began (UNIX seconds)."""
        self.is_complete = False
        """Whether it listed everything."""
        self.is_denied = False
        """Whether the cloud did not let it begin."""

    async def find(self, instance_id: str, language: Language) -> ListedInstance | None:
        """The entry of an instance, from an earlier scan if one listed it; None when it cannot be found."""
        if instance_id in self._listed:
            return self._listed[instance_id]
        async with self._scanning:
            if instance_id not in self._listed and self._clock() >= self._not_before:
                await self._scan(language)
        return self._listed.get(instance_id)

    async def scan(self, language: Language, *, may_rest: bool = False) -> Mapping[str, ListedInstance]:
        """The list, as a scan that begins from now on shows it; callers who wait at the same time share the scan.

        With `may_rest` the last complete one does for a while, after it took long.
        """
        earlier_scans = self.scans
        async with self._scanning:
            rest = self._rests_until - time.monotonic()
            if self.scans > earlier_scans or (may_rest and self.is_complete and rest > MAX_REST_WAIT_SECONDS):
                return dict(self._listed)
            if may_rest and rest > 0.0:
                await asyncio.sleep(min(rest, MAX_REST_WAIT_SECONDS))
            await self._scan(language)
            return dict(self._listed)

    async def _scan(self, language: Language) -> None:
        """List all, and set when `find` may do so again."""
        self._not_before = self._clock() + RESCAN_AFTER_ERROR_SECONDS  # also if this is cancelled midway
        if await self._list_all(language):
            self._not_before = self._clock() + RESCAN_SECONDS

    async def _list_all(self, language: Language) -> bool:
        """List the StarRocks instances of every TaurusDB instance; False when trying again soon may show more."""
        self.is_complete = self.is_denied = False
        self.scans += 1
        self.scanned_at, began = self._clock(), time.monotonic()
        try:
            taurusdb_instances = await self._api.get_list(
                "instances",
                {},
                language,
                key="instances",
                page_size=PAGE_SIZE,
                max_pages=MAX_PAGES,
                is_valid=lambda response: response.status == 200 and _is_instance_list(response),
            )
        except CloudError as error:
            log.warning("instances.not_listed", extra={"error": str(error), **self._api.log_fields})
            self.is_denied = isinstance(error, Rejected | SignInPaused)  # a permission is missing: no need to hurry
            return self.is_denied
        parent_ids = dict.fromkeys(filter(None, (as_text(row.get("id")) for row in taurusdb_instances.items)))
        listed: dict[str, ListedInstance] = {}
        statuses = await asyncio.gather(*(self._list_parent(parent_id, language, listed) for parent_id in parent_ids))
        self._rests_until = time.monotonic() + REST_FACTOR * (time.monotonic() - began)
        self.is_complete = taurusdb_instances.is_complete and LISTED_STATUSES.issuperset(statuses)
        if self.is_complete:
            self._listed = listed  # without those that are gone
        return all(0 < status < 500 for status in statuses)

    async def _list_parent(self, parent_id: str, language: Language, listed: dict[str, ListedInstance]) -> int:
        """Add the StarRocks instances of one TaurusDB instance; the response's status, 0 when there was no list."""
        try:
            async with self._api.slots.lists:
                response = await self._api.get(f"instances/{quote(parent_id, safe='')}/htap", {}, language)
        except CloudError as error:
            log.info(
                "instances.not_listed", extra={"parent_id": parent_id, "error": str(error), **self._api.log_fields}
            )
            return 0
        rows = filter(_is_starrocks, response.objects("instances"))
        instances = [replace(instance_from_list(row, parent_id), project=self._api.project) for row in rows]
        instances = [instance for instance in instances if instance.id]
        for instance in instances:
            siblings = frozenset(other.name for other in instances if other.id != instance.id)
            listed[instance.id] = self._listed[instance.id] = ListedInstance(instance, siblings)
        if response.status in LISTED_STATUSES and response.code.startswith(GATEWAY_CODES):
            return UNLISTED_STATUS
        return response.status if response.status != 200 or _is_instance_list(response) else 0


def _is_starrocks(row: JsonObject) -> bool:
    """Whether an entry of `/htap` is a StarRocks instance: other engines are listed there, too."""
    engine = as_text(row.get("engine_name")).lower()
    return "".join(filter(str.isalnum, engine)) in ("", STARROCKS_ENGINE)


def _is_instance_list(response: ApiResponse) -> bool:
    """Whether a 200 is the list that it should be, possibly empty, and not a page of something else."""
    rows = response.get("instances")
    is_list_of_others = bool(rows) and not response.objects("instances")
    return (isinstance(rows, list) and not is_list_of_others) or response.get("total") == 0


# the cache


@dataclass(frozen=True, slots=True)
class _CachedInstance:
    """An instance with its details, and until when they are used (UNIX seconds)."""

    instance: Instance
    expires_at: float


class Inventory:
    """The `InstanceInventory` of the core: a cache of the list and of each instance's details; nothing here raises."""

    def __init__(self, api: ProjectApi, scanner: InstanceScanner, clock: Callable[[], float] = time.time) -> None:
        self._api = api
        self._scanner = scanner
        self._clock = clock
        self._detailed: dict[str, _CachedInstance] = {}
        self._listed: Mapping[str, ListedInstance] = {}
        self._list_expires_at = 0.0
        self._is_complete = False
        self._refreshes: SingleFlight[None] = SingleFlight()
        self._reads: SingleFlight[Instance | None] = SingleFlight()
        self._refresh_at = 0.0
        self._denied_until = 0.0
        self._sync_denied_until = 0.0

    def cached(self) -> InstanceList:
        """What is known without a request, at most five minutes old; of some perhaps only what the list says."""
        now = self._clock()
        detailed = {id: cached.instance for id, cached in self._detailed.items() if now < cached.expires_at}
        if now >= self._list_expires_at:
            return InstanceList(tuple(detailed.values()))
        instances = {id: listed.instance for id, listed in self._listed.items()} | detailed
        is_settled = self._refreshes.running("refresh") is None
        return InstanceList(tuple(instances.values()), self._is_complete, is_settled)

    async def instances(self, patience: float) -> InstanceList:
        """All instances, waiting at most so many seconds for what is not cached."""
        refresh = self._refreshes.running("refresh")
        if refresh is None and self._clock() >= self._refresh_at:
            refresh = self._start_refresh()
        if refresh is not None:
            await asyncio.wait({refresh}, timeout=patience)
        return self.cached()

    async def refreshed(self, patience: float) -> InstanceList:
        """The list read again, for an instance that it did not have; incomplete when that takes longer."""
        # A scan that runs already may have passed the place of a new instance: who comes during it shares the next.
        key = f"list after scan {self._scanner.scans}"
        scan = self._refreshes.start(key, lambda: self._read_list(may_rest=True))
        done, _ = await asyncio.wait({scan}, timeout=patience)
        return self.cached() if done else replace(self.cached(), is_complete=False)

    async def instance(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details, read now; None when they are not to be had in time."""
        read = self._reads.start(f"instance {instance_id}", lambda: self._find_and_read(instance_id))
        done, _ = await asyncio.wait({read}, timeout=patience)
        return read.result() if done else None

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Refresh for ever, each time before the cache expires."""
        while True:
            await asyncio.wait({self._start_refresh()})
            pause = max(REFRESH_SECONDS, len(self._listed) * REFRESH_SECONDS_PER_INSTANCE)
            await sleep(max(pause, self._denied_until - self._clock()))

    async def aclose(self) -> None:
        """Stop reading."""
        await self._reads.aclose()
        await self._refreshes.aclose()

    def _start_refresh(self) -> asyncio.Task[None]:
        return self._refreshes.start("refresh", self._refresh)

    async def _refresh(self) -> None:
        """Read the list, then the details of every instance, a few at a time."""
        self._refresh_at = self._clock() + RETRY_SECONDS
        await self._read_list()
        if self._is_complete:
            self._refresh_at = self._clock() + REFRESH_SECONDS
        await asyncio.gather(*(self._refresh_details(listed.instance) for listed in self._listed.values()))

    async def _read_list(self, *, may_rest: bool = False) -> None:
        if self._clock() < self._denied_until:
            return
        try:
            self._listed = await self._scanner.scan(Language.EN, may_rest=may_rest)
        except Exception:
            log.exception("instances.read_failed")
            return
        self._is_complete = self._scanner.is_complete
        self._list_expires_at = self._scanner.scanned_at + CACHE_SECONDS
        for instance_id in set(self._detailed) - set(self._listed):
            del self._detailed[instance_id]
        if self._scanner.is_denied:
            self._stop_reading()

    def _stop_reading(self) -> None:
        """The cloud denies access: asking again and again can lock an account."""
        self._refresh_at = self._denied_until = self._clock() + CACHE_SECONDS

    async def _refresh_details(self, instance: Instance) -> None:
        async with self._api.slots.details:
            if self._clock() >= self._denied_until:
                await self._read_details(instance.id, instance.parent_id)

    async def _find_and_read(self, instance_id: str) -> Instance | None:
        """Find the instance's TaurusDB instance, then read its details."""
        if self._clock() < self._denied_until:
            return None
        listed = self._listed.get(instance_id) or await self._scanner.find(instance_id, Language.EN)
        if listed is None:
            return None
        details, tasks = await asyncio.gather(
            self._read_details(instance_id, listed.instance.parent_id), self._read_sync_tasks(instance_id)
        )
        if details is None or tasks is None:
            return details
        instance = replace(details, sync_tasks=tasks)
        self._detailed[instance_id] = _CachedInstance(instance, self._clock() + CACHE_SECONDS)
        return instance

    async def _read_sync_tasks(self, instance_id: str) -> tuple[SyncTask, ...] | None:
        """Read the data-sync tasks of an instance; None when they are not to be had in time, or by this user."""
        if self._clock() < self._sync_denied_until:
            return None
        path = f"instances/{quote(instance_id, safe='')}/starrocks/databases/replication"
        try:
            async with asyncio.timeout(SYNC_TASKS_SECONDS):
                rows = await self._api.get_list(
                    path,
                    {},
                    Language.EN,
                    key="replications",
                    page_size=PAGE_SIZE,
                    max_pages=MAX_SYNC_TASK_PAGES,
                )
        except (CloudError, TimeoutError) as error:
            log.info("sync_tasks.not_read", extra={"instance_id": instance_id, "error": str(error)})
            if isinstance(error, CloudError) and error.status in DENIED_STATUSES:
                self._sync_denied_until = self._clock() + CACHE_SECONDS
            return None
        tasks = tuple(map(sync_task, rows.items))
        is_whole = rows.is_complete and not (rows.has_others and not tasks)
        # A list that is not whole proves that a task runs, never that none does.
        return tasks if is_whole or any(task.is_running for task in tasks) else None

    async def _read_details(self, instance_id: str, parent_id: str) -> Instance | None:
        """Read one instance and cache it; None when the cloud does not describe it."""
        try:
            response, row = await get_instance(self._api, parent_id, instance_id, Language.EN)
            instance = instance_from_details(row, parent_id) if response.status == 200 and row else None
        except CloudError as error:
            log.info("instance.not_described", extra={"instance_id": instance_id, "error": str(error)})
            return None
        except Exception:
            log.exception("instance.read_failed", extra={"instance_id": instance_id})
            return None
        if instance is None:
            log.info("instance.not_described", extra={"instance_id": instance_id, "status": response.status})
            if response.status in DENIED_STATUSES:
                self._stop_reading()
            return None
        instance = replace(instance, project=self._api.project)
        self._detailed[instance_id] = _CachedInstance(instance, self._clock() + CACHE_SECONDS)
        return instance
