"""`python -m bot store copy --to URL`: everything into another, empty database, and its audit trail checked there."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from bot.core.reasons import StoreAway
from bot.hiding import Hiding
from bot.operating.audit import database_url
from bot.reading import SettingsError
from bot.store import open_store
from bot.store.copy import Copied, NotEmpty, SourceChanged, copy_store
from bot.store.opening import open_to_read, sqlite_path
from bot.store.verify import Verdict, verify

FINE, NOT_COPIED, UNUSABLE = 0, 1, 2
START_OVER = "What was written to the new database cannot be used: empty it and copy again."


def run_copy(environ: Mapping[str, str], target_url: str) -> int:
    """Copy what DATABASE_URL names; 0 when all of it is there and the chain holds, 1 when not, 2 for a wrong URL."""
    hide = Hiding()
    try:
        source_url = database_url(environ)
        if _same(source_url, target_url):
            return _wrong(UNUSABLE, "--to names the database that is to be copied")
        copied, verdict = asyncio.run(_copy(source_url, target_url))
    except (SettingsError, ValueError) as error:
        return _wrong(UNUSABLE, hide(str(error)))
    except NotEmpty:
        return _wrong(
            NOT_COPIED, "the new database has rows already, or a copy into it was broken off: name an empty one"
        )
    except SourceChanged as changed:
        return _wrong(NOT_COPIED, f"the old database was written meanwhile: {changed}. {START_OVER}")
    except StoreAway as away:
        return _wrong(NOT_COPIED, hide(str(away)))
    print(f"Copied {copied.upgrades} upgrades and {copied.audit_rows} rows of the audit trail.")
    if not verdict.is_whole:
        broken = f"broken at row {verdict.number} ({verdict.broken}), as it is in the old one"
        return _wrong(NOT_COPIED, f"the copy is complete, but the audit trail is {broken}: see `audit --verify`")
    print(f"The audit trail is whole there: {verdict.rows} rows. Now set DATABASE_URL to it and start the bot.")
    return FINE


async def _copy(source_url: str, target_url: str) -> tuple[Copied, Verdict]:
    """The old one is only read, and never made when it is not there."""
    async with AsyncExitStack() as stack:
        source = await open_to_read(source_url)
        stack.push_async_callback(source.close)
        await source.audit_head()  # before the new one is made: there is something to copy
        target = await open_store(target_url)
        stack.push_async_callback(target.close)
        copied = await copy_store(source, target)
        return copied, await verify(target)


def _same(source_url: str, target_url: str) -> bool:
    """Whether both name one database."""
    urls = (source_url, target_url)
    if all(url.startswith("sqlite://") for url in urls):
        old, new = (sqlite_path(url.partition("://")[2]) for url in urls)
        return Path(old).resolve() == Path(new).resolve()
    return source_url == target_url


def _wrong(code: int, why: str) -> int:
    """Say what went wrong; the exit code."""
    print(f"store copy: {why}", file=sys.stderr)
    return code
