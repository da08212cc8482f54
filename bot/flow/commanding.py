"""The command: read, allowed or refused, done; everything but the question itself is a private answer."""

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.core.command import HelpCommand, UpgradeCommand
from bot.core.naming import names_of
from bot.core.news import DoctorTold, Help, SomethingWentWrong
from bot.core.pages import Page
from bot.core.policy import Door
from bot.core.ports import Directory, People, Presence, Store, Whisper
from bot.core.reasons import InstanceBusy, Mistake, Refusal, StoreAway, StoreTrouble
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
from bot.flow.refusing import denial

log = logging.getLogger("bot.commanding")
_PAGE = re.compile(r"\d{1,4}", re.ASCII)
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
    examine: Callable[[], Awaitable[str]]

    async def command(self, presence: Presence, text: str, trigger_id: str, *, anyway: bool = False) -> None:
        """Do what the text says; `anyway` when the person has been told what speaks against it."""
        await self._private(presence, lambda language: self._answer(presence, text, trigger_id, language, anyway))

    async def press(self, press: Press) -> None:
        """Do what the button stands for, as if it had been typed."""
        if press.shortcut is Shortcut.PAGE:
            number = int(press.value) if _PAGE.fullmatch(press.value) else 0
            await self._private(press.presence, lambda _: self._page(press.presence, number))
        else:
            anyway = press.shortcut is Shortcut.ANYWAY
            await self.command(press.presence, press.value, press.trigger_id, anyway=anyway)

    async def _private(self, presence: Presence, do: Callable[[Language], Awaitable[Sentence | Page | None]]) -> None:
        """Do it; what is to be said of it is for this person alone, whatever goes wrong."""
        language = await self.people.language(presence.person_id)
        try:
            answer = await do(language)
        except StoreAway as away:
            log.warning("store.away", extra={"person": presence.person_id, "why": str(away)})
            answer = StoreTrouble()
        except Exception:
            log.exception("command.failed", extra={"person": presence.person_id})
            answer = SomethingWentWrong()
        if answer is not None:
            await self.whisper.tell(presence, answer, language)

    async def _page(self, presence: Presence, number: int) -> Sentence | Page | None:
        """Another page of the list."""
        refusal = self.door.use(await self.people.actor(presence), presence.channel_id)
        if refusal is not None:
            await self._refused(presence, refusal, ListCommand(number))
            return refusal
        return await self.recounting.instances(number)

    async def _answer(
        self, presence: Presence, text: str, trigger_id: str, language: Language, anyway: bool
    ) -> Sentence | Page | None:
        request = read(text, self.command_name, names_of(self.directory.known().instances))
        if isinstance(request, HelpCommand):
            return Help(Code(self.command_name))
        actor = await self.people.actor(presence)
        refusal = self.door.use(actor, presence.channel_id)
        if refusal is None and might_be_name(request):
            request = await self._by_name(text)
        if refusal is None and isinstance(request, UpgradeCommand):
            refusal = self.door.ask(actor, presence.channel_id, request.instance_id, request.skip_validate)
        if refusal is not None:
            await self._refused(presence, refusal, request)
            return refusal
        if isinstance(request, Mistake):
            return request
        if isinstance(request, UpgradeCommand):
            answer = await self.asking.ask(presence, request, trigger_id, language, anyway=anyway)
            if isinstance(answer, InstanceBusy):
                await self._refused(presence, answer, request)
            return answer
        return await self._tell(request)

    async def _tell(self, request: Request) -> Sentence | Page:
        """Answer a question to the bot."""
        match request:
            case HistoryCommand(instance_id):
                return await self.recounting.history(instance_id)
            case StatusCommand(instance_id):
                return await self.recounting.status(instance_id)
            case DoctorCommand():
                return DoctorTold(await self.examine())
            case ListCommand(page):
                return await self.recounting.instances(page)
            case _:
                return Help(Code(self.command_name))

    async def _by_name(self, text: str) -> Request | Mistake:
        """Read it again with the names that the project's instances have now."""
        listing = await self.directory.listed_anew(NAME_PATIENCE)
        return read(text, self.command_name, names_of(listing.instances))

    async def _refused(self, presence: Presence, refusal: Refusal, request: object) -> None:
        """A refusal is written down."""
        log.info("command.denied", extra={"person": presence.person_id, "why": refusal.key()})
        instance_id = request.instance_id if isinstance(request, UpgradeCommand) else ""
        await self.store.record(denial(presence, self.clock(), refusal, instance_id=instance_id))
