"""The click: allowed, one winner, sent or withdrawn; everybody else gets a true private answer."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from bot.core import telling
from bot.core.audit import AuditEntry
from bot.core.news import SomethingWentWrong
from bot.core.pages import Page, Translated
from bot.core.policy import Actor, Door
from bot.core.ports import InstanceTaken, People, Presence, Store, Thread, Whisper
from bot.core.reasons import AlreadyExpired, Refusal, StoreAway, StoreTrouble, Undelivered, UnknownRequest
from bot.core.sentence import Sentence
from bot.core.tracing import UPGRADE
from bot.core.upgrade import News, State, Upgrade
from bot.flow.asking import busy
from bot.flow.cancelling import Cancelling, cannot_cancel
from bot.flow.changing import change
from bot.flow.checking import Checking
from bot.flow.expiring import expire
from bot.flow.hands import Hands
from bot.flow.refusing import denial
from bot.flow.sending import Sending
from bot.flow.telling import Teller

log = logging.getLogger("bot.answering")


class Button(StrEnum):
    """The buttons, by the `action_id` Slack sends."""

    CONFIRM = "confirm_upgrade"
    CANCEL = "cancel_upgrade"
    CHECK = "check_outcome"
    TRANSLATE = "translate"
    CANCEL_SCHEDULED = "cancel_scheduled"


IN_THREAD = frozenset({Button.CHECK, Button.CANCEL_SCHEDULED})  # these stand under a reply, not under the question


@dataclass(frozen=True, slots=True)
class Click:
    """A button pressed: which one, the request it names, the message it stands under, and Slack's mark of the click."""

    presence: Presence
    button: Button
    upgrade_id: str
    message_ts: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Answering:
    """What a click sets going."""

    store: Store
    thread: Thread
    teller: Teller
    people: People
    whisper: Whisper
    door: Door
    sending: Sending
    checking: Checking
    cancelling: Cancelling
    hands: Hands
    clock: Callable[[], float]

    async def click(self, click: Click) -> None:
        """Decide the question, or tell this person alone why not."""
        UPGRADE.set(click.upgrade_id)  # for the log, also of what is said after the row was let go
        try:
            answer: Sentence | Page | None = await self._answer(click)
        except StoreAway as away:
            log.warning("store.away", extra={"person": click.presence.person_id, "why": str(away)})
            answer = StoreTrouble()
        except Exception:
            log.exception("click.failed", extra={"upgrade": click.upgrade_id})
            answer = SomethingWentWrong()
        if answer is not None:
            language = await self.people.language(click.presence.person_id)
            await self.whisper.tell(click.presence, answer, language)

    async def _answer(self, click: Click) -> Sentence | Page | None:
        upgrade = await self._asked(click)
        if upgrade is None:
            await self._refused(click, None, UnknownRequest())
            return UnknownRequest()
        actor = await self.people.actor(click.presence)
        refusal = self._allowed(click, actor, upgrade)
        if refusal is not None:
            await self._refused(click, upgrade, refusal)
            return cannot_cancel(refusal) if click.button is Button.CANCEL_SCHEDULED else refusal
        with self.hands.on(upgrade.id):
            match click.button:
                case Button.CONFIRM:
                    return await self._confirm(click, upgrade)
                case Button.CANCEL:
                    return await self._withdraw(click, upgrade)
                case Button.CHECK:
                    return await self.checking.check(upgrade, click.presence)
                case Button.CANCEL_SCHEDULED:
                    return await self.cancelling.cancel(upgrade, click.presence)
                case Button.TRANSLATE:
                    return Translated(upgrade)

    async def _asked(self, click: Click) -> Upgrade | None:
        """The row that the button names, if it was asked in this very message (or is told in its thread)."""
        upgrade = await self.store.get(click.upgrade_id)
        channel_id = click.presence.channel_id
        if upgrade is not None and click.button in IN_THREAD:
            return upgrade if channel_id in (upgrade.channel_id, upgrade.direct_channel) else None
        if upgrade is None or upgrade.channel_id != channel_id:
            return None
        if upgrade.message_ts is None:
            # The bot died between posting the question and writing down where: this click tells.
            now = self.clock()
            return await change(self.store, upgrade, lambda row: _adopted(row, click.message_ts, now))
        if upgrade.message_ts == click.message_ts:
            return upgrade
        await self._orphan(click)
        return None

    async def _orphan(self, click: Click) -> None:
        """A question that a crash had the bot ask twice: the copy that nobody wrote down loses its buttons."""
        if await self.store.find_by_message(click.presence.channel_id, click.message_ts) is None:
            with suppress(Undelivered):  # not a message of the bot's, or Slack is away: the answer is private anyway
                language = await self.people.language(click.presence.person_id)
                await self.thread.remove_buttons(
                    click.presence.channel_id, click.message_ts, UnknownRequest(), language
                )

    def _allowed(self, click: Click, actor: Actor, upgrade: Upgrade) -> Refusal | None:
        """The rules, as they are now."""
        channel_id = upgrade.channel_id
        if click.button not in (Button.CONFIRM, Button.CANCEL_SCHEDULED):
            return self.door.use(actor, channel_id)
        return self.door.confirm(actor, channel_id, upgrade.instance_id, upgrade.skip_validate, upgrade.asked_by)

    async def _confirm(self, click: Click, upgrade: Upgrade) -> Sentence | Page | None:
        """Win the confirmation, then send; whoever does not win is told who did."""
        person, team = click.presence.person_id, click.presence.team_id
        while True:
            now, lease = self.clock(), self.sending.lease()
            step = upgrade.confirm(person, now)
            if isinstance(step, Refusal):
                return await self._late(click, upgrade, step)
            confirmed = AuditEntry.of(step, now, "confirmed", person, team_id=team)
            try:
                won = await self.store.save(upgrade, step, confirmed, AuditEntry.of(step, now, "sending"))
            except InstanceTaken:
                living = await self.store.live_for(upgrade.instance_id)
                if living is None:
                    continue  # it ended between the two questions
                taken = await busy(self.thread, living)
                await self._refused(click, upgrade, taken)
                return taken
            if won is not None:
                log.info("upgrade.confirmed", extra={"upgrade": upgrade.id, "person": person})
                await self.sending.send(won, lease)
                return None
            upgrade = await self.store.get(upgrade.id) or upgrade

    async def _withdraw(self, click: Click, upgrade: Upgrade) -> Sentence | Page | None:
        """Cancel before anything was sent."""
        person, team = click.presence.person_id, click.presence.team_id
        while True:
            now = self.clock()
            step = upgrade.withdraw(person, now)
            if isinstance(step, Refusal):
                return await self._late(click, upgrade, step)
            won = await self.store.save(upgrade, step, AuditEntry.of(step, now, "withdrawn", person, team_id=team))
            if won is not None:
                log.info("upgrade.withdrawn", extra={"upgrade": upgrade.id, "person": person})
                await self.teller.tell(won)
                return None
            upgrade = await self.store.get(upgrade.id) or upgrade

    async def _late(self, click: Click, upgrade: Upgrade, refusal: Refusal) -> Refusal:
        """Too late; a question that has just expired under the click loses its buttons now."""
        if isinstance(refusal, AlreadyExpired) and upgrade.state is State.ASKED:
            await self.teller.tell(await expire(self.store, upgrade, self.clock()))
        await self._refused(click, upgrade, refusal)
        return refusal

    async def _refused(self, click: Click, upgrade: Upgrade | None, refusal: Refusal) -> None:
        """A refused click is written down."""
        told = {"upgrade": upgrade.id if upgrade else "", "person": click.presence.person_id, "why": refusal.key()}
        log.info("click.denied", extra={**told, "button": click.button.value})
        await self.store.record(denial(click.presence, self.clock(), refusal, upgrade))


def _adopted(upgrade: Upgrade, message_ts: str, at: float) -> Upgrade | None:
    """The question stands in this message."""
    if upgrade.message_ts is not None:
        return None
    return telling.told(upgrade, News.QUESTION, at, message_ts, upgrade)
