"""Several processes on one database, and one that is killed in the middle of writing."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.core.audit import verify_audit
from bot.core.upgrade import State
from bot.storage.opening import open_storage
from tests.storage.examples import confirmed, new_entry, new_upgrade

REPOSITORY = Path(__file__).parents[2]
StartProcess = Callable[..., Awaitable[Process]]


@pytest.fixture
async def start_process() -> AsyncIterator[StartProcess]:
    """Start a writer process; it begins when `begin` is called."""
    async with AsyncExitStack() as stack:

        async def start(*arguments: object) -> Process:
            command = (sys.executable, "-m", "tests.storage.writer_process", *map(str, arguments))
            process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdin=PIPE, stdout=PIPE)
            stack.push_async_callback(end, process)
            return process

        yield start


async def end(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def begin(*processes: Process) -> None:
    """Let them begin at the same time, once all are ready."""
    for process in processes:
        assert process.stdout
        assert await process.stdout.readline() == b"ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write(b"begin\n")


async def answers(process: Process) -> list[tuple[str, str]]:
    """The result and upgrade id of each complete line."""
    assert process.stdout
    lines = (await process.stdout.read()).decode().splitlines()
    return [(line.split()[0], line.split()[1]) for line in lines if len(line.split()) == 2]


async def test_a_click_in_several_processes_has_one_winner(database_url: str, start_process: StartProcess) -> None:
    storage = await open_storage(database_url)
    for number in range(50):
        await storage.add(new_upgrade(number), new_entry())
    processes = [await start_process(database_url, "confirm", 0, 50) for _ in range(2)]

    await begin(*processes)
    all_answers = [answer for process in processes for answer in await answers(process)]

    assert Counter(result for result, _ in all_answers) == {"saved": 50, "lost": 50}
    assert len({upgrade_id for result, upgrade_id in all_answers if result == "saved"}) == 50
    assert (await verify_audit(storage)).rows == 100
    assert (await verify_audit(storage)).is_whole
    await storage.close()


async def test_what_was_confirmed_to_a_killed_process_is_stored(database_url: str, start_process: StartProcess) -> None:
    for attempt in range(3):
        process = await start_process(database_url, "request_and_confirm", attempt * 100_000, 100_000)
        await begin(process)
        assert process.stdout
        saved_ids = [(await process.stdout.readline()).decode().split()[1] for _ in range(50 + 37 * attempt)]
        process.kill()
        saved_ids += [upgrade_id for result, upgrade_id in await answers(process) if result == "saved"]

        storage = await open_storage(database_url)
        stored = {upgrade.id: upgrade async for upgrade in storage.upgrades()}
        assert all(stored[upgrade_id].state is State.SUBMITTING for upgrade_id in saved_ids)
        events = Counter([row.entry.event async for row in storage.audit()])
        assert events["requested"] == len(stored)
        assert events["confirmed"] == sum(upgrade.state is State.SUBMITTING for upgrade in stored.values())
        assert (await verify_audit(storage)).is_whole
        await storage.ping()
        await storage.close()


async def test_the_tables_are_made_once_by_many_who_start_at_once(
    database_url: str, start_process: StartProcess
) -> None:
    processes = [await start_process(database_url, "request_and_confirm", 100 * number, 5) for number in range(3)]
    await begin(*processes)
    assert [len(await answers(process)) for process in processes] == [5, 5, 5]
    assert [await process.wait() for process in processes] == [0, 0, 0]


async def test_a_hundred_clicks_over_two_storages_have_one_winner(database_url: str) -> None:
    storages = [await open_storage(database_url) for _ in range(2)]
    requested = new_upgrade(1)
    await storages[0].add(requested, new_entry())

    clicks = (storage.save(requested, confirmed(requested), new_entry("confirmed")) for storage in storages * 50)
    rows = await asyncio.gather(*clicks)

    assert sum(row is not None for row in rows) == 1
    assert (await storages[1].audit_head())[0] == 2
    for storage in storages:
        await storage.close()


async def test_storages_opened_at_the_same_time_agree_on_the_tables(database_url: str) -> None:
    is_sqlite = database_url.startswith("sqlite")
    urls = [f"{database_url}{number}" for number in range(10)] if is_sqlite else [database_url]
    for url in urls:
        storages = await asyncio.gather(*(open_storage(url) for _ in range(8)))
        for storage in storages:
            await storage.ping()
            await storage.close()
