"""Connections to PostgreSQL, directly or through a pooler (PgBouncer), and what its errors mean."""

import asyncio
import configparser
import logging
import random
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from bot.core.errors import StorageUnavailable
from bot.storage.urls import CONNECT_SECONDS, PostgresUrl

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    from bot.storage.migrations import Connection

log = logging.getLogger("bot.storage")
T = TypeVar("T")
TIMEOUT_SECONDS = 10.0  # of a statement, and of waiting for a connection or a lock
MAX_CONNECTIONS = 6
MAX_ATTEMPTS = 4
CACHED_STATEMENTS = 100
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
RETRYABLE_ERRORS = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)  # rolled back as a whole: safe to repeat
JOB_ERRORS = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)  # bugs of ours: repeating changes nothing
UNAVAILABLE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
# After these another of several hosts may do; after any other, say a wrong password, it would not.
NEXT_HOST_ERRORS = (
    OSError,
    TimeoutError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.exceptions.TargetServerAttributeNotMatched,
)
UTF8 = ("UTF8", "UNICODE")


class PostgresPool:
    """Runs jobs, each on a connection of its own; one that broke, or whose server became read-only, is replaced.

    The settings of a session are given when it begins. A pooler between us and the server may refuse them, forget them,
    and give every transaction another session: then every job is a transaction that begins with its settings, and no
    statement is prepared by name.
    """

    def __init__(self, url: PostgresUrl, timeout_seconds: float) -> None:
        milliseconds = str(round(timeout_seconds * 1000))
        self._url = url
        self._hosts = list(url.hosts)
        self._timeout_seconds = timeout_seconds
        self._session_settings = {
            "synchronous_commit": "on",  # whatever the server's default is: what was sent must not be forgotten
            "lock_timeout": milliseconds,
            # A process that is stopped in the middle of a transaction must not hold up the other replicas.
            "idle_in_transaction_session_timeout": milliseconds,
        }
        self._pool: asyncpg.Pool[asyncpg.Record]
        self.is_pooled = False

    @classmethod
    async def open(cls, url: PostgresUrl, timeout_seconds: float = TIMEOUT_SECONDS) -> "PostgresPool":
        """Connect; no statement takes longer than `timeout_seconds`, and no frozen process holds a lock for longer.

        Raises ValueError when this database can never be used, `StorageUnavailable` when it cannot be used now.
        """
        pool = cls(url, timeout_seconds)
        # With a least size of 1 the pool would connect by itself and log a traceback whenever that fails.
        pool._pool = await asyncpg.create_pool(
            min_size=0, max_size=MAX_CONNECTIONS, connect=pool._connect, reset=_keep_session
        )
        try:
            async with pool._pool.acquire():
                return pool
        except BaseException as error:
            await pool.close()
            if isinstance(error, UNAVAILABLE_ERRORS):
                raise unavailable(error) from error
            raise

    async def run(self, job: "Callable[[Connection], Awaitable[T]]") -> T:
        """The job's result, each statement in a transaction of its own; the job must be one that may run again."""
        return await self._run(job, in_transaction=False)

    async def transaction(self, job: "Callable[[Connection], Awaitable[T]]") -> T:
        """The job's result, all of the job in one transaction."""
        return await self._run(job, in_transaction=True)

    async def close(self) -> None:
        """Let running jobs finish, then close the connections."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _run(self, job: "Callable[[Connection], Awaitable[T]]", *, in_transaction: bool) -> T:
        connecting = self._url.connect_seconds * max(1, len(self._hosts))
        patience = self._timeout_seconds + max(0.0, connecting - CONNECT_SECONDS)
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                async with self._pool.acquire(timeout=patience) as connection:
                    if in_transaction or self.is_pooled:
                        return await self._in_transaction(connection, job)
                    return await job(connection)
            except RETRYABLE_ERRORS as error:
                if attempt == MAX_ATTEMPTS:
                    raise unavailable(error) from error
                await asyncio.sleep(random.uniform(0.01, 0.05) * attempt)
            except JOB_ERRORS:
                raise
            except asyncpg.ReadOnlySQLTransactionError as error:
                # The server is no primary any more; whoever is now is found by connecting again.
                await self._pool.expire_connections()
                raise unavailable(error) from error
            except UNAVAILABLE_ERRORS as error:
                raise unavailable(error) from error
            except ValueError as error:  # a server that can never be used has taken the place of the one before
                raise StorageUnavailable(f"PostgreSQL: {error}") from error
        raise AssertionError("the last attempt returns or raises")

    async def _in_transaction(self, connection: "Connection", job: "Callable[[Connection], Awaitable[T]]") -> T:
        """One round trip begins the transaction and gives it its settings, one ends it."""
        settings = [f"SET LOCAL {name} = '{value}'" for name, value in self._session_settings.items()]
        await connection.execute("; ".join([BEGIN, *settings] if self.is_pooled else [BEGIN]))
        try:
            result = await job(connection)
            status = await connection.execute("COMMIT")
        except BaseException:
            await _roll_back(connection)
            raise
        if status != "COMMIT":
            raise StorageUnavailable(f"PostgreSQL: the transaction was not committed but ended as {status}")
        return result

    async def _connect(self, *_: Any, **pool_arguments: Any) -> "asyncpg.Connection[asyncpg.Record]":
        """A connection to the first host that will do, the last good one first; what the pool asks for is added."""
        error: BaseException | None = None
        targets: list[tuple[str, int] | None] = [*self._hosts] or [None]
        for target in targets:
            host = {} if target is None else {"host": [target[0]], "port": [target[1]]}
            try:
                connection = await self._connect_to({**self._url.driver_arguments(), **host, **pool_arguments})
            except NEXT_HOST_ERRORS as host_error:
                error = error or host_error
                continue
            self._hosts.sort(key=lambda known: known != target)
            return connection
        assert error is not None
        raise error

    async def _connect_to(self, arguments: dict[str, Any]) -> "asyncpg.Connection[asyncpg.Record]":
        settings = {**self._url.server_settings}
        if not self.is_pooled:
            try:
                connection = await _driver_connect(
                    arguments, {**self._session_settings, **settings}, CACHED_STATEMENTS, self._timeout_seconds
                )
            except asyncpg.PostgresError as error:
                # With sslmode=prefer the driver has tried again without TLS: the first reason is the second's cause.
                if not any("startup parameter" in str(reason) for reason in (error, error.__cause__)):
                    raise
            else:
                if await _is_direct(connection):
                    return connection
                connection.terminate()
            self.is_pooled = True
            log.info("storage.pooler", extra={"reason": "a pooler stands before the database: settings by transaction"})
        return await _driver_connect(arguments, settings, 0, self._timeout_seconds)


async def _driver_connect(
    arguments: dict[str, Any], server_settings: dict[str, str], cached_statements: int, timeout_seconds: float
) -> "asyncpg.Connection[asyncpg.Record]":
    """Connect to a database that keeps any text; raises ValueError when this can never succeed."""
    try:
        connection: asyncpg.Connection[asyncpg.Record] = await asyncpg.connect(
            **arguments,
            server_settings=server_settings,
            statement_cache_size=cached_statements,
            command_timeout=timeout_seconds,
        )
    except ssl.SSLError:  # one of them is a ValueError, too
        raise
    # KeyError: an account without a name; configparser.Error: a service file that is none.
    except (asyncpg.ClientConfigurationError, ValueError, KeyError, configparser.Error) as error:
        reason = str(error).partition("\n")[0]
        if "root certificate" in reason:
            reason += "; sslrootcert names it (sslrootcert=system: the authorities that this machine trusts)"
        raise ValueError(f"the driver cannot use it: {reason}") from None
    encoding = str(getattr(connection.get_settings(), "server_encoding", UTF8[0]))
    if encoding.upper().replace("-", "") not in UTF8:
        connection.terminate()
        raise ValueError(
            f"the encoding of the database is {encoding}, which cannot keep every name:"
            " make one with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    return connection


async def _is_direct(connection: "asyncpg.Connection[asyncpg.Record]") -> bool:
    """Whether the session is with the server itself: a pooler tells another process id than the server's.

    In SQL without parameters: asyncpg prepares no statement for it.
    """
    try:
        await connection.execute(f"SELECT 1 / (pg_backend_pid() = {connection.get_server_pid()})::integer")
    except asyncpg.DivisionByZeroError:
        return False
    except BaseException:
        connection.terminate()
        raise
    return True


async def _roll_back(connection: "Connection") -> None:
    """Undo what is open; a connection on which that fails is cut, which undoes it as well."""
    if connection.is_closed():
        return
    try:
        await connection.execute("ROLLBACK")
    except UNAVAILABLE_ERRORS:
        with suppress(*UNAVAILABLE_ERRORS):
            connection.terminate()


async def _keep_session(_: "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]") -> None:
    """Between two jobs nothing has to be reset: what a job sets ends with its transaction. Saves a round trip."""


def unavailable(error: BaseException) -> StorageUnavailable:
    """The exception for an error of the driver: its first line, or its type."""
    if isinstance(error, StorageUnavailable):
        return error
    first_line = str(error).partition("\n")[0]
    if isinstance(error, TimeoutError) and not first_line:
        first_line = "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        first_line = f"TLS: the server's certificate is not accepted: {error.verify_message or error.reason}"
    elif isinstance(error, ssl.SSLError):
        first_line = f"TLS: {error.reason or first_line}"
    elif "SSL" in first_line:
        first_line = f"TLS: {first_line}"
    return StorageUnavailable(f"PostgreSQL: {first_line or type(error).__name__}")
