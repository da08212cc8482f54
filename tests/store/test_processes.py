"""Several processes on one database, and one that is killed in the middle of writing."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.core.upgrade import State
from bot.store import open_store
from bot.store.verify import verify
from tests.store.examples import confirmed, entry, question

HOME = Path(__file__).parents[2]
Start = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a writing process; it begins when `go` is called."""
    async with AsyncExitStack() as stack:

        async def started(*arguments: object) -> Process:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.store.writing", *map(str, arguments), cwd=HOME, stdin=PIPE, stdout=PIPE
            )
            stack.push_async_callback(ended, process)
            return process

        yield started


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def go(*processes: Process) -> None:
    """Let them begin at the same time, once all are ready."""
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write(b"go\n")


async def answers(process: Process) -> list[tuple[str, str]]:
    assert process.stdout
    lines = (await process.stdout.read()).decode().splitlines()
    return [(line.split()[0], line.split()[1]) for line in lines if len(line.split()) == 2]


async def test_a_click_in_several_processes_has_one_winner(store_url: str, start: Start) -> None:
    store = await open_store(store_url)
    for number in range(50):
        await store.add(question(number), entry())
    processes = [await start(store_url, "click", 0, 50) for _ in range(2)]

    await go(*processes)
    told = [answer for process in processes for answer in await answers(process)]

    assert Counter(verdict for verdict, _ in told) == {"won": 50, "lost": 50}
    assert len({upgrade_id for verdict, upgrade_id in told if verdict == "won"}) == 50
    assert (await verify(store)).rows == 100
    assert (await verify(store)).is_whole
    await store.close()


async def test_what_a_killed_process_was_told_is_there(store_url: str, start: Start) -> None:
    for attempt in range(3):
        process = await start(store_url, "write", attempt * 100_000, 100_000)
        await go(process)
        assert process.stdout
        won = [(await process.stdout.readline()).decode().split()[1] for _ in range(50 + 37 * attempt)]
        process.kill()
        won += [upgrade_id for verdict, upgrade_id in await answers(process) if verdict == "won"]

        store = await open_store(store_url)
        stored = {upgrade.id: upgrade async for upgrade in store.upgrades()}
        assert all(stored[upgrade_id].state is State.SENDING for upgrade_id in won)
        whats = Counter([row.entry.what async for row in store.audit()])
        assert whats["asked"] == len(stored)
        assert whats["confirmed"] == sum(upgrade.state is State.SENDING for upgrade in stored.values())
        assert (await verify(store)).is_whole
        await store.ping()
        await store.close()


async def test_the_schema_is_made_once_by_many_who_start_at_once(store_url: str, start: Start) -> None:
    processes = [await start(store_url, "write", 100 * number, 5) for number in range(3)]
    await go(*processes)
    assert [len(await answers(process)) for process in processes] == [5, 5, 5]
    assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_a_hundred_clicks_over_two_stores_have_one_winner(store_url: str) -> None:
    stores = [await open_store(store_url) for _ in range(2)]
    asked = question(1)
    await stores[0].add(asked, entry())

    clicks = (store.save(asked, confirmed(asked), entry("confirmed")) for store in stores * 50)
    saved = await asyncio.gather(*clicks)

    assert sum(row is not None for row in saved) == 1
    assert (await stores[1].audit_head())[0] == 2
    for store in stores:
        await store.close()


async def test_stores_opened_at_the_same_time_agree_on_the_schema(store_url: str) -> None:
    urls = [f"{store_url}{number}" for number in range(10)] if store_url.startswith("sqlite") else [store_url]
    for url in urls:
        stores = await asyncio.gather(*(open_store(url) for _ in range(8)))
        for store in stores:
            await store.ping()
            await store.close()
