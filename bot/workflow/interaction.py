"""The private reply to a command or click: what its work returned, or an apology when the work failed."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass

from bot.core.actions import Origin
from bot.core.errors import (
    CannotRequest,
    CommandMistake,
    PermissionDenied,
    StorageUnavailable,
    TooLate,
    Unavailable,
    UpgradeInProgress,
)
from bot.core.messages import Language, Message
from bot.core.ports import EphemeralMessages, Metrics, UserDirectory
from bot.core.replies import PreflightReply, Reply
from bot.workflow.transitions import change_attempted

log = logging.getLogger("bot.interaction")


@dataclass(slots=True, eq=False, repr=False)
class Replier:
    """Awaits the work of one interaction and shows its reply to the person alone, in that person's language."""

    users: UserDirectory
    ephemeral: EphemeralMessages
    metrics: Metrics

    async def reply(self, origin: Origin, work: Awaitable[Reply | None], language: Language | None = None) -> None:
        """Never raises. Without `language` it is read after the work, so that the work does not wait for it."""
        try:
            reply = await work
        except StorageUnavailable as error:
            log.warning("storage.unavailable", extra={"user": origin.user_id, "reason": str(error)})
            reply = Unavailable("not_known_yet") if change_attempted.get() else Unavailable("storage_unavailable")
        except Exception:
            log.exception("interaction.failed", extra={"user": origin.user_id})
            reply = Message("internal_error")
        if reply is not None:
            self.metrics.interaction_result(result_label(reply))
            language = language or await self.users.language(origin.user_id)
            try:
                await self.ephemeral.send(origin, reply, language)
            except Exception:  # something in the reply cannot be shown: the person must not wait for nothing
                log.exception("interaction.failed", extra={"user": origin.user_id})
                await self.ephemeral.send(origin, Message("internal_error"), language)
            self.metrics.response_shown()


def result_label(reply: Reply) -> str:
    """What an interaction with this reply is counted as."""
    match reply:
        case CommandMistake():
            return "mistake"
        case PermissionDenied():
            return "denied"
        case PreflightReply():
            return "preflight_warning"
        case TooLate():
            return "too_late"
        case UpgradeInProgress():
            return "in_progress"
        case Unavailable():
            return "unavailable"
        case CannotRequest():
            return "not_posted"
        case Message(key="internal_error"):
            return "failed"
        case Message(key="help"):
            return "help"
        case _:
            return "answered"
