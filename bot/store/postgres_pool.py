"""Connections to PostgreSQL: few, bounded in time, tried again where that is safe; what is left is `StoreAway`."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import asyncpg

from bot.core.reasons import StoreAway

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

T = TypeVar("T")
MOST_CONNECTIONS = 6
CONNECT_SECONDS = 5.0
ATTEMPTS = 4
AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)  # rolled back as a whole: safe to repeat
OF_THE_JOB = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)  # a mistake of ours, however often tried
AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError)


class PostgresPool:
    """Runs jobs, each on a connection of its own; a connection that broke is replaced by itself."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", patience_seconds: float) -> None:
        self._pool = pool
        self._patience_seconds = patience_seconds

    @classmethod
    async def open(cls, url: str, patience_seconds: float) -> "PostgresPool":
        """Connect; no statement takes longer than `patience_seconds`, no lock is held longer by one who is frozen."""
        milliseconds = str(round(patience_seconds * 1000))
        try:
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=MOST_CONNECTIONS,
                timeout=CONNECT_SECONDS,
                command_timeout=patience_seconds,
                server_settings={
                    "application_name": "starrocks-upgrade-bot",
                    "lock_timeout": milliseconds,
                    # A process that is stopped in the middle of a transaction must not hold up the other replicas.
                    "idle_in_transaction_session_timeout": milliseconds,
                },
            )
        except (ValueError, asyncpg.ClientConfigurationError):
            # The reason repeats parts of the URL, and there is a password in it.
            raise ValueError("the postgresql:// URL cannot be read; special characters are written as %XX") from None
        except AWAY as error:
            raise away(error) from error
        return cls(pool, patience_seconds)

    async def run(self, job: "Callable[[Connection], Awaitable[T]]") -> T:
        """The job's result, each statement on its own; the job must be one that may run again."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                async with self._pool.acquire(timeout=self._patience_seconds) as connection:
                    return await job(connection)
            except AGAIN as error:
                if attempt == ATTEMPTS:
                    raise away(error) from error
                await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)
            except OF_THE_JOB:
                raise
            except AWAY as error:
                raise away(error) from error
        raise AssertionError("the last attempt returns or raises")

    async def transaction(self, job: "Callable[[Connection], Awaitable[T]]") -> T:
        """The same with all of the job in one transaction."""

        async def whole(connection: "Connection") -> T:
            async with connection.transaction(isolation="read_committed"):
                return await job(connection)

        return await self.run(whole)

    async def close(self) -> None:
        """Let running jobs finish, then the connections go."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


def away(error: BaseException) -> StoreAway:
    """What is told of an error: its kind and its first line."""
    said = str(error).partition("\n")[0]
    return StoreAway(f"PostgreSQL: {said or type(error).__name__}")
