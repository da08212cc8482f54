"""The request log: each Slack call and each cloud request of the bot with its response, secrets hidden."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar

from bot.logs import Redactor
from bot.sandbox.slack import Call as SlackCall
from bot.sandbox.slack import StandInSlack
from bot.sandbox.taurusdb import Call as CloudCall
from bot.sandbox.taurusdb import StandInCloud
from bot.sandbox.web.view_model import Entities, Entity

C = TypeVar("C")
MAX_CALLS: Final = 150  # of each service
_PROJECT: Final = re.compile(r"^/v3/[0-9a-f]{32}(?=/)")  # left out of the summary: it is the same in every path
_redact: Final = Redactor()


class RequestLog:
    """Renders calls; one that was rendered before and has not changed since is taken from a cache."""

    def __init__(self, slack: StandInSlack, cloud: StandInCloud) -> None:
        self._slack = slack
        self._cloud = cloud
        self._cache: dict[str, tuple[object, Entity]] = {}

    def entities(self) -> Entities:
        """The latest calls of both services (`call:slack:7`, `call:cloud:0`), and how many there were."""
        slack_calls, cloud_calls = self._slack.calls, self._cloud.calls
        self._cache = {
            **self._render("slack", slack_calls, slack_call),
            **self._render("cloud", cloud_calls, cloud_call),
        }
        total: Entities = {"request_log": {"total": len(slack_calls) + len(cloud_calls)}}
        return total | {key: entity for key, (_, entity) in self._cache.items()}

    def _render(
        self, service: str, calls: Sequence[C], render: Callable[[C], Entity]
    ) -> dict[str, tuple[object, Entity]]:
        rendered: dict[str, tuple[object, Entity]] = {}
        first = max(0, len(calls) - MAX_CALLS)
        for order, call in enumerate(calls[first:], start=first):
            key = f"call:{service}:{order}"
            cached = self._cache.get(key)
            if cached is None or cached[0] is not call:
                cached = (call, {**render(call), "service": service, "order": order})
            rendered[key] = cached
        return rendered


def slack_call(call: SlackCall) -> Entity:
    """One call of Slack's Web API, or one use of a response_url."""
    response = _parsed(call.answer)
    error = response.get("error") if isinstance(response, Mapping) else None
    is_html = isinstance(response, str) and response.lstrip().startswith("<")
    arguments = dict(call.arguments)
    for name in {"blocks", "metadata"} & arguments.keys():  # a form carries them as text
        arguments[name] = _parsed(arguments[name])
    return {
        "at": call.at,
        "name": call.method,
        "summary": _redact(str(arguments.get("text") or arguments.get("channel") or arguments.get("user") or "")),
        "status": str(error or call.status or "no answer"),
        "ok": call.status is not None and call.status < 400 and error is None and not is_html,
        "sections": [_section("Arguments", _pretty(arguments)), _section("Answer", _pretty(response))],
    }


def cloud_call(call: CloudCall) -> Entity:
    """One request to the cloud."""
    target = call.path + (f"?{call.query}" if call.query else "")
    status = str(call.status or "no answer")
    request = f"{call.method} {target}\nX-Language: {call.language}\nsigned in by: {call.signed_by}"
    response = f"{status} · X-Request-Id: {call.request_id}\n\n{_pretty(call.answer)}"
    sections = [
        _section("Request", f"{request}\n\n{_pretty(call.body)}" if call.body else request),
        _section("Answer", response.strip()),
    ]
    if call.fault:
        sections.append(_section("Fault", call.fault))
    return {
        "at": call.at,
        "name": call.operation,
        "summary": _redact(_PROJECT.sub("", target)),
        "status": status,
        "ok": call.status is not None and call.status < 300,
        "sections": sections,
    }


def _pretty(value: object) -> str:
    """A value as indented JSON (text may be JSON, too), any other text as it is; secrets are hidden."""
    value = _parsed(value)
    if value is None:
        return "–"
    return _redact(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))


def _parsed(value: object) -> object:
    """The JSON value of a text that is JSON; any other value as it is."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _section(title: str, text: str) -> Entity:
    return {"title": title, "text": text}
