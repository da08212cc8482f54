"""News to Slack: delivered in order, written down as told, told again later when Slack did not take it."""

import asyncio
import logging
from collections.abc import Callable, Set
from functools import partial
from weakref import WeakValueDictionary

from bot.core import telling
from bot.core.audit import AuditEntry
from bot.core.ports import Store, Thread
from bot.core.reasons import SlackAway, SlackRefused, Undelivered
from bot.core.upgrade import EDITS, News, State, Upgrade
from bot.flow.changing import change, no_entries

log = logging.getLogger("bot.telling")
Book = Callable[[Upgrade], Upgrade]
EVERYTHING = frozenset(News)


class Teller:
    """Brings what a row has untold to Slack; after a crash a message may come twice, never not at all."""

    def __init__(self, store: Store, thread: Thread, clock: Callable[[], float]) -> None:
        self._store = store
        self._thread = thread
        self._clock = clock
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._at_card: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def show(self, upgrade: Upgrade) -> Upgrade:
        """Make the edit that is due before the cloud is asked; the next step writes down that it is made."""
        if upgrade.untold[:1] != (News.CARD,):
            return upgrade
        try:
            await self._edit_card(upgrade)
        except Undelivered as error:
            log.warning("slack.not_shown", extra={"upgrade": upgrade.id, "why": repr(error)})
            return upgrade
        return telling.told(upgrade, News.CARD, self._clock(), None, upgrade)

    async def tell(self, upgrade: Upgrade) -> Upgrade:
        """Deliver everything untold, in order, until it is told or Slack does not take it; the row afterwards."""
        turn = self._turns.setdefault(upgrade.id, asyncio.Lock())
        waits = turn.locked()
        async with turn:  # two tellers of one row would tell the same news twice
            if waits:
                upgrade = await self._store.get(upgrade.id) or upgrade
            upgrade, edited = await self._tell_once(upgrade, EVERYTHING)
            while stale := edited & set(upgrade.untold):
                # The row had gone on meanwhile, so what was just shown is old; whoever moved it tells the rest.
                upgrade, edited = await self._tell_once(upgrade, stale)
            return upgrade

    async def _tell_once(self, upgrade: Upgrade, wanted: Set[News]) -> tuple[Upgrade, set[News]]:
        """Deliver what this row has untold of the wanted news; the row afterwards, and the edits that were made."""
        stored = upgrade
        edited: set[News] = set()
        made: list[Book] = []  # delivered, not yet written down: edits wait for the next write
        while (news := next((one for one in upgrade.untold if one in wanted), None)) is not None:
            book, goes_on = await self._deliver(upgrade, news)
            made.append(book)
            if not goes_on:
                break
            upgrade = book(upgrade)
            if news in EDITS:
                edited.add(news)
            else:
                stored = upgrade = await self._write(stored, made)
                made = []
        return await self._write(stored, made) if made else upgrade, edited

    async def _deliver(self, upgrade: Upgrade, news: News) -> tuple[Book, bool]:
        """Try one; what it means for the row, and whether to go on with the next."""
        now = self._clock()
        if news is News.PROGRESS and now < telling.may_edit_at(upgrade):
            return partial(telling.held, until=telling.may_edit_at(upgrade)), False
        ts = None
        try:
            if news is not News.CARD:
                ts = await self._thread.deliver(upgrade, news)
            elif not await self._edit_card(upgrade):
                return _as_it_is, False
        except SlackAway as away:
            return self._postponed(upgrade, news, away), False
        except SlackRefused as refused:
            return await self._elsewhere(upgrade, news, refused)
        return partial(telling.told, news=news, at=self._clock(), ts=ts, shown=upgrade), True

    async def _edit_card(self, upgrade: Upgrade) -> bool:
        """Edit the question's message, one edit at a time; False when it would give a decided question its buttons."""
        lock = self._at_card.setdefault(upgrade.id, asyncio.Lock())
        async with lock:
            if upgrade.state is State.ASKED:
                newest = await self._store.get(upgrade.id)
                if newest is not None and newest.state is not State.ASKED:
                    return False  # whoever decided it makes the edit
            await self._thread.deliver(upgrade, News.CARD)
            return True

    async def _elsewhere(self, upgrade: Upgrade, news: News, refused: SlackRefused) -> tuple[Book, bool]:
        """This place will never take it: the requester is told directly; if that fails too, the log says so."""
        told_about = {"upgrade": upgrade.id, "news": news.value, "error": refused.error}
        if news is News.QUESTION:
            return lambda row: row.unasked(refused.error, self._clock()), False
        log.warning("slack.refused", extra=told_about)
        if news in EDITS:
            return partial(telling.dropped, news=news), True
        if upgrade.direct_channel is None:
            try:
                channel = await self._thread.direct_channel(upgrade.asked_by)
            except SlackAway as away:
                return self._postponed(upgrade, news, away), False
            except SlackRefused as nowhere:
                told_about["error"] = nowhere.error
            else:
                return partial(telling.redirected, channel=channel, at=self._clock()), True
        log.error("slack.told_nobody", extra=told_about)
        return telling.untellable, False

    def _postponed(self, upgrade: Upgrade, news: News, away: SlackAway) -> Book:
        log.warning("slack.away", extra={"upgrade": upgrade.id, "news": news.value, "why": away.why})
        at = self._clock()

        def book(row: Upgrade) -> Upgrade:
            # An edit that Slack did not answer may still be made there, after a newer one.
            row = telling.spoilt(row, news, at, upgrade) if news in EDITS else row
            return telling.postponed(row, at, away.retry_after)

        return book

    async def _write(self, stored: Upgrade, made: list[Book]) -> Upgrade:
        """Write down what was delivered, on the newest row if another step came between."""

        def step(row: Upgrade) -> Upgrade:
            for book in made:
                row = book(row)
            return row

        def entries(row: Upgrade) -> tuple[AuditEntry, ...]:
            at = self._clock()
            return (AuditEntry.of(row, at, "not_asked", why=row.error_code),) if was_unasked(row) else no_entries(row)

        return await change(self._store, stored, step, entries)


def _as_it_is(upgrade: Upgrade) -> Upgrade:
    """Nothing was delivered, and nothing has to be."""
    return upgrade


def was_unasked(upgrade: Upgrade) -> bool:
    """Whether Slack did not take the question."""
    return upgrade.message_ts is None and upgrade.decided_at is not None and bool(upgrade.error_code)
