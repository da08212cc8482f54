"""The cloud side of the picture: instances, jobs, what goes wrong next, how fast jobs are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bot.sandbox.cloud import MISHAPS, SPEEDS
from bot.sandbox.cloud.mishaps import FATES, WITH_EFFECT, WITHOUT_EFFECT
from bot.sandbox.desk.items import Item, Items

ANSWERS: Final = "answers"
SPEED_LABELS: Final = {
    "seconds": "a job takes seconds",
    "minute": "a job takes a minute",
    "hours": "a job takes hours",
    "paused": "jobs stand still",
}
LONGEST_LABEL: Final = 96


def cloud_items(told: Mapping[str, Any]) -> Items:
    """Draw the cloud from its snapshot."""
    items: Items = {
        "mishaps": _mishaps(told["mishap"]["name"] if told["mishap"] else ANSWERS),
        "speeds": _speeds(told["speed"]),
    }
    for order, instance in enumerate(told["instances"]):
        items[f"instance:{instance['id']}"] = {**instance, "order": order}
    for order, job in enumerate(told["jobs"]):
        items[f"job:{job['id']}"] = {**job, "order": order}
    return items


def _mishaps(chosen: str) -> Item:
    errors = {name: label for name, label in MISHAPS.items() if name[:3].isdigit()}
    groups = [
        {"label": "", "options": [{"name": ANSWERS, "label": ANSWERS}]},
        _group("Refused by the API: nothing happens", {name: f"{name}: {label}" for name, label in errors.items()}),
        _group("Lost on the way: nothing happens", _named(WITHOUT_EFFECT)),
        _group("It happens, but the answer is spoilt", _named(WITH_EFFECT)),
        _group("Accepted, then the job goes its own way", _named({name: label for name, (label, _) in FATES.items()})),
    ]
    return {"groups": groups, "chosen": chosen}


def _named(labels: Mapping[str, str]) -> dict[str, str]:
    return {name: f"{name}: {label}" for name, label in labels.items()}


def _group(label: str, options: Mapping[str, str]) -> dict[str, object]:
    return {"label": label, "options": [{"name": name, "label": _short(text)} for name, text in options.items()]}


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def _speeds(chosen: str) -> Item:
    options: Iterable[Item] = [{"name": name, "label": SPEED_LABELS.get(name, name)} for name in SPEEDS]
    return {"groups": [{"label": "", "options": list(options)}], "chosen": chosen}
