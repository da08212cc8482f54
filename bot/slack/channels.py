"""Slack channels: their present names for the rules, read once for many and cached; joining public ones."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from bot.core.errors import SlackRejected, SlackUnavailable
from bot.core.permissions import NOT_NAMED, Channel, Rules, channel_name
from bot.core.ports import CHANNEL_PATIENCE_SECONDS
from bot.slack.client import SlackClient
from bot.slack.payloads import id_field, text_field
from bot.slack.users import AsyncCache

log = logging.getLogger("bot.slack.channels")
CHANNEL_TTL_SECONDS = 300.0  # a renamed or archived channel is seen within this time
MAX_CONCURRENT_READS = 8
HIDDEN = Channel(is_hidden=True)


class SlackChannels:
    """Channels as Slack describes them (`ChannelDirectory`); Slack is asked only where a name could allow them."""

    def __init__(self, client: SlackClient, rules: Rules, clock: Callable[[], float]) -> None:
        self._client = client
        self._rules = rules
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_READS)
        self._cache: AsyncCache[Channel] = AsyncCache(
            self._fetch, CHANNEL_TTL_SECONDS, clock, stale_seconds=CHANNEL_TTL_SECONDS
        )

    async def channels(self, channel_ids: Iterable[str], patience: float) -> Mapping[str, Channel]:
        """What Slack says of those whose names the rules depend on, by id; `NOT_NAMED` when it does not in time."""
        ids = [channel_id for channel_id in channel_ids if self._rules.depends_on_name(channel_id)]
        channels = await asyncio.gather(*(self._channel(channel_id, patience) for channel_id in ids))
        return dict(zip(ids, channels, strict=True))

    async def join(self, channel_id: str) -> bool:
        """Join a public channel that the rules allow; False when Slack does not let the bot, or the rules do not.

        Raises `SlackUnavailable`, and `SlackRejected` for an archived channel.
        https://docs.slack.dev/reference/methods/conversations.join
        """
        channels = await self.channels({channel_id}, CHANNEL_PATIENCE_SECONDS)
        if channel_id.startswith("D") or self._rules.check_channel(channel_id, channels) is not None:
            return False
        try:
            await self._client.call("conversations.join", channel=channel_id)
        except SlackRejected as rejected:
            log.info("channel.not_joined", extra={"channel": channel_id, "error": rejected.error})
            if rejected.error == "is_archived":
                raise
            return False
        log.info("channel.joined", extra={"channel": channel_id})
        return True

    async def close(self) -> None:
        """Cancel what is being read."""
        await self._cache.close()

    async def _channel(self, channel_id: str, patience: float) -> Channel:
        channel = await self._cache.get(channel_id, patience)
        if channel is not None:
            return channel
        error = self._cache.error(channel_id)  # not cached: once invited, the bot is not to be told to wait
        return HIDDEN if isinstance(error, SlackRejected) and error.error == "channel_not_found" else NOT_NAMED

    async def _fetch(self, channel_id: str) -> Channel:
        async with self._slots:
            data = await self._client.read("conversations.info", channel=channel_id)
        channel = data.get("channel")
        name = text_field(channel, "name")
        if not isinstance(channel, dict) or not (name or channel.get("is_im")):
            raise SlackUnavailable("conversations.info: no name")
        if id_field(channel, "id") not in ("", channel_id):
            raise SlackUnavailable("conversations.info: another channel")
        has_no_name = channel.get("is_im") or channel.get("is_mpim")
        return Channel("" if has_no_name else channel_name(name), bool(channel.get("is_archived")))
