"""The command: read, allowed or refused, done; everything but the question itself is a private answer."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.audit import AuditEntry
from bot.core.command import HelpCommand, UpgradeCommand
from bot.core.instances import unique_names
from bot.core.mistakes import NoInstance
from bot.core.news import DoctorTold, Help, SomethingWentWrong
from bot.core.pages import Page
from bot.core.policy import Door
from bot.core.ports import Directory, People, Presence, Store, Whisper
from bot.core.reasons import Mistake, Refusal, StoreAway, StoreTrouble
from bot.core.requests import (
    DoctorCommand,
    HistoryCommand,
    ListCommand,
    Request,
    StatusCommand,
    might_be_name,
    read,
)
from bot.core.sentence import Code, Language, Sentence
from bot.flow.asking import Asking
from bot.flow.recounting import Recounting

log = logging.getLogger("bot.commanding")
NAME_PATIENCE = 0.6  # how long an answer to a word that may be a name waits for the cloud's list


class Shortcut(StrEnum):
    """Buttons of private answers that stand for a typed command, by the `action_id` Slack sends."""

    NOW = "ask_now"
    IN_WINDOW = "ask_in_window"
    ANYWAY = "ask_anyway"
    PAGE = "list_page"


@dataclass(frozen=True, slots=True)
class Press:
    """Such a button pressed; `value` is the command's text, or the page's number."""

    presence: Presence
    shortcut: Shortcut
    value: str
    trigger_id: str


@dataclass(frozen=True, slots=True)
class Commanding:
    """What a command sets going; a button that stands for a command comes the same way."""

    asking: Asking
    recounting: Recounting
    directory: Directory
    store: Store
    people: People
    whisper: Whisper
    door: Door
    clock: Callable[[], float]
    command_name: str
    examine: Callable[[], Awaitable[str]] | None = None

    async def command(self, presence: Presence, text: str, trigger_id: str, *, anyway: bool = False) -> None:
        """Do what the text says; `anyway` when the person has been told what speaks against it."""
        language = await self.people.language(presence.person_id)
        try:
            answer: Sentence | Page | None = await self._answer(presence, text, trigger_id, language, anyway)
        except StoreAway as away:
            log.warning("store.away", extra={"person": presence.person_id, "why": str(away)})
            answer = StoreTrouble()
        except Exception:
            log.exception("command.failed", extra={"person": presence.person_id})
            answer = SomethingWentWrong()
        if answer is not None:
            await self.whisper.tell(presence, answer, language)

    async def press(self, press: Press) -> None:
        """Do what the button stands for, as if it had been typed."""
        if press.shortcut is Shortcut.PAGE:
            number = int(press.value) if press.value.isascii() and press.value.isdigit() else 0
            await self._page(press.presence, number)
        else:
            anyway = press.shortcut is Shortcut.ANYWAY
            await self.command(press.presence, press.value, press.trigger_id, anyway=anyway)

    async def _page(self, presence: Presence, number: int) -> None:
        """Another page of the list."""
        language = await self.people.language(presence.person_id)
        if self.door.use(await self.people.actor(presence), presence.channel_id) is None:
            shown = await self.recounting.instances(number)
            if shown is not None:
                await self.whisper.tell(presence, shown, language)

    async def _answer(
        self, presence: Presence, text: str, trigger_id: str, language: Language, anyway: bool
    ) -> Sentence | Page | None:
        request = read(text, self.command_name)
        if isinstance(request, HelpCommand):
            return Help(Code(self.command_name))
        actor = await self.people.actor(presence)
        refusal = self.door.use(actor, presence.channel_id)
        if refusal is None and might_be_name(request):
            request = await self._by_name(text, request)
        if refusal is None and isinstance(request, UpgradeCommand):
            refusal = self.door.ask(actor, presence.channel_id, request.instance_id, request.skip_validate)
        if refusal is not None:
            await self._refused(presence, refusal, request)
            return refusal
        if isinstance(request, Mistake):
            return request
        if isinstance(request, UpgradeCommand):
            return await self.asking.ask(presence, request, trigger_id, language, anyway=anyway)
        return await self._tell(request)

    async def _tell(self, request: Request) -> Sentence | Page:
        """Answer a question to the bot."""
        match request:
            case HistoryCommand(instance_id):
                return await self.recounting.history(instance_id)
            case StatusCommand(instance_id):
                return await self.recounting.status(instance_id)
            case DoctorCommand() if self.examine is not None:
                return DoctorTold(await self.examine())
            case ListCommand(page):
                return await self.recounting.instances(page) or NoInstance(Code(f"{self.command_name} <instance_id>"))
            case _:
                return Help(Code(self.command_name))

    async def _by_name(self, text: str, mistake: Request | Mistake) -> Request | Mistake:
        """Read it again with the names of the project's instances."""
        listing = self.directory.known()
        if not listing.instances:
            listing = await self.directory.listing(NAME_PATIENCE)
        names = unique_names(listing.instances)
        return read(text, self.command_name, names) if names else mistake

    async def _refused(self, presence: Presence, refusal: Refusal, request: object) -> None:
        """A refusal by the rules is written down."""
        log.info("command.denied", extra={"person": presence.person_id, "why": refusal.key()})
        await self.store.record(
            AuditEntry(
                at=self.clock(),
                what="denied",
                instance_id=request.instance_id if isinstance(request, UpgradeCommand) else "",
                person_id=presence.person_id,
                team_id=presence.team_id,
                channel_id=presence.channel_id,
                why=refusal.key(),
            )
        )
