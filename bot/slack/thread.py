"""The hand that writes in Slack for one upgrade: the question, its edits, the messages in its thread."""

from typing import Any

from bot.core.policy import Rules
from bot.core.reasons import SlackAway, SlackRefused, Undelivered
from bot.core.sentence import Language, Sentence
from bot.core.upgrade import News, Upgrade
from bot.locales.catalog import Catalog
from bot.slack.api import SlackApi
from bot.slack.views.card import card
from bot.slack.views.private import private
from bot.slack.views.thread import broadcasts
from bot.slack.views.thread import news as news_view
from bot.slack.views.view import View

QUIET = {"unfurl_links": False, "unfurl_media": False}


class SlackThread:
    """Posts and edits through the Web API; every method raises `SlackAway` or `SlackRefused`."""

    def __init__(self, api: SlackApi, catalog: Catalog, rules: Rules) -> None:
        self._api = api
        self._catalog = catalog
        self._rules = rules

    async def deliver(self, upgrade: Upgrade, news: News) -> str | None:
        """Post or edit what `news` says of the upgrade; the `ts` of a new message, None for an edit."""
        words = self._catalog.words(upgrade.language)
        who = self._rules.who_confirms(upgrade.skip_validate)
        match news:
            case News.QUESTION:
                return await self._post(upgrade.channel_id, card(upgrade, words, who))
            case News.CARD:
                await self._edit(upgrade.channel_id, upgrade.message_ts, card(upgrade, words, who))
                return None
            case News.PROGRESS:
                await self._edit(upgrade.channel_id, upgrade.progress_ts, news_view(upgrade, news, words))
                return None
            case _:
                return await self._reply(upgrade, news, news_view(upgrade, news, words))

    async def direct_channel(self, person_id: str) -> str:
        """The channel of direct messages with a person (scope `im:write`)."""
        answer = await self._api.call("conversations.open", users=person_id)
        channel = answer.get("channel")
        if not isinstance(channel, dict) or not isinstance(channel.get("id"), str):
            raise SlackRefused("no_direct_channel")
        return str(channel["id"])

    async def permalink(self, upgrade: Upgrade) -> str:
        """The address of the question's message, empty if Slack does not tell."""
        if upgrade.message_ts is None:
            return ""
        try:
            answer = await self._api.read(
                "chat.getPermalink", channel=upgrade.channel_id, message_ts=upgrade.message_ts
            )
        except Undelivered:
            return ""
        return str(answer.get("permalink") or "")

    async def remove_buttons(self, channel_id: str, message_ts: str, sentence: Sentence, language: Language) -> None:
        """Replace a message of ours that belongs to no open question by one sentence."""
        await self._edit(channel_id, message_ts, private(sentence, self._catalog.words(language)))

    async def _reply(self, upgrade: Upgrade, news: News, view: View) -> str:
        """In the question's thread; straight to the requester when the channel is gone."""
        if upgrade.direct_channel is not None:
            return await self._post(upgrade.direct_channel, view)
        in_thread: dict[str, Any] = {"thread_ts": upgrade.message_ts} if upgrade.message_ts else {}
        if in_thread and broadcasts(news):
            in_thread["reply_broadcast"] = True
        return await self._post(upgrade.channel_id, view, **in_thread)

    async def _post(self, channel_id: str, view: View, **more: Any) -> str:
        answer = await self._api.call(
            "chat.postMessage", channel=channel_id, text=view.text, blocks=view.blocks, **QUIET, **more
        )
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise SlackAway("chat.postMessage: no ts")
        return ts

    async def _edit(self, channel_id: str, ts: str | None, view: View) -> None:
        if ts is None:
            raise SlackRefused("message_not_found")
        await self._api.call("chat.update", channel=channel_id, ts=ts, text=view.text, blocks=view.blocks)
