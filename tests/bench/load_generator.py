"""The load: commands and clicks over HTTP as Slack sends them, and the wait for the messages that follow."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import urlencode

from bot.sandbox.slack.http_mode import signature_headers
from tests.bench.http_protocol import HttpClient
from tests.bench.stub_services import (
    CHANNEL,
    INSTANCE,
    SECRET,
    TEAM,
    SlackMessage,
    StubServices,
    job_id_of_instance,
)

COMMAND = "/starrocks-upgrade"
TIMEOUT_SECONDS = 90.0
_numbers = count(1)


@dataclass(slots=True)
class Flow:
    """One upgrade from the command to its job id; times are of `time.perf_counter`."""

    instance_id: str
    card: "asyncio.Future[SlackMessage]"
    card_without_buttons: "asyncio.Future[SlackMessage]"
    job_message: "asyncio.Future[SlackMessage]"
    ack_seconds: list[float] = field(default_factory=list)
    clicked_at: float = 0.0
    buttons_removed_at: float = 0.0


class LoadGenerator:
    """Sends commands and clicks to one app and waits for its messages."""

    def __init__(self, services: StubServices, port: int) -> None:
        self._client = HttpClient(port, "/slack/events")
        self._by_instance: dict[str, Flow] = {}
        self._by_ts: dict[str, Flow] = {}
        self._help_shown = asyncio.Event()
        services.on_message = self._on_message

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def help(self) -> float:
        """Send `help`, wait for its reply, so that the app is idle again; the seconds until the acknowledgement."""
        self._help_shown.clear()
        seconds = await self._send(_command("help"))
        await asyncio.wait_for(self._help_shown.wait(), TIMEOUT_SECONDS)
        return seconds

    async def run_flow(self) -> Flow:
        """Send the command, wait for the request card, press Confirm, wait for the job id."""
        flow = await self.request()
        await self.confirm(flow)
        await asyncio.wait_for(flow.job_message, TIMEOUT_SECONDS)  # RuntimeError for a message without the job id
        return flow

    async def request(self) -> Flow:
        """Send the command and wait for the request card."""
        loop = asyncio.get_running_loop()
        instance_id = f"{next(_numbers):032x}in17"
        flow = Flow(instance_id, loop.create_future(), loop.create_future(), loop.create_future())
        self._by_instance[instance_id] = flow
        flow.ack_seconds.append(await self._send(_command(instance_id)))
        await asyncio.wait_for(flow.card, TIMEOUT_SECONDS)
        return flow

    async def confirm(self, flow: Flow) -> None:
        """Press Confirm on the request card."""
        card = flow.card.result()
        flow.clicked_at = time.perf_counter()
        flow.ack_seconds.append(await self._send(_click(card)))

    async def _send(self, body: bytes) -> float:
        signed = signature_headers(SECRET, body)
        headers = "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        started_at = time.perf_counter()
        status = await self._client.post(body, headers)
        if status != 200:
            raise RuntimeError(f"not acknowledged: {status}")
        return time.perf_counter() - started_at

    def _on_message(self, message: SlackMessage) -> None:
        """Advance the flow that the message belongs to."""
        if not message.ts:
            self._help_shown.set()
            return
        flow = self._by_ts.get(message.thread_ts or message.ts)
        if flow is None:
            self._on_card(message)
        elif message.is_edit:
            if flow.clicked_at and not flow.card_without_buttons.done() and b"confirm_upgrade" not in message.body:
                flow.buttons_removed_at = time.perf_counter()
                flow.card_without_buttons.set_result(message)
        elif not flow.job_message.done():
            if job_id_of_instance(flow.instance_id).encode() in message.body:
                flow.job_message.set_result(message)
            else:
                flow.job_message.set_exception(RuntimeError(f"no job id: {message.body!r}"))

    def _on_card(self, message: SlackMessage) -> None:
        """A new request card, if it names the instance of a flow that waits for one."""
        match = INSTANCE.search(message.body)
        flow = self._by_instance.pop(match[0].decode(), None) if match and not message.is_edit else None
        if flow is not None:
            self._by_ts[message.ts] = flow
            flow.card.set_result(message)


@asynccontextmanager
async def run_load_generator(services: StubServices, port: int) -> AsyncIterator[LoadGenerator]:
    """A load generator for the app that listens on this port."""
    generator = LoadGenerator(services, port)
    try:
        yield generator
    finally:
        await generator.close()


def _command(text: str) -> bytes:
    fields = {"team_id": TEAM, "channel_id": CHANNEL, "channel_name": "bench", "user_id": "U0SRE", "user_name": "sre"}
    command = {"command": COMMAND, "text": text, "api_app_id": "A0BENCH", "trigger_id": f"trigger-{next(_numbers)}"}
    return urlencode({**fields, **command, "response_url": ""}).encode()


def _click(card: SlackMessage) -> bytes:
    """The payload of a click on Confirm, with the message as Slack sends it along."""
    message = json.loads(card.body)
    blocks = message.get("blocks") or []
    buttons = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    button = next(button for button in buttons if button["action_id"] == "confirm_upgrade")
    payload = {
        "type": "block_actions",
        "user": {"id": "U0SRE", "username": "sre", "team_id": TEAM},
        "team": {"id": TEAM, "domain": "bench"},
        "channel": {"id": CHANNEL, "name": "bench"},
        "container": {"type": "message", "message_ts": card.ts, "channel_id": CHANNEL},
        "message": {"ts": card.ts, "text": message.get("text", ""), "blocks": blocks},
        "api_app_id": "A0BENCH",
        "trigger_id": f"trigger-{next(_numbers)}",
        "actions": [
            {
                "type": "button",
                "action_id": "confirm_upgrade",
                "value": button["value"],
                "action_ts": f"{next(_numbers)}.0",
            }
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()
