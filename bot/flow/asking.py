"""The question: what speaks against it, written down, then asked in the channel."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.audit import AuditEntry
from bot.core.command import UpgradeCommand
from bot.core.pages import Doubted, Page
from bot.core.ports import Presence, Store, Thread
from bot.core.reasons import ChannelArchived, InstanceBusy, MayNotPost, NotInChannel
from bot.core.sentence import Code, Language, Link, Sentence
from bot.core.tracing import UPGRADE
from bot.core.upgrade import News, Upgrade
from bot.flow.describing import Describing
from bot.flow.hands import Hands
from bot.flow.telling import Teller, was_unasked

log = logging.getLogger("bot.asking")
ABSENT = {"not_in_channel", "channel_not_found"}


@dataclass(frozen=True, slots=True)
class Asking:
    """Puts questions; who may ask has been decided before."""

    store: Store
    thread: Thread
    teller: Teller
    describing: Describing
    hands: Hands
    clock: Callable[[], float]
    new_id: Callable[[], str]
    ttl_seconds: float

    async def ask(
        self, presence: Presence, command: UpgradeCommand, trigger_id: str, language: Language, *, anyway: bool
    ) -> Sentence | Page | None:
        """Write the question down and put it in the channel; a sentence when that was not done."""
        living = await self.store.live_for(command.instance_id)
        if living is not None:
            return await busy(self.thread, living)
        doubt = None if anyway else await self.describing.doubt(command.instance_id)
        if doubt is not None:
            return Doubted(doubt, Code(command.text))
        upgrade = self._question(presence, command, trigger_id, language)
        entry = AuditEntry.of(upgrade, upgrade.asked_at, "asked", presence.person_id)
        if not await self.store.add(upgrade, entry):
            log.info("command.delivered_again", extra={"person": presence.person_id})
            return None
        UPGRADE.set(upgrade.id)  # for the log, also of what is said after the row was let go
        log.info("upgrade.asked", extra={"upgrade": upgrade.id, "instance": upgrade.instance_id})
        with self.hands.on(upgrade.id):
            upgrade = await self.teller.tell(upgrade)
        await self.describing.complete(upgrade)
        return cannot_ask(upgrade)

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
            about=self.describing.at_hand(command.instance_id),
        )
        return question.with_news(now, News.QUESTION)


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
