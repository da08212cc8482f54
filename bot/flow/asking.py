"""The command: read, allowed, written down, then asked in the channel."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.audit import AuditEntry
from bot.core.command import HelpCommand, UpgradeCommand, parse
from bot.core.news import Help, SomethingWentWrong
from bot.core.policy import Door
from bot.core.ports import People, Presence, Store, Thread, Whisper
from bot.core.reasons import (
    ChannelArchived,
    InstanceBusy,
    MayNotPost,
    NotInChannel,
    Refusal,
    StoreAway,
    StoreTrouble,
)
from bot.core.sentence import Code, Language, Link, Sentence
from bot.core.upgrade import News, Upgrade
from bot.flow.hands import Hands
from bot.flow.telling import Teller, was_unasked

log = logging.getLogger("bot.asking")
ABSENT = {"not_in_channel", "channel_not_found"}


@dataclass(frozen=True, slots=True)
class Asking:
    """What a command sets going."""

    store: Store
    thread: Thread
    teller: Teller
    people: People
    whisper: Whisper
    door: Door
    hands: Hands
    clock: Callable[[], float]
    new_id: Callable[[], str]
    ttl_seconds: float
    command_name: str

    async def command(self, presence: Presence, text: str, trigger_id: str) -> None:
        """Do what the text says; everything but the question itself is a private answer."""
        language = await self.people.language(presence.person_id)
        answer = await self._answer(presence, text, trigger_id, language)
        if answer is not None:
            await self.whisper.tell(presence, answer, language)

    async def _answer(self, presence: Presence, text: str, trigger_id: str, language: Language) -> Sentence | None:
        try:
            command = parse(text, self.command_name)
            if isinstance(command, HelpCommand):
                return Help(Code(self.command_name))
            actor = await self.people.actor(presence)
            refusal = self.door.use(actor, presence.channel_id)
            if refusal is None and isinstance(command, UpgradeCommand):
                refusal = self.door.ask(actor, presence.channel_id, command.instance_id, command.skip_validate)
            if refusal is not None:
                await self._refused(presence, refusal, command)
                return refusal
            if isinstance(command, Refusal):
                return command
            return await self._ask(presence, command, trigger_id, language)
        except StoreAway as away:
            log.warning("store.away", extra={"person": presence.person_id, "why": str(away)})
            return StoreTrouble()
        except Exception:
            log.exception("command.failed", extra={"person": presence.person_id})
            return SomethingWentWrong()

    async def _ask(
        self, presence: Presence, command: UpgradeCommand, trigger_id: str, language: Language
    ) -> Sentence | None:
        """Write the question down, put it in the channel; a sentence when that could not be done."""
        living = await self.store.live_for(command.instance_id)
        if living is not None:
            return await busy(self.thread, living)
        upgrade = self._question(presence, command, trigger_id, language)
        entry = AuditEntry.of(upgrade, upgrade.asked_at, "asked", presence.person_id)
        if not await self.store.add(upgrade, entry):
            log.info("command.delivered_again", extra={"person": presence.person_id})
            return None
        log.info("upgrade.asked", extra={"upgrade": upgrade.id, "instance": upgrade.instance_id})
        with self.hands.on(upgrade.id):
            return cannot_ask(await self.teller.tell(upgrade))

    def _question(self, presence: Presence, command: UpgradeCommand, trigger_id: str, language: Language) -> Upgrade:
        now = self.clock()
        question = Upgrade(
            id=self.new_id(),
            instance_id=command.instance_id,
            delay=command.delay,
            skip_validate=command.skip_validate,
            team_id=presence.team_id,
            channel_id=presence.channel_id,
            trigger_id=trigger_id or self.new_id(),
            asked_by=presence.person_id,
            language=language,
            asked_at=now,
            expires_at=now + self.ttl_seconds,
            look_at=now + self.ttl_seconds,
        )
        return question.with_news(now, News.QUESTION)

    async def _refused(self, presence: Presence, refusal: Refusal, command: object) -> None:
        """A refusal by the rules is written down."""
        instance = command.instance_id if isinstance(command, UpgradeCommand) else ""
        entry = AuditEntry(
            at=self.clock(),
            what="denied",
            instance_id=instance,
            person_id=presence.person_id,
            team_id=presence.team_id,
            channel_id=presence.channel_id,
            why=refusal.key(),
        )
        log.info("command.denied", extra={"person": presence.person_id, "why": refusal.key()})
        await self.store.record(entry)


def cannot_ask(upgrade: Upgrade) -> Sentence | None:
    """Why the question is not in the channel; None when it is, or will be told by the loop."""
    if not was_unasked(upgrade):
        return None
    if upgrade.error_code in ABSENT:
        return NotInChannel()
    return ChannelArchived() if upgrade.error_code == "is_archived" else MayNotPost(Code(upgrade.error_code))


async def busy(thread: Thread, living: Upgrade) -> InstanceBusy:
    """An upgrade of this instance lives: where."""
    return InstanceBusy(Code(living.instance_id), Link(await thread.permalink(living)))
