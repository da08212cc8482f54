"""Several projects in one bot: a client and a sign-in for each, together they are one cloud and one inventory.

With a single project it passes everything on, and nothing is named after the project.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from itertools import chain

from bot.core.errors import NotSent
from bot.core.instances import Instance, InstanceList
from bot.core.upgrade import Upgrade
from bot.taurusdb.client import TaurusDb

log = logging.getLogger("bot.taurusdb")


class ProjectInventory:
    """The `InstanceInventory` of the core over the inventories of all projects; nothing here raises."""

    def __init__(self, clients: Mapping[str, TaurusDb]) -> None:
        self._inventories = {project: client.inventory for project, client in clients.items()}

    def cached(self) -> InstanceList:
        """What is known without a request, at most five minutes old; of some perhaps only what the list says."""
        return self._merged({project: inventory.cached() for project, inventory in self._inventories.items()})

    async def instances(self, patience: float) -> InstanceList:
        """All instances, waiting at most so many seconds for what is not cached."""
        inventories = self._inventories
        lists = await asyncio.gather(*(inventory.instances(patience) for inventory in inventories.values()))
        return self._merged(dict(zip(inventories, lists, strict=True)))

    async def refreshed(self, patience: float) -> InstanceList:
        """The lists read again, for an instance that they did not have; incomplete when that takes longer."""
        inventories = self._inventories
        lists = await asyncio.gather(*(inventory.refreshed(patience) for inventory in inventories.values()))
        return self._merged(dict(zip(inventories, lists, strict=True)))

    async def instance(self, instance_id: str, patience: float) -> Instance | None:
        """One instance with its details, read now, from the project that lists it; None when they are not to be had."""
        listed = self.cached().find(instance_id)
        inventories = [inventory for key, inventory in self._inventories.items() if listed and listed.project == key]
        reads = (one.instance(instance_id, patience) for one in inventories or self._inventories.values())
        found = await asyncio.gather(*reads)
        return next((instance for instance in found if instance is not None), None)

    async def keep_fresh(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Refresh every project for ever, each before its cache expires."""
        async with asyncio.TaskGroup() as group:
            for inventory in self._inventories.values():
                group.create_task(inventory.keep_fresh(sleep))

    def _merged(self, lists: Mapping[str, InstanceList]) -> InstanceList:
        if len(lists) == 1:
            return next(iter(lists.values()))
        return InstanceList(
            tuple(chain.from_iterable(one.instances for one in lists.values())),
            is_complete=all(one.is_complete for one in lists.values()),
            is_settled=all(one.is_settled for one in lists.values()),
            unread_projects=tuple(project for project, one in lists.items() if not one.is_complete),
        )


class Projects:
    """The `Cloud` of the core: one client a project, created once for the process and closed at the end."""

    def __init__(self, clients: Mapping[str, TaurusDb]) -> None:
        self._clients = dict(clients)
        self.inventory = ProjectInventory(self._clients)

    @property
    def projects(self) -> Sequence[str]:
        """The `region:project_id` of each when there are several, else empty."""
        return tuple(self._clients) if len(self._clients) > 1 else ()

    def of(self, upgrade: Upgrade) -> TaurusDb:
        """The project that an upgrade belongs to; raises `NotSent` when that is not known, or not set any more.

        A request from before there were several projects belongs to the one that lists the instance.
        """
        project = upgrade.project
        if not project and len(self._clients) == 1:
            return next(iter(self._clients.values()))
        if not project:
            instance = self.inventory.cached().find(upgrade.instance_id)
            project = instance.project if instance else ""
        client = self._clients.get(project)
        if client is None:
            log.warning("project.unknown", extra={"upgrade": upgrade.id, "project": project})
            note = (
                f"the project {project} is not set any more" if project else "no project is known to list the instance"
            )
            raise NotSent(note=note)
        return client

    async def aclose(self) -> None:
        """Close every client."""
        async with AsyncExitStack() as stack:
            for client in self._clients.values():
                stack.push_async_callback(client.aclose)
