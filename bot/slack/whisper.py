"""Private answers: by the command's `response_url` where Slack gave one, else as an ephemeral message."""

import asyncio
import logging

import aiohttp
from yarl import URL

from bot.core.pages import Page, Translated
from bot.core.policy import Rules
from bot.core.ports import Presence
from bot.core.reasons import Undelivered
from bot.core.sentence import Language, Sentence
from bot.locales.catalog import Catalog
from bot.slack.api import SlackApi
from bot.slack.views.card import card
from bot.slack.views.pages import page, without_buttons
from bot.slack.views.private import private
from bot.slack.views.view import View

log = logging.getLogger("bot.whisper")
HOOKS = URL("https://hooks.slack.com")
HOOK_SECONDS = 5


class SlackWhisper:
    """Shows one sentence to one person alone; what fails is logged, it has nobody else to go to."""

    def __init__(self, api: SlackApi, catalog: Catalog, rules: Rules, api_url: str) -> None:
        self._api = api
        self._catalog = catalog
        self._rules = rules
        self._api_origin = URL(api_url).origin()

    async def tell(self, presence: Presence, said: Sentence | Page, language: Language) -> None:
        """Show a private answer to this person alone."""
        view = self._view(said, language)
        if self._is_slacks(presence.reply_to):
            if await self._hook(presence.reply_to, view):
                return
        elif presence.reply_to:
            log.warning("whisper.refused", extra={"person": presence.person_id, "why": "response_url is not Slack's"})
        try:
            await self._api.call(
                "chat.postEphemeral",
                channel=presence.channel_id,
                user=presence.person_id,
                text=view.text,
                blocks=view.blocks,
            )
        except Undelivered as error:
            extra = {"person": presence.person_id, "answer": type(said).__name__, "why": repr(error)}
            log.warning("whisper.undelivered", extra=extra)

    def _view(self, said: Sentence | Page, language: Language) -> View:
        if isinstance(said, Sentence):
            return private(said, self._catalog.words(language))
        if isinstance(said, Translated):
            other = Language.EN if said.upgrade.language is Language.ZH else Language.ZH
            who = self._rules.who_confirms(said.upgrade.skip_validate)
            return without_buttons(card(said.upgrade, self._catalog.words(other), who))
        return page(said, self._catalog.words(language))

    def _is_slacks(self, address: str) -> bool:
        """Whether a response_url leads to Slack (or to the stand-in that SLACK_API_URL names), and nowhere else.

        It is read as whoever sends it will read it, and must not be one that others would read in another way.
        """
        try:
            url = URL(address)
            if str(url) != address or url.user is not None or not url.absolute:
                return False
            return url.origin() in (HOOKS, self._api_origin)
        except ValueError:
            return False

    async def _hook(self, address: str, view: View) -> bool:
        """Answer over the response_url; False when it did not take it."""
        body = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": view.text,
            "blocks": view.blocks,
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            async with asyncio.timeout(HOOK_SECONDS):
                async with self._api.session.post(address, json=body, allow_redirects=False) as response:
                    return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("whisper.hook_failed", extra={"why": type(error).__name__})
            return False
