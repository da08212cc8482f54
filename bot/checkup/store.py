"""The database: reachable, writable, on today's schema."""

from bot.checkup.check import Note, failed, passed, warned
from bot.core.reasons import StoreAway
from bot.store.probing import Condition, probe

LEAST_FREE_BYTES = 100 * 1024 * 1024
MOST_SKEW_SECONDS = 30.0


async def check_store(note: Note, url: str) -> None:
    """Look at it without changing it."""
    try:
        found = await probe(url)
    except ValueError as wrong:
        note(failed("store.reached", f"DATABASE_URL: {wrong}", "DATABASE_URL: sqlite:///file.db or postgresql://…"))
        return
    except StoreAway as away:
        note(failed("store.reached", str(away), _remedy(url)))
        return
    note(passed("store.reached", f"{found.place} can be reached and written"))
    _check_schema(note, found)
    if found.free_bytes is not None and found.free_bytes < LEAST_FREE_BYTES:
        seen = f"only {found.free_bytes // 1024**2} MiB are free on its disk"
        note(warned("store.space", seen, "make room: a full disk stops every upgrade"))
    if found.clock_ahead is not None and abs(found.clock_ahead) > MOST_SKEW_SECONDS:
        seen = f"the database's clock is {found.clock_ahead:+.0f} s off this machine's"
        note(warned("store.clock", seen, "set both clocks (NTP): the database's says what is due"))


def _check_schema(note: Note, found: Condition) -> None:
    """Its tables against those that this version makes."""
    if not found.has_tables:
        note(passed("store.schema", "there are no tables yet: the first start makes them"))
    elif found.is_being_filled:
        remedy = "let `store copy` end; if it was broken off, empty the database and copy again"
        note(failed("store.schema", "another store is being copied into it, or such a copy was broken off", remedy))
    elif found.missing_steps:
        remedy = "start the bot: it takes the missing steps by itself"
        note(warned("store.schema", f"{found.missing_steps} step(s) behind this version", remedy))
    elif found.newer_steps:
        remedy = "bring this replica to the version of the others"
        note(warned("store.schema", f"{found.newer_steps} step(s) of a newer version", remedy))
    else:
        note(passed("store.schema", "up to date"))


def _remedy(url: str) -> str:
    """What to do when it cannot be used."""
    if url.startswith("sqlite"):
        return "DATABASE_URL: a file in a folder that the bot's user may write, on a disk with room"
    return "DATABASE_URL: check host, port, user, password and database, and that the user may write there"
