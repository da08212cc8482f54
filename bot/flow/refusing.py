"""A refusal is written down: whoever tried what they may not, or too late, stands in the audit trail."""

from bot.core.audit import AuditEntry
from bot.core.ports import Presence
from bot.core.reasons import Refusal
from bot.core.upgrade import Upgrade

DENIED = "denied"


def denial(
    presence: Presence, at: float, refusal: Refusal, upgrade: Upgrade | None = None, instance_id: str = ""
) -> AuditEntry:
    """The audit row of a refusal; what a forged button named is not kept, only that it named no request."""
    return AuditEntry(
        at=at,
        what=DENIED,
        upgrade_id=upgrade.id if upgrade else "",
        instance_id=upgrade.instance_id if upgrade else instance_id,
        person_id=presence.person_id,
        team_id=presence.team_id,
        channel_id=presence.channel_id,
        why=refusal.key(),
    )
