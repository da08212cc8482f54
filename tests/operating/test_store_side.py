"""The doctor on the database's side, and at the bot's own door."""

import asyncio
import sqlite3
from pathlib import Path

from aiohttp import web

from bot.checkup.check import Verdict
from bot.store import open_store
from tests.operating.bench import Bench, failing, wrong
from tests.store.examples import run_in


async def filled(url: str) -> None:
    """Make the tables."""
    await (await open_store(url)).close()


async def test_a_database_of_today_is_looked_at_and_left_as_it_was(at: Bench, store_url: str) -> None:
    await filled(store_url)
    store = await open_store(store_url)
    before = await store.audit_head()
    found = await at.look(DATABASE_URL=store_url)
    assert wrong(found) == {}
    assert found["store.schema"].seen == "up to date"
    assert await store.audit_head() == before
    await store.close()


async def test_an_empty_database_is_made_at_the_first_start(at: Bench, store_url: str) -> None:
    found = await at.look(DATABASE_URL=store_url)
    assert wrong(found) == {}
    assert "the first start makes them" in found["store.schema"].seen


async def test_a_schema_that_is_behind(at: Bench, store_url: str) -> None:
    await filled(store_url)
    await run_in(store_url, "DELETE FROM schema_steps")
    check = (await at.look(DATABASE_URL=store_url))["store.schema"]
    assert check.verdict is Verdict.WARN
    assert check.remedy == "start the bot: it takes the missing steps by itself"


async def test_a_schema_of_a_newer_version(at: Bench, store_url: str) -> None:
    await filled(store_url)
    await run_in(store_url, "INSERT INTO schema_steps (number) VALUES (999)")
    check = (await at.look(DATABASE_URL=store_url))["store.schema"]
    assert check.verdict is Verdict.WARN
    assert "version of the others" in check.remedy


async def test_a_copy_that_was_broken_off(at: Bench, store_url: str) -> None:
    await filled(store_url)
    await run_in(store_url, "UPDATE audit_head SET count = -1")
    check = (await at.look(DATABASE_URL=store_url))["store.schema"]
    assert check.verdict is Verdict.FAIL
    assert "copy again" in check.remedy


async def test_a_folder_that_is_not_there(at: Bench) -> None:
    found = await at.look(DATABASE_URL=f"sqlite:///{at.folder}/nowhere/bot.db")
    assert failing(found) == {"store.reached"}
    assert "a folder that the bot's user may write" in found["store.reached"].remedy


async def test_a_file_that_is_no_database(at: Bench) -> None:
    (at.folder / "bot.db").write_text("no database, but long enough to be taken for one " * 40)
    found = await at.look(DATABASE_URL=f"sqlite:///{at.folder}/bot.db")
    assert "not a database" in found["store.reached"].seen


async def test_a_database_of_another_program(at: Bench) -> None:
    await asyncio.to_thread(_other_programs, at.folder / "bot.db")
    found = await at.look(DATABASE_URL=f"sqlite:///{at.folder}/bot.db")
    assert "another program's tables" in found["store.reached"].seen


async def test_a_database_that_another_process_holds(at: Bench) -> None:
    url = f"sqlite:///{at.folder}/bot.db"
    await filled(url)
    holder = sqlite3.connect(at.folder / "bot.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    found = await at.look(DATABASE_URL=url)
    holder.close()
    assert failing(found) == {"store.reached"}
    assert "locked" in found["store.reached"].seen


async def test_a_database_that_takes_no_writes(at: Bench) -> None:
    url = f"sqlite:///{at.folder}/bot.db"
    await filled(url)
    refuse = "CREATE TRIGGER refuse BEFORE UPDATE ON pulse BEGIN SELECT RAISE(ABORT, 'no writes here'); END"
    await run_in(url, refuse)
    found = await at.look(DATABASE_URL=url)
    assert failing(found) == {"store.reached"}
    assert "no writes here" in found["store.reached"].seen


async def test_a_url_that_no_database_is_behind(at: Bench) -> None:
    found = await at.look(DATABASE_URL="postgresql://bot@127.0.0.1:port/bot")
    assert "DATABASE_URL: it cannot be read" in found["store.reached"].seen


async def test_a_postgresql_that_is_away_does_not_tell_the_password(at: Bench) -> None:
    found = await at.look(DATABASE_URL="postgresql://bot:a-real-password@127.0.0.1:9/bot")
    assert failing(found) == {"store.reached"}
    assert "check host, port, user, password" in found["store.reached"].remedy
    assert "a-real-password" not in str(found)


async def test_a_postgresql_that_may_only_be_read(at: Bench, postgres_url: str) -> None:
    await filled(postgres_url)
    name = postgres_url.rpartition("/")[2].partition("?")[0]
    await run_in(postgres_url, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    found = await at.look(DATABASE_URL=postgres_url)
    assert "read-only" in found["store.reached"].seen


async def test_a_port_that_another_program_has(at: Bench) -> None:
    server = web.AppRunner(web.Application())
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    found = await at.look_at(at.http(PORT=str(server.addresses[0][1])))
    await server.cleanup()
    assert failing(found) == {"web.port"}
    assert "PORT: choose another one" in found["web.port"].remedy


async def test_a_port_that_a_bot_has(at: Bench) -> None:
    async def healthz(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    server = web.AppRunner(app)
    await server.setup()
    await web.TCPSite(server, "127.0.0.1", 0).start()
    found = await at.look_at(at.http(PORT=str(server.addresses[0][1])))
    await server.cleanup()
    assert "a bot listens" in found["web.port"].seen


async def test_a_host_that_is_none_of_this_machine(at: Bench) -> None:
    found = await at.look_at(at.http(HOST="203.0.113.1"))
    assert failing(found) == {"web.port"}
    assert "HOST" in found["web.port"].remedy


async def test_a_signing_secret_that_does_not_look_like_one(at: Bench) -> None:
    found = await at.look_at(at.http(SLACK_SIGNING_SECRET="something-else"))
    assert wrong(found) == {"slack.signing_secret": Verdict.WARN}
    assert "Signing Secret from Basic Information" in found["slack.signing_secret"].remedy


async def test_http_mode_says_what_cannot_be_tried(at: Bench) -> None:
    found = await at.look_at(at.http())
    assert wrong(found) == {}
    assert found["slack.requests"].verdict is Verdict.SKIPPED
    assert "slack.socket" not in found


def _other_programs(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE things (id integer)")
    connection.commit()
    connection.close()
