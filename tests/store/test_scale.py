"""Long trails and many live rows: bounded memory, and time that does not grow with what has ended."""

import tracemalloc

from bot.core.audit import GENESIS
from bot.core.upgrade import State
from bot.store.chain import chained
from bot.store.opening import AnyStore
from bot.store.sql import LIVE_STATES, OPEN_STATES
from bot.store.verify import Verdict, verify
from tests.store.examples import entry, question, run_in

ROWS = 30_000
BATCH = 5000
MEGABYTE = 1 << 20


async def fill(store: AnyStore) -> None:
    """A trail of so many rows, written the quick way."""
    await store.begin_filling()
    count, last = 0, GENESIS
    for _ in range(ROWS // BATCH):
        rows = chained(count, last, [entry("denied", n) for n in range(BATCH)])
        await store.fill((), rows)
        count, last = rows[-1].number, rows[-1].hash
    await store.end_filling(count, last)


async def test_a_long_trail_is_verified_in_little_memory(store: AnyStore) -> None:
    await fill(store)
    tracemalloc.start()
    try:
        assert await verify(store) == Verdict(ROWS)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8 * MEGABYTE


async def test_the_loop_s_questions_go_by_an_index(store: AnyStore, store_url: str) -> None:
    await store.fill([question(n, state=State.COMPLETED) for n in range(5000)], ())
    questions = {
        "upgrades_due": "SELECT id FROM upgrades WHERE due_at <= 5 ORDER BY due_at LIMIT 10",
        "upgrades_live": f"SELECT id FROM upgrades WHERE instance_id = 'x' AND state IN ({LIVE_STATES})",
        "upgrades_message": "SELECT id FROM upgrades WHERE channel_id = 'C1' AND message_ts = '1.5'",
        "upgrades_open": f"SELECT id FROM upgrades WHERE state IN ({OPEN_STATES}) ORDER BY asked_at DESC LIMIT 10",
        "upgrades_asked": "SELECT id FROM upgrades ORDER BY asked_at DESC, id DESC LIMIT 10",
    }
    explain = "EXPLAIN QUERY PLAN" if store_url.startswith("sqlite") else "EXPLAIN"
    if explain == "EXPLAIN":
        await run_in(store_url, "ANALYZE upgrades")
    for index, statement in questions.items():
        plan = str(await run_in(store_url, f"{explain} {statement}"))
        assert index in plan, plan
