"""`python -m bot store copy --to URL`: copy everything into another, empty database, and verify its audit trail."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

from bot.core.audit import AuditVerdict, verify_audit
from bot.core.errors import StorageUnavailable
from bot.environment import SettingsError
from bot.logs import Redactor
from bot.settings import read_database_url
from bot.storage.copy import CopiedRows, SourceChanged, TargetNotEmpty, copy_storage
from bot.storage.opening import open_readonly, open_storage
from bot.storage.urls import sqlite_path

EXIT_OK, EXIT_NOT_COPIED, EXIT_BAD_URL = 0, 1, 2


def run_copy(environ: Mapping[str, str], target_url: str) -> int:
    """Copy what DATABASE_URL names; 0 when the copy and its audit trail are whole, 1 when not, 2 for a wrong URL."""
    redact = Redactor()
    try:
        source_url = read_database_url(environ)
        if _is_same_database(source_url, target_url):
            return _fail(EXIT_BAD_URL, "--to names the database that is to be copied")
        copied, verdict = asyncio.run(_copy(source_url, target_url))
    except (SettingsError, ValueError) as error:
        return _fail(EXIT_BAD_URL, redact(str(error)))
    except TargetNotEmpty:
        reason = "the new database has rows already, or a copy into it was broken off: name an empty one"
        return _fail(EXIT_NOT_COPIED, reason)
    except SourceChanged as error:
        remedy = "What was written to the new database cannot be used: empty it and copy again."
        return _fail(EXIT_NOT_COPIED, f"the old database was written meanwhile: {error}. {remedy}")
    except StorageUnavailable as error:
        return _fail(EXIT_NOT_COPIED, redact(str(error)))
    print(f"Copied {copied.upgrades} upgrades and {copied.audit_rows} rows of the audit trail.")
    if not verdict.is_whole:
        broken = f"broken at row {verdict.number} ({verdict.broken}), as it is in the old one"
        return _fail(EXIT_NOT_COPIED, f"the copy is complete, but the audit trail is {broken}: see `audit --verify`")
    print(f"The audit trail is whole there: {verdict.rows} rows. Now set DATABASE_URL to it and start the bot.")
    return EXIT_OK


async def _copy(source_url: str, target_url: str) -> tuple[CopiedRows, AuditVerdict]:
    async with AsyncExitStack() as stack:
        source = await open_readonly(source_url)
        stack.push_async_callback(source.close)
        await source.audit_head()  # fails, before the target is created, when there is nothing to copy
        target = await open_storage(target_url)
        stack.push_async_callback(target.close)
        copied = await copy_storage(source, target)
        return copied, await verify_audit(target)


def _is_same_database(source_url: str, target_url: str) -> bool:
    urls = (source_url, target_url)
    if all(url.startswith("sqlite://") for url in urls):
        source_path, target_path = (sqlite_path(url).resolve() for url in urls)
        return source_path == target_path
    return source_url == target_url


def _fail(exit_code: int, reason: str) -> int:
    """Print the reason; returns the exit code."""
    print(f"store copy: {reason}", file=sys.stderr)
    return exit_code
