"""What is usually written instead: one task for each upgrade, which asks for its job until the job has ended.

Arguments: how many, and by which client — `httpx` as its documentation writes it, or `ours`, the bot's own. It asks for
every job every JOB_POLL_SECONDS; the bot asks more rarely for those that wait for their maintenance window.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from tests.bench.living import job_id_of

IN_FLIGHT = 20
Look = Callable[[str], Awaitable[object]]


async def follow(look: Look, number: int, seconds: float) -> None:
    """Ask for this job for ever."""
    job_id = job_id_of(number)
    shown: object = None
    await asyncio.sleep(random.uniform(0, seconds))
    while True:
        try:
            seen = await look(job_id)
        except Exception as error:
            print(repr(error), file=sys.stderr)
        else:
            if shown not in (None, seen):
                print("changed", job_id)
            shown = seen
        await asyncio.sleep(seconds)


@asynccontextmanager
async def by_httpx() -> AsyncIterator[Look]:
    """One client for all of them; without the semaphore its pool comes to a standstill under thousands who wait."""
    room = asyncio.Semaphore(IN_FLIGHT)
    headers = {"X-Auth-Token": os.environ["HW_AUTH_TOKEN"], "X-Language": "en-us"}
    base = f"{os.environ['TAURUSDB_ENDPOINT']}/v3/{os.environ['HW_PROJECT_ID']}/"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60) as cloud:

        async def look(job_id: str) -> object:
            async with room:
                job = (await cloud.get("jobs", params={"id": job_id})).json()["job"]
            return job["status"], job["process"]

        yield look


@asynccontextmanager
async def by_ours() -> AsyncIterator[Look]:
    """The bot's client, which lets few requests in flight."""
    from bot.core.sentence import Language
    from bot.taurusdb.auth import ReadyToken
    from bot.taurusdb.client import TaurusDb

    signer = ReadyToken(os.environ["HW_AUTH_TOKEN"])
    async with TaurusDb(os.environ["TAURUSDB_ENDPOINT"], os.environ["HW_PROJECT_ID"], signer) as cloud:
        yield lambda job_id: cloud.job(job_id, Language.EN)


async def main(many: int, client: str) -> None:
    seconds = float(os.environ["JOB_POLL_SECONDS"])
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", int(os.environ["PORT"]))
    async with server, (by_ours if client == "ours" else by_httpx)() as look, asyncio.TaskGroup() as group:
        for number in range(many):
            group.create_task(follow(look, number, seconds))
        group.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
