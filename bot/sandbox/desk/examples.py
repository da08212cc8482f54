"""Ready commands for the page's box: one for each way it can go, with the ids of the instances that are there now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.sandbox.desk.items import Items

UPGRADING: Final = "UPGRADING"  # of these the bot itself knows; the example is about what else may run
NOBODYS_ID: Final = "0" * 31 + "1in17"


def examples(instances: Sequence[Mapping[str, Any]], command: str) -> Items:
    """Draw the examples in the order in which a newcomer may try them; `instances` as in the cloud's snapshot."""
    ready = next((one for one in instances if _is_ready(one)), instances[0])
    busy = next((one for one in instances if set(one["runs"]) - {UPGRADING}), instances[0])
    one_id = ready["id"]
    lines = (
        ("now", one_id, "upgrade at once"),
        ("delayed", f"{one_id} --delay", "upgrade in the maintenance window"),
        ("skip-validate", f"{one_id} --skip-validate", "upgrade without the cloud's own check"),
        ("unknown id", NOBODYS_ID, "well formed, but nobody's"),
        ("in07 id", ready["parent_id"], "the id of the TaurusDB instance, a frequent mix-up"),
        ("busy", busy["id"], "an instance on which something runs"),
        ("—delay", f"{one_id} —delay", "the em dash that keyboards make of two hyphens"),
        ("help", "help", "what the bot understands"),
    )
    return {
        f"example:{order}": {"label": label, "text": f"{command} {rest}", "hint": hint, "order": order}
        for order, (label, rest, hint) in enumerate(lines)
    }


def _is_ready(instance: Mapping[str, Any]) -> bool:
    """Say whether an upgrade of this instance would be accepted now."""
    return bool(
        instance["newer"] and instance["status"] == "normal" and not instance["runs"] and not instance["scheduled"]
    )
