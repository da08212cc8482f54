"""A storage in memory: it keeps the promises of the real ones until the process ends, and writes nothing to a disk."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence, Set

from bot.core.audit import GENESIS, AuditEntry, AuditRow
from bot.core.errors import LiveUpgradeExists
from bot.core.ports import QueueStats
from bot.core.upgrade import State, Upgrade, replace

NOT_STARTED = (State.REJECTED, State.NOT_SENT)


class MemoryStorage:
    """A `Storage` in dictionaries."""

    def __init__(self) -> None:
        self._rows: dict[str, Upgrade] = {}
        self._triggers: set[str] = set()
        self._live: dict[str, str] = {}
        self._of_instance: dict[str, list[str]] = {}
        self._entries: list[AuditEntry] = []

    def clock(self) -> float:
        return time.time()

    async def add(self, upgrade: Upgrade, entry: AuditEntry) -> bool:
        if upgrade.trigger_id in self._triggers:
            return False
        self._triggers.add(upgrade.trigger_id)
        self._rows[upgrade.id] = upgrade
        self._of_instance.setdefault(upgrade.instance_id, []).append(upgrade.id)
        self._entries.append(entry)
        return True

    async def get(self, upgrade_id: str) -> Upgrade | None:
        return self._rows.get(upgrade_id)

    async def save(self, before: Upgrade, after: Upgrade, *entries: AuditEntry) -> Upgrade | None:
        current = self._rows.get(before.id)
        if current is None or current.revision != before.revision:
            return None
        live_id = self._live.get(after.instance_id)
        if after.is_live and live_id not in (None, before.id):
            raise LiveUpgradeExists(after.instance_id)
        if after.is_live:
            self._live[after.instance_id] = before.id
        elif live_id == before.id:
            del self._live[after.instance_id]
        stored = self._rows[before.id] = replace(after, id=before.id, revision=before.revision + 1)
        self._entries += entries
        return stored

    async def record(self, entry: AuditEntry) -> None:
        self._entries.append(entry)

    async def claim_due(self, limit: int, lease_seconds: float) -> Sequence[Upgrade]:
        now = time.time()
        due = [row for row in self._rows.values() if row.due_at is not None and row.due_at <= now]
        claimed = [replace(row, due_at=now + lease_seconds) for row in due[:limit]]
        self._rows.update((row.id, row) for row in claimed)
        return claimed

    async def begin_attempt(self, upgrade_id: str, sender: str, lease_seconds: float) -> Upgrade | None:
        if upgrade_id not in await self.renew_leases({upgrade_id: sender}, lease_seconds):
            return None
        row = self._rows[upgrade_id]
        self._rows[upgrade_id] = replace(row, revision=row.revision + 1)
        return self._rows[upgrade_id]

    async def renew_leases(self, senders: Mapping[str, str], lease_seconds: float) -> Set[str]:
        lease_ends_at = time.time() + lease_seconds
        renewed: set[str] = set()
        for upgrade_id, sender in senders.items():
            row = self._rows.get(upgrade_id)
            holds = row is not None and row.sender == sender and (row.next_poll_at or 0.0) > time.time()
            if row is not None and holds and row.state is State.SUBMITTING:
                self._rows[upgrade_id] = replace(row, next_poll_at=lease_ends_at).rescheduled()
                renewed.add(upgrade_id)
        return renewed

    async def live_upgrade(self, instance_id: str) -> Upgrade | None:
        return self._rows.get(self._live.get(instance_id, ""))

    async def find_by_message(self, channel_id: str, message_ts: str) -> Upgrade | None:
        key = (channel_id, message_ts)
        return next((row for row in self._rows.values() if (row.channel_id, row.message_ts) == key), None)

    async def latest(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        newest = sorted(self._rows.values(), key=lambda row: row.requested_at, reverse=True)
        return [row for row in newest if instance_id in (None, row.instance_id)][:limit]

    async def related_upgrades(self, instance_id: str, limit: int) -> Sequence[Upgrade]:
        rows = [self._rows[upgrade_id] for upgrade_id in self._of_instance.get(instance_id, ())]
        confirmed = [row for row in rows if row.decided_at is not None and row.state not in NOT_STARTED]
        last = max(confirmed, key=lambda row: row.decided_at or 0.0, default=None)
        related = [row for row in rows if row is last or row.is_live or row.state is State.REQUESTED]
        return sorted(related, key=lambda row: (row.state is State.REQUESTED, -row.requested_at))[:limit]

    async def confirmed_since(self, instance_id: str, since: float) -> Sequence[Upgrade]:
        confirmed = [
            row
            for row in self._rows.values()
            if row.instance_id == instance_id and row.sender and (row.decided_at or 0.0) >= since
        ]
        return sorted(confirmed, key=lambda row: row.decided_at or 0.0)

    async def open_upgrades(self, instance_id: str | None, limit: int) -> Sequence[Upgrade]:
        rows = await self.latest(instance_id, len(self._rows))
        return [row for row in rows if row.is_live or row.state is State.REQUESTED][:limit]

    async def queue_stats(self, now: float) -> Sequence[QueueStats]:
        stats: list[QueueStats] = []
        for state in State:
            timers = [row.due_at for row in self._rows.values() if row.state is state and row.due_at is not None]
            stats.append(QueueStats(state.value, len(timers), sum(due_at <= now for due_at in timers)))
        return stats

    async def audit(self) -> AsyncIterator[AuditRow]:
        for number, entry in enumerate(self._entries, 1):
            yield AuditRow(number, entry, GENESIS)

    async def audit_head(self) -> tuple[int, str]:
        return len(self._entries), GENESIS

    async def ping(self) -> None:
        """It is always available."""

    async def close(self) -> None:
        """There is nothing to close."""
