"""A bare Bolt app that does what the bot does, without remembering any of it: `documented` or `fastest`.

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
PATIENCE = 60  # with httpx's own 5 s, upgrades are lost with 500 in flight: PoolTimeout
WARNING = "The instance restarts, service is interrupted intermittently, and there is no way back. " * 3


def blocks_of(words: str, *buttons: dict[str, Any]) -> list[dict[str, Any]]:
    """A message of about the size that the bot's have."""
    said: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": words}}]
    said.append({"type": "section", "text": {"type": "mrkdwn", "text": WARNING}})
    return [*said, {"type": "actions", "elements": list(buttons)}] if buttons else said


def button(action_id: str, text: str, value: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": text}, "value": value}


class Bare:
    """The flow without a store: Slack's and the cloud's calls, one after the other."""

    def __init__(self, client: AsyncWebClient, cloud: httpx.AsyncClient) -> None:
        self._client = client
        self._cloud = cloud

    async def ask(self, command: dict[str, Any]) -> None:
        instance, channel = command["text"], command["channel_id"]
        if instance == "help":
            await self._client.chat_postEphemeral(channel=channel, user=command["user_id"], text=WARNING)
            return
        words = f"<@{command['user_id']}> asks to upgrade `{instance}`"
        yes, no = button("confirm_upgrade", "Upgrade", instance), button("cancel_upgrade", "Cancel", instance)
        blocks = blocks_of(words, yes, no)
        posted = await self._client.chat_postMessage(channel=channel, text=words, blocks=blocks)
        # The bot puts what the cloud says of the instance on the question once it is there.
        await self._client.chat_update(channel=channel, ts=posted["ts"], text=words, blocks=blocks)

    async def confirm(self, body: dict[str, Any]) -> None:
        instance, channel = body["actions"][0]["value"], body["channel"]["id"]
        ts, words = body["container"]["message_ts"], f"Upgrade of `{body['actions'][0]['value']}`"
        await self._client.chat_update(channel=channel, ts=ts, text=words, blocks=blocks_of(f"{words}: confirmed"))
        path = f"instances/{instance}/starrocks/db-upgrade"
        answer = await self._cloud.post(path, json={"delay": False, "is_skip_validate": False})
        job = answer.json()["job_id"]
        told = f"Accepted, job `{job}`"
        await self._client.chat_postMessage(channel=channel, thread_ts=ts, text=told, blocks=blocks_of(told))
        await self._client.chat_update(channel=channel, ts=ts, text=words, blocks=blocks_of(f"{words}: runs"))


def listen(app: AsyncApp, bare: Bare, start: Start) -> None:
    """The two listeners: acknowledge, then the work."""

    @app.command("/starrocks-upgrade")
    async def asked(ack: Any, command: Any) -> None:
        await ack()
        await start(bare.ask(command))

    @app.action("confirm_upgrade")
    async def pressed(ack: Any, body: Any) -> None:
        await ack()
        await start(bare.confirm(body))


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
    fast = form == "fastest"
    base = f"{os.environ['TAURUSDB_ENDPOINT']}/v3/{os.environ['HW_PROJECT_ID']}/"
    headers = {"X-Auth-Token": os.environ["HW_AUTH_TOKEN"], "X-Language": "en-us"}
    async with (
        aiohttp.ClientSession() as session,
        httpx.AsyncClient(base_url=base, headers=headers, timeout=PATIENCE) as cloud,
    ):
        client = AsyncWebClient(token=token, base_url=api, session=session if fast else None)
        app = AsyncApp(client=client, signing_secret=secret, process_before_response=fast)
        tasks: set[asyncio.Task[None]] = set()

        async def in_a_task(work: Coroutine[Any, Any, None]) -> None:
            task = asyncio.create_task(work)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        async def at_once(work: Coroutine[Any, Any, None]) -> None:
            await work

        listen(app, Bare(client, cloud), in_a_task if fast else at_once)
        await serve(app, port)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
