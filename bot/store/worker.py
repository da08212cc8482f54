"""One thread that owns one SQLite connection: what has queued up while it was busy becomes one transaction.

Each job runs in its own savepoint, so that one that fails does not undo the others. Results are handed to the event
loop only after COMMIT. An error of the database itself fails the whole transaction, and the connection is made anew
for the next one: a lock that is let go, a disk that has room again, a file that is back need no restart.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeAlias, TypeVar

from bot.core.reasons import StoreAway

log = logging.getLogger("bot.store")
T = TypeVar("T")
Connect: TypeAlias = Callable[[], sqlite3.Connection]
Job: TypeAlias = Callable[[sqlite3.Connection], T]

MOST_AT_ONCE = 1000
_OF_THE_JOB = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.NotSupportedError)


@dataclass(frozen=True, slots=True)
class _Order(Generic[T]):
    """A job and who waits for it."""

    job: Job[T]
    waiting: "asyncio.Future[T]"


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a job."""

    waiting: "asyncio.Future[Any]"
    value: Any = None
    error: Exception | None = None

    def hand_over(self) -> None:
        """Wake whoever waits, unless they were cancelled meanwhile."""
        if self.waiting.done():
            return
        if self.error is None:
            self.waiting.set_result(self.value)
        else:
            self.waiting.set_exception(self.error)


def _hand_over(outcomes: list[_Outcome]) -> None:
    for outcome in outcomes:
        outcome.hand_over()


class Worker:
    """Runs jobs on its thread, in the order they were given.

    `connect` makes the connection, `place` says which file is there now, `begin` is how a transaction starts.
    """

    def __init__(self, name: str, connect: Connect, place: Callable[[], object], begin: str) -> None:
        self._connect = connect
        self._place = place
        self._opened: object = None
        self._begin = begin
        self._connection: sqlite3.Connection | None = None
        self._orders: SimpleQueue[_Order[Any] | None] = SimpleQueue()
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    async def run(self, job: Job[T]) -> T:
        """The job's result, once it is committed; raises `StoreAway`, or what the job itself raised."""
        if self._closed:
            raise StoreAway("the store is closed")
        order: _Order[T] = _Order(job, self._loop.create_future())
        self._orders.put(order)
        return await order.waiting

    async def close(self) -> None:
        """Finish what is queued, let the connection go."""
        if not self._closed:
            self._closed = True
            self._orders.put(None)
        await asyncio.shield(self._ended)

    def _serve(self) -> None:
        """The thread's whole life."""
        while True:
            orders, ends = self._next()
            if orders:
                outcomes = self._transaction(orders)
                self._tell_loop(partial(_hand_over, outcomes))
            if ends:
                break
        self._drop()
        self._tell_loop(partial(_hand_over, [_Outcome(self._ended)]))

    def _next(self) -> tuple[list[_Order[Any]], bool]:
        """Wait for one order, take all that have queued up behind it; whether these are the last."""
        order = self._orders.get()
        orders = []
        while order is not None:
            orders.append(order)
            if len(orders) == MOST_AT_ONCE:
                break
            try:
                order = self._orders.get_nowait()
            except Empty:
                return orders, False
        return orders, order is None

    def _transaction(self, orders: list[_Order[Any]]) -> list[_Outcome]:
        """All of them in one transaction; if that fails, none of them."""
        try:
            connection = self._connected()
            connection.execute(self._begin)
            outcomes = [self._one(connection, order) for order in orders]
            connection.execute("COMMIT")
        except Exception as error:  # whatever it is: those who wait have to hear of it, and the thread has to live
            self._drop()
            if not isinstance(error, sqlite3.Error | OSError | StoreAway):
                log.exception("store.failed")
            return [_Outcome(order.waiting, error=StoreAway(f"SQLite: {error}")) for order in orders]
        return outcomes

    def _one(self, connection: sqlite3.Connection, order: _Order[Any]) -> _Outcome:
        """One job in its savepoint."""
        connection.execute("SAVEPOINT job")
        try:
            outcome = _Outcome(order.waiting, order.job(connection))
        except Exception as error:
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _OF_THE_JOB):
                raise
            connection.execute("ROLLBACK TO job")
            outcome = _Outcome(order.waiting, error=error)
        connection.execute("RELEASE job")
        return outcome

    def _connected(self) -> sqlite3.Connection:
        """The connection; a new one when the file was removed or replaced under it, whose rows nobody else sees."""
        if self._connection is not None and self._place() != self._opened:
            self._drop()
        if self._connection is None:
            self._connection = self._connect()
            self._opened = self._place()
        return self._connection

    def _drop(self) -> None:
        """Let the connection go; an open transaction is rolled back by that."""
        if self._connection is not None:
            with suppress(sqlite3.Error):  # it is given up because it failed; a second failure says nothing new
                self._connection.close()
            self._connection = None

    def _tell_loop(self, news: Callable[[], object]) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            self._loop.call_soon_threadsafe(news)
