"""The whole examination: every story at the same time, each bounded, for the command line and for Slack alike."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.checkup.check import Check, Note, failed, skipped
from bot.checkup.cloud import check_cloud
from bot.checkup.door import check_door
from bot.checkup.places import check_places
from bot.checkup.settings import check_settings
from bot.checkup.slack import check_token
from bot.checkup.store import check_store
from bot.connections import slack_session
from bot.hiding import Hiding, secrets_in
from bot.settings import Settings
from bot.slack.api import SlackApi

log = logging.getLogger("bot.checkup")
PATIENCE_SECONDS = 25.0


async def examine(
    settings: Settings,
    *,
    socket_hears: bool = False,
    patience_seconds: float = PATIENCE_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Sequence[Check]:
    """Look at everything; never raises. `socket_hears`: a running bot asks, whose own socket is up."""
    chapters: dict[str, list[Check]] = {"settings": [], "slack": [], "door": [], "store": [], "cloud": []}
    check_settings(chapters["settings"].append, settings)
    async with slack_session() as session:
        api = SlackApi(settings.slack.bot_token.reveal(), settings.slack.api_url, session)
        await _all(
            chapters,
            {
                "slack": _check_slack(chapters["slack"].append, settings, api, clock),
                "door": check_door(chapters["door"].append, settings, api, socket_hears=socket_hears),
                "store": check_store(chapters["store"].append, settings.database_url),
                "cloud": check_cloud(chapters["cloud"].append, settings.cloud, clock),
            },
            patience_seconds,
        )
    hiding = Hiding(secrets_in(settings))
    found = (check for chapter in chapters.values() for check in chapter)
    return [replace(check, seen=hiding(check.seen), remedy=hiding(check.remedy)) for check in found]


async def _check_slack(note: Note, settings: Settings, api: SlackApi, clock: Callable[[], float]) -> None:
    """The token first: without it nothing else can be asked."""
    if await check_token(note, settings.slack, settings.rules, api, clock):
        await check_places(note, settings.rules, api)
    else:
        note(skipped("slack.channels", "the bot token does not work"))


async def _all(
    chapters: Mapping[str, list[Check]], stories: Mapping[str, Coroutine[Any, Any, None]], patience_seconds: float
) -> None:
    """Run the stories; one that does not end in time, or fails in a way nobody foresaw, says so itself."""
    tasks = {asyncio.create_task(story, name=f"check {name}"): name for name, story in stories.items()}
    done, late = await asyncio.wait(tasks, timeout=patience_seconds)
    for task in late:
        task.cancel()
        seen = f"not over after {patience_seconds:g} s"
        chapters[tasks[task]].append(failed(f"{tasks[task]}.time", seen, "see what is slow above, and run it again"))
    if late:
        await asyncio.wait(late)
    for task in done:
        error = task.exception()
        if error is not None:
            log.error("checkup.failed", extra={"story": tasks[task]}, exc_info=error)
            seen = f"this look failed itself: {type(error).__name__}: {error}"
            chapters[tasks[task]].append(failed(f"{tasks[task]}.look", seen, "report it with the log's traceback"))
