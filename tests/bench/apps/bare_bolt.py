"""A bare Bolt app that makes the same calls as the bot and stores nothing: `documented` or `fastest`.

documented: as Slack's documentation writes it — `AsyncApp(token, signing_secret)`, `await ack()`, then the work in the
listener. fastest: `process_before_response=True` (Bolt then answers without waiting for its 10 ms poll), one shared
session, `await ack()` first and the work in a task of its own.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import aiohttp
import httpx
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

Start = Callable[[Coroutine[Any, Any, None]], Awaitable[None]]
CLOUD_TIMEOUT_SECONDS = 60  # with httpx's own 5 s, upgrades are lost with 500 in flight: PoolTimeout
WARNING = "The instance restarts, service is interrupted intermittently, and there is no way back. " * 3


def message_blocks(text: str, *buttons: dict[str, Any]) -> list[dict[str, Any]]:
    """A message of about the size that the bot's have."""
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": text}}]
    blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": WARNING}})
    return [*blocks, {"type": "actions", "elements": list(buttons)}] if buttons else blocks


def button(action_id: str, text: str, value: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}, "value": value}


class BareFlow:
    """The flow without a storage: Slack's and the cloud's calls, one after the other."""

    def __init__(self, client: AsyncWebClient, cloud: httpx.AsyncClient) -> None:
        self._client = client
        self._cloud = cloud

    async def request(self, command: dict[str, Any]) -> None:
        instance, channel = command["text"], command["channel_id"]
        if instance == "help":
            await self._client.chat_postEphemeral(channel=channel, user=command["user_id"], text=WARNING)
            return
        text = f"<@{command['user_id']}> asks to upgrade `{instance}`"
        confirm, cancel = button("confirm_upgrade", "Upgrade", instance), button("cancel_upgrade", "Cancel", instance)
        blocks = message_blocks(text, confirm, cancel)
        posted = await self._client.chat_postMessage(channel=channel, text=text, blocks=blocks)
        # The bot edits the card when the cloud has described the instance.
        await self._client.chat_update(channel=channel, ts=posted["ts"], text=text, blocks=blocks)

    async def confirm(self, body: dict[str, Any]) -> None:
        instance, channel = body["actions"][0]["value"], body["channel"]["id"]
        ts, text = body["container"]["message_ts"], f"Upgrade of `{body['actions'][0]['value']}`"
        await self._client.chat_update(channel=channel, ts=ts, text=text, blocks=message_blocks(f"{text}: confirmed"))
        path = f"instances/{instance}/starrocks/db-upgrade"
        response = await self._cloud.post(path, json={"delay": False, "is_skip_validate": False})
        job_id = response.json()["job_id"]
        accepted = f"Accepted, job `{job_id}`"
        await self._client.chat_postMessage(
            channel=channel, thread_ts=ts, text=accepted, blocks=message_blocks(accepted)
        )
        await self._client.chat_update(channel=channel, ts=ts, text=text, blocks=message_blocks(f"{text}: runs"))


def add_listeners(app: AsyncApp, flow: BareFlow, start: Start) -> None:
    """The two listeners: acknowledge, then the work."""

    @app.command("/starrocks-upgrade")
    async def on_command(ack: Any, command: Any) -> None:
        await ack()
        await start(flow.request(command))

    @app.action("confirm_upgrade")
    async def on_click(ack: Any, body: Any) -> None:
        await ack()
        await start(flow.confirm(body))


async def serve(app: AsyncApp, port: int) -> None:
    """Serve on loopback, by Bolt's own adapter, until the process is ended."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    server = web.Application()
    server.router.add_post("/slack/events", handle)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


async def main(form: str) -> None:
    token, api = os.environ["SLACK_BOT_TOKEN"], os.environ["SLACK_API_URL"]
    secret, port = os.environ["SLACK_SIGNING_SECRET"], int(os.environ["PORT"])
    is_fastest = form == "fastest"
    base = f"{os.environ['TAURUSDB_ENDPOINT']}/v3/{os.environ['HW_PROJECT_ID']}/"
    headers = {"X-Auth-Token": os.environ["HW_AUTH_TOKEN"], "X-Language": "en-us"}
    async with (
        aiohttp.ClientSession() as session,
        httpx.AsyncClient(base_url=base, headers=headers, timeout=CLOUD_TIMEOUT_SECONDS) as cloud,
    ):
        client = AsyncWebClient(token=token, base_url=api, session=session if is_fastest else None)
        app = AsyncApp(client=client, signing_secret=secret, process_before_response=is_fastest)
        tasks: set[asyncio.Task[None]] = set()

        async def in_a_task(work: Coroutine[Any, Any, None]) -> None:
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async def in_the_listener(work: Coroutine[Any, Any, None]) -> None:
            await work

        add_listeners(app, BareFlow(client, cloud), in_a_task if is_fastest else in_the_listener)
        await serve(app, port)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
