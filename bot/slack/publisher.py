"""Posting in Slack: the request card, its edits and thread for the channel, ephemeral messages for one person."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import aiohttp
from yarl import URL

from bot.core.actions import Origin
from bot.core.errors import NOT_IN_CHANNEL_ERRORS, SlackError, SlackRejected, SlackUnavailable
from bot.core.messages import Language, Message
from bot.core.notifications import NOTIFICATIONS, Notification, NotificationSpec, Renderer, Target
from bot.core.outbox import is_progress_edit
from bot.core.permissions import Rules
from bot.core.ports import CHANNEL_PATIENCE_SECONDS
from bot.core.replies import InstanceListReply, PreflightReply, Reply, TranslatedCard
from bot.core.upgrade import State, Upgrade
from bot.i18n.catalog import Catalog, Translator
from bot.slack.blocks.kit import MessageView
from bot.slack.blocks.private_replies import instance_list, preflight_reply, text_reply
from bot.slack.blocks.request_card import request_card
from bot.slack.blocks.thread_updates import (
    authorization_message,
    end_alarm_message,
    end_message,
    job_message,
    no_job_message,
    polls_failing_message,
    report_message,
    settled_message,
    unresolved_message,
)
from bot.slack.channels import SlackChannels
from bot.slack.client import FORM_ERRORS, SlackClient
from bot.slack.payloads import id_field, ts_field, url_field
from bot.slack.rate_limits import ANY_TURN, Priority, Turn

log = logging.getLogger("bot.slack.publisher")
NO_UNFURL = {"unfurl_links": False, "unfurl_media": False}
RESPONSE_URL_ORIGIN = URL("https://hooks.slack.com")
RESPONSE_URL_SECONDS = 5
MAX_PLAIN_TEXT = 2000  # characters of a message whose blocks or length Slack did not take

View: TypeAlias = Callable[[Upgrade, Notification, Translator, Rules], MessageView]
RENDERERS: Mapping[Renderer, View] = {
    Renderer.REQUEST_CARD: lambda upgrade, _, translator, rules: request_card(
        upgrade, translator, rules.confirmers(upgrade.skip_validate)
    ),
    Renderer.JOB: lambda upgrade, notification, translator, _: job_message(upgrade, notification, translator),
    Renderer.NO_JOB: lambda upgrade, notification, translator, _: no_job_message(upgrade, notification, translator),
    Renderer.AUTHORIZATION_NEEDED: lambda upgrade, _, translator, __: authorization_message(upgrade, translator),
    Renderer.POLLS_FAILING: lambda upgrade, _, translator, __: polls_failing_message(upgrade, translator),
    Renderer.UNRESOLVED: lambda upgrade, _, translator, __: unresolved_message(upgrade, translator),
    Renderer.SETTLED: lambda upgrade, notification, translator, _: settled_message(upgrade, notification, translator),
    Renderer.END: lambda upgrade, _, translator, __: end_message(upgrade, translator),
    Renderer.REPORT: lambda upgrade, _, translator, __: report_message(upgrade, "", translator),
    Renderer.END_ALARM: lambda upgrade, _, translator, __: end_alarm_message(upgrade, translator),
}


@dataclass(slots=True, eq=False, repr=False)
class SlackPublisher:
    """Posts and edits what everybody sees (`Publisher`); every method raises `SlackError`."""

    client: SlackClient
    channels: SlackChannels
    catalog: Catalog
    rules: Rules
    report_channel: str = ""
    report_language: Language = Language.EN

    async def publish(self, upgrade: Upgrade, notification: Notification) -> str | None:
        """Post or edit what the notification shows of the upgrade; the `ts` of a new message, None for an edit."""
        spec = NOTIFICATIONS[notification]
        if spec.renderer is Renderer.REPORT:
            return await self._report(upgrade)
        translator = self.catalog.translator(upgrade.language)
        view = RENDERERS[spec.renderer](upgrade, notification, translator, self.rules)
        turn = Turn(upgrade.id, priority=_priority(upgrade, spec))
        match spec.target:
            case Target.NEW_CARD:
                return await self._post(upgrade.channel_id, view, turn)
            case Target.CARD:
                turn = replace(turn, gives_way=is_progress_edit(upgrade, notification))
                await self._edit_upgrade(upgrade, upgrade.channel_id, upgrade.message_ts, view, turn)
            case Target.JOB_MESSAGE:
                channel_id = upgrade.job_message_channel_id or upgrade.channel_id
                turn = replace(turn, gives_way=True)  # the next edit shows more
                await self._edit_upgrade(upgrade, channel_id, upgrade.job_message_ts, view, turn)
            case Target.UNKNOWN_MESSAGE:
                channel_id = upgrade.unknown_message_channel_id or upgrade.channel_id
                await self._edit_upgrade(upgrade, channel_id, upgrade.unknown_message_ts, view, turn)
            case Target.UNRESOLVED_MESSAGE:
                channel_id = upgrade.unresolved_message_channel_id or upgrade.channel_id
                await self._edit_upgrade(upgrade, channel_id, upgrade.unresolved_message_ts, view, turn)
            case Target.END_MESSAGE:
                channel_id = upgrade.end_message_channel_id or upgrade.channel_id
                await self._edit_upgrade(upgrade, channel_id, upgrade.end_message_ts, view, turn)
            case Target.THREAD:
                return await self._reply(upgrade, view, turn, broadcast=spec.broadcast)
        return None

    async def open_dm(self, user_id: str) -> str:
        """The id of the channel of direct messages with a user (conversations.open, scope `im:write`)."""
        data = await self.client.call("conversations.open", users=user_id)
        channel_id = id_field(data.get("channel"), "id")
        if not channel_id:
            raise SlackRejected("no_direct_channel")
        return channel_id

    async def permalink(self, upgrade: Upgrade) -> str:
        """The URL of the request card (chat.getPermalink), empty when Slack does not tell it."""
        if upgrade.message_ts is None:
            return ""
        try:
            data = await self.client.read(
                "chat.getPermalink", channel=upgrade.channel_id, message_ts=upgrade.message_ts
            )
        except SlackError:
            return ""
        return url_field(data, "permalink")

    async def replace_card(self, channel_id: str, message_ts: str, message: Message, language: Language) -> None:
        """Replace a card that belongs to no open request, so that it loses its buttons."""
        await self._edit(channel_id, message_ts, text_reply(message, self.catalog.translator(language)))

    async def _report(self, upgrade: Upgrade) -> str | None:
        """Post the report, or edit it: that gives way to edits that somebody waits for."""
        link = await self.permalink(upgrade)
        view = report_message(upgrade, link, self.catalog.translator(self.report_language))
        if upgrade.report_ts is None:
            return await self._post(self.report_channel, view, Turn(f"report {upgrade.id}", priority=Priority.REPORT))
        turn = Turn(f"report {upgrade.id}", gives_way=True)
        await self._edit_upgrade(upgrade, self.report_channel, upgrade.report_ts, view, turn)
        return None

    async def _reply(self, upgrade: Upgrade, view: MessageView, turn: Turn, *, broadcast: bool) -> str:
        """Post in the card's thread, or directly to the requester when the channel is gone."""
        channel_id, thread = upgrade.dm_channel_id or upgrade.channel_id, {}
        if upgrade.dm_channel_id is None and upgrade.message_ts:
            thread = {"thread_ts": upgrade.message_ts} | ({"reply_broadcast": True} if broadcast else {})
        try:
            return await self._post(channel_id, view, turn, **thread)
        except SlackRejected as rejected:
            if rejected.error not in FORM_ERRORS:
                raise
            log.warning("slack.form_rejected", extra={"upgrade": upgrade.id, "error": rejected.error})
            return await self._post(channel_id, _plain(view), turn, **thread)

    async def _post(self, channel_id: str, view: MessageView, turn: Turn, **thread: Any) -> str:
        """Post it; a public channel without the bot is joined first, once. Returns the `ts`."""
        content = {"text": view.text, "blocks": view.blocks} if view.blocks else {"text": view.text}
        arguments = {"channel": channel_id, **content, **NO_UNFURL, **thread}
        try:
            data = await self.client.call("chat.postMessage", turn=turn, **arguments)
        except SlackRejected as rejected:
            if rejected.error not in NOT_IN_CHANNEL_ERRORS or not await self._join(channel_id, in_time=not thread):
                raise
            data = await self.client.call("chat.postMessage", turn=turn, **arguments)
        ts = ts_field(data, "ts")
        if not ts:
            raise SlackUnavailable("chat.postMessage: no ts")
        return ts

    async def _join(self, channel_id: str, *, in_time: bool) -> bool:
        """Join the channel; `in_time`: somebody waits for a card, so that no answer counts as a refusal."""
        if not in_time:
            return await self.channels.join(channel_id)
        try:
            async with asyncio.timeout(CHANNEL_PATIENCE_SECONDS):
                return await self.channels.join(channel_id)
        except (SlackUnavailable, TimeoutError) as error:
            log.warning("channel.not_joined", extra={"channel": channel_id, "reason": repr(error)})
            return False

    async def _edit_upgrade(
        self, upgrade: Upgrade, channel_id: str, ts: str | None, view: MessageView, turn: Turn
    ) -> None:
        try:
            await self._edit(channel_id, ts, view, turn)
        except SlackRejected as rejected:
            if rejected.error not in FORM_ERRORS or upgrade.state is State.REQUESTED:
                raise  # an open request without its buttons could not be decided
            log.warning("slack.form_rejected", extra={"upgrade": upgrade.id, "error": rejected.error})
            await self._edit(channel_id, ts, _plain(view), turn)

    async def _edit(self, channel_id: str, ts: str | None, view: MessageView, turn: Turn = ANY_TURN) -> None:
        if ts is None:
            raise SlackRejected("message_not_found")
        await self.client.call("chat.update", turn=turn, channel=channel_id, ts=ts, text=view.text, blocks=view.blocks)


def _priority(upgrade: Upgrade, spec: NotificationSpec) -> Priority:
    """Which messages and edits go first while Slack limits them."""
    if spec.broadcast or spec.renderer is Renderer.SETTLED:
        return Priority.OUTCOME
    if upgrade.state in (State.REQUESTED, State.SUBMITTING, State.IN_PROGRESS):
        return Priority.NORMAL
    return Priority.BEFORE_OUTCOME if spec.renderer is Renderer.JOB else Priority.OUTCOME


def _plain(view: MessageView) -> MessageView:
    """The words alone."""
    return MessageView(view.text if len(view.text) <= MAX_PLAIN_TEXT else f"{view.text[:MAX_PLAIN_TEXT]}…")


class SlackEphemeralMessages:
    """Private replies (`EphemeralMessages`): by the `response_url` if Slack gave one, else by chat.postEphemeral."""

    def __init__(self, client: SlackClient, catalog: Catalog, rules: Rules, api_url: str) -> None:
        self._client = client
        self._catalog = catalog
        self._rules = rules
        self._api_origin = URL(api_url).origin()

    async def send(self, origin: Origin, reply: Reply, language: Language) -> None:
        """Show a reply to this person alone; a failure is logged, there is nobody else to tell.

        Where the button is, there the answer is read: a response_url would answer a click in a thread in the channel.
        """
        view = self._render(reply, language)
        if origin.thread_ts and await self._post(origin, view, thread_ts=origin.thread_ts) is None:
            return
        if self._is_slack_url(origin.response_url):
            replaces = isinstance(reply, TranslatedCard) and reply.replaces_copy
            if await self._respond(origin.response_url, view, replace_original=replaces):
                return
        elif origin.response_url:
            log.warning("response_url.refused", extra={"user": origin.user_id, "reason": "not Slack's"})
        error = await self._post(origin, view)
        if error is not None:
            fields = {"user": origin.user_id, "reply": getattr(reply, "key", type(reply).__name__)}
            log.warning("reply.undelivered", extra={**fields, "reason": repr(error)})

    async def _post(self, origin: Origin, view: MessageView, **thread: Any) -> SlackError | None:
        """Post it by chat.postEphemeral; the error if Slack did not take it."""
        try:
            await self._client.call(
                "chat.postEphemeral",
                channel=origin.channel_id,
                user=origin.user_id,
                text=view.text,
                blocks=view.blocks,
                **thread,
            )
        except SlackError as error:
            return error
        return None

    def _render(self, reply: Reply, language: Language) -> MessageView:
        translator = self._catalog.translator(language)
        match reply:
            case Message():
                return text_reply(reply, translator)
            case PreflightReply():
                return preflight_reply(reply, translator)
            case InstanceListReply():
                return instance_list(reply, translator)
            case TranslatedCard(upgrade=upgrade):
                other = Language.EN if upgrade.language is Language.ZH else Language.ZH
                confirmers = self._rules.confirmers(upgrade.skip_validate)
                return request_card(upgrade, self._catalog.translator(other), confirmers)

    def _is_slack_url(self, response_url: str) -> bool:
        """Whether it leads to Slack (or to the stand-in that SLACK_API_URL names), and nowhere else.

        It is parsed as the HTTP client will parse it, and must not be one that others would parse in another way.
        """
        try:
            url = URL(response_url)
            if str(url) != response_url or url.user is not None or not url.absolute:
                return False
            return url.origin() in (RESPONSE_URL_ORIGIN, self._api_origin)
        except ValueError:
            return False

    async def _respond(self, response_url: str, view: MessageView, *, replace_original: bool) -> bool:
        """Answer over the response_url; False when it did not take it."""
        body = {
            "response_type": "ephemeral",
            "replace_original": replace_original,
            "text": view.text,
            "blocks": view.blocks,
            **NO_UNFURL,
        }
        try:
            async with asyncio.timeout(RESPONSE_URL_SECONDS):
                async with self._client.session.post(response_url, json=body, allow_redirects=False) as response:
                    return response.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("response_url.failed", extra={"reason": type(error).__name__})
            return False
