"""The audit trail: one append-only row for each thing that was done or refused, chained by SHA-256."""

import hashlib
import json
from dataclasses import astuple, dataclass

from bot.core.upgrade import Upgrade

GENESIS = "0" * 64  # the hash before the first row


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What is written down: `at` in UNIX seconds, ids only, never a secret; `why` is a refusal's or error's name."""

    at: float
    what: str
    upgrade_id: str = ""
    instance_id: str = ""
    person_id: str = ""
    team_id: str = ""
    channel_id: str = ""
    why: str = ""
    request_id: str = ""

    @classmethod
    def of(
        cls, upgrade: Upgrade, at: float, what: str, person_id: str = "", why: str = "", team_id: str = ""
    ) -> "AuditEntry":
        """An entry about an upgrade as it stands after the step; `person_id` is who did it, empty for the bot.

        `team_id` is that person's, where it may be another than the requester's.
        """
        return cls(
            at=at,
            what=what,
            upgrade_id=upgrade.id,
            instance_id=upgrade.instance_id,
            person_id=person_id,
            team_id=team_id or (upgrade.team_id if person_id else ""),
            channel_id=upgrade.channel_id,
            why=why,
            request_id=upgrade.request_id,
        )


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry in its place in the chain: `number` counts from 1, `hash` covers the entry and the hash before."""

    number: int
    entry: AuditEntry
    hash: str


def link(previous: str, number: int, entry: AuditEntry) -> str:
    """The hash of a row: SHA-256 over the hash before it, its number and every field, in order."""
    body = json.dumps([previous, number, *astuple(entry)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()
