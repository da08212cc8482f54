"""A question whose time is over, closed by whoever notices first: the loop, or a click that came too late."""

from bot.core.audit import AuditEntry
from bot.core.ports import Store
from bot.core.upgrade import State, Upgrade
from bot.flow.changing import change


async def expire(store: Store, upgrade: Upgrade, at: float) -> Upgrade:
    """Close a question whose time is over, unless somebody answered meanwhile."""
    return await change(
        store,
        upgrade,
        lambda row: row.expire(at) if row.state is State.ASKED and at >= row.expires_at else None,
        lambda row: (AuditEntry.of(row, at, "expired"),),
    )
