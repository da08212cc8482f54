"""Whether Slack can be reached and still takes the bot's token, asked every so often."""

import asyncio

from bot.core.reasons import Undelivered
from bot.slack.api import SlackApi

BEAT_SECONDS = 15.0


class Pulse:
    """The last answer to `auth.test`; a token that dies between two commands is noticed by it."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self.trouble = ""

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await self.beat()

    async def beat(self) -> None:
        """Ask once."""
        try:
            await self._api.call("auth.test")
        except Undelivered as error:
            self.trouble = str(error) or type(error).__name__
        else:
            self.trouble = ""
