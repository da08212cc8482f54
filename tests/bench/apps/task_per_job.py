"""The usual alternative to the bot's poller: one task for each upgrade, which polls its job until the job has ended.

Arguments: how many, and by which client: `httpx` as its documentation writes it, or `bot_client`, the bot's own. It
polls every job every JOB_POLL_SECONDS; the bot polls those more rarely that wait for their maintenance window.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import httpx

from tests.bench.live_upgrades import job_id_of

IN_FLIGHT = 20
Poll = Callable[[str], Awaitable[object]]


async def poll_forever(poll: Poll, number: int, seconds: float) -> None:
    """Poll this job for ever."""
    job_id = job_id_of(number)
    previous: object = None
    await asyncio.sleep(random.uniform(0, seconds))
    while True:
        try:
            job = await poll(job_id)
        except Exception as error:
            print(repr(error), file=sys.stderr)
        else:
            if previous not in (None, job):
                print("changed", job_id)
            previous = job
        await asyncio.sleep(seconds)


@asynccontextmanager
async def httpx_poll() -> AsyncIterator[Poll]:
    """One client for all of them; without the semaphore its pool comes to a standstill under thousands who wait."""
    semaphore = asyncio.Semaphore(IN_FLIGHT)
    headers = {"X-Auth-Token": os.environ["HW_AUTH_TOKEN"], "X-Language": "en-us"}
    base = f"{os.environ['TAURUSDB_ENDPOINT']}/v3/{os.environ['HW_PROJECT_ID']}/"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as cloud:

        async def poll(job_id: str) -> object:
            async with semaphore:
                job = (await cloud.get("jobs", params={"id": job_id})).json()["job"]
            return job["status"], job["process"]

        yield poll


@asynccontextmanager
async def bot_client_poll() -> AsyncIterator[Poll]:
    """The bot's client, which limits the requests in flight."""
    from bot.core.messages import Language
    from bot.taurusdb.auth import ReadyToken
    from bot.taurusdb.client import TaurusDb

    signer = ReadyToken(os.environ["HW_AUTH_TOKEN"])
    async with aclosing(TaurusDb(os.environ["TAURUSDB_ENDPOINT"], os.environ["HW_PROJECT_ID"], signer)) as cloud:
        yield lambda job_id: cloud.job(job_id, Language.EN)


async def main(count: int, client: str) -> None:
    seconds = float(os.environ["JOB_POLL_SECONDS"])
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", int(os.environ["PORT"]))
    async with (
        server,
        (bot_client_poll if client == "bot_client" else httpx_poll)() as poll,
        asyncio.TaskGroup() as group,
    ):
        for number in range(count):
            group.create_task(poll_forever(poll, number, seconds))
        group.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
