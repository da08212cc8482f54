"""The drawer of the picture: every call of the bot as it happened, secrets hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from bot.sandbox.cloud import Call as CloudCall
from bot.sandbox.cloud import StandInCloud
from bot.sandbox.desk.items import Item, Items
from bot.sandbox.slack import Call as SlackCall
from bot.sandbox.slack import StandInSlack

C = TypeVar("C")
KEPT_CALLS: Final = 150  # of each side
HIDDEN: Final = "***"
_PROJECT: Final = re.compile(r"^/v3/[0-9a-f]{32}(?=/)")  # the same in every line
_SECRETS: Final = (
    (re.compile(r"\b(xox[a-z]|xapp)-[\w-]+"), rf"\1-{HIDDEN}"),
    (re.compile(r"\b(ticket=)[\w.~%-]+"), rf"\1{HIDDEN}"),
)


class Wire:
    """Draws calls; one that was drawn before and has not changed is not drawn again."""

    def __init__(self) -> None:
        self._drawn: dict[str, tuple[object, Item]] = {}

    def items(self, slack: StandInSlack, cloud: StandInCloud) -> Items:
        """Draw the latest calls of both sides, and how many there were."""
        items: Items = {"wire": {"calls": len(slack.calls) + len(cloud.calls)}}
        first = max(0, len(slack.calls) - KEPT_CALLS)
        for order, call in enumerate(slack.calls[first:], start=first):
            items[f"call:slack:{order}"] = self._item(f"slack:{order}", call, order, slack_call)
        first = max(0, len(cloud.calls) - KEPT_CALLS)
        for order, request in enumerate(cloud.calls[first:], start=first):
            items[f"call:cloud:{order}"] = self._item(f"cloud:{order}", request, order, cloud_call)
        self._drawn = {key: drawn for key, drawn in self._drawn.items() if f"call:{key}" in items}
        return items

    def _item(self, key: str, call: C, order: int, draw: Callable[[C, int], Item]) -> Item:
        drawn = self._drawn.get(key)
        if drawn is None or drawn[0] is not call:
            drawn = self._drawn[key] = (call, draw(call, order))
        return drawn[1]


def slack_call(call: SlackCall, order: int) -> Item:
    """Draw one call of Slack's Web API, or one use of a response_url."""
    answer = _read(call.answer)
    error = answer.get("error") if isinstance(answer, Mapping) else None
    good = call.status is not None and call.status < 400 and error is None and not _is_page(answer)
    status = "no answer" if call.status is None else str(error) if error else str(call.status)
    parts = [_part("Arguments", pretty(call.arguments)), _part("Answer", pretty(answer))]
    brief = str(call.arguments.get("text") or call.arguments.get("channel") or call.arguments.get("user") or "")
    return _call("slack", call.at, call.method, hidden(brief), status, parts, good=good, order=order)


def cloud_call(call: CloudCall, order: int) -> Item:
    """Draw one request to the cloud."""
    good = call.status is not None and call.status < 300
    status = "no answer" if call.status is None else str(call.status)
    target = call.path + (f"?{call.query}" if call.query else "")
    head = [f"{call.method} {target}", f"X-Language: {call.language}", f"signed in by: {call.signed_by}"]
    parts = [_part("Request", "\n".join(head) + (f"\n\n{pretty(call.body)}" if call.body else ""))]
    parts.append(_part("Answer", f"{status} · X-Request-Id: {call.request_id}\n\n{pretty(call.answer)}".strip()))
    if call.mishap:
        parts.append(_part("Mishap", call.mishap))
    return _call(
        "cloud", call.at, call.operation, hidden(_PROJECT.sub("", target)), status, parts, good=good, order=order
    )


def pretty(value: object) -> str:
    """Write a value as indented JSON; text that is JSON too, any other text as it is. Secrets are hidden."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return hidden(str(value))
    if value is None:
        return "–"
    unfolded = _unfolded(value)
    return hidden(unfolded if isinstance(unfolded, str) else json.dumps(unfolded, ensure_ascii=False, indent=2))


def hidden(text: str) -> str:
    """Put asterisks in the place of tokens and tickets."""
    for secret, shown in _SECRETS:
        text = secret.sub(shown, text)
    return text


def _unfolded(value: object) -> object:
    """Read the JSON that forms carry as text (`blocks`), so that it can be read."""
    if isinstance(value, Mapping):
        return {key: _read(inner) if key in ("blocks", "metadata") else inner for key, inner in value.items()}
    return value


def _read(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _is_page(answer: object) -> bool:
    """Say whether an answer is HTML, which is no answer to a call."""
    return isinstance(answer, str) and answer.lstrip().startswith("<")


def _part(label: str, text: str) -> Item:
    return {"label": label, "text": text}


def _call(
    side: str, at: float, name: str, brief: str, status: str, parts: list[Item], *, good: bool, order: int
) -> Item:
    return {
        "side": side,
        "at": at,
        "name": name,
        "brief": brief,
        "status": status,
        "good": good,
        "parts": parts,
        "order": order,
    }
