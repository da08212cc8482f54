"""Bolt's door: acknowledge first, translate the payload into values, hand the work on. Nothing raises here."""

import logging

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.flow.answering import Answering, Button
from bot.flow.commanding import Commanding, Shortcut
from bot.flow.work import Work
from bot.slack.identity import Identity
from bot.slack.payloads import Payload, command_presence, command_text, read_click, read_press, text

log = logging.getLogger("bot.door")
MOST_SEEN = 2000


class Listeners:
    """The listeners of one Bolt app."""

    def __init__(self, commanding: Commanding, answering: Answering, work: Work, identity: Identity) -> None:
        self._commanding = commanding
        self._answering = answering
        self._work = work
        self._identity = identity
        self._seen: dict[str, None] = {}

    def open(self, app: AsyncApp, command_name: str) -> None:
        """Register the listeners."""
        app.command(command_name)(self._command)
        for button in Button:
            app.action(button.value)(self._click)
        for shortcut in Shortcut:
            app.action(shortcut.value)(self._press)

    async def _command(self, ack: AsyncAck, body: Payload) -> None:
        await ack()
        presence, trigger = command_presence(body), text(body, "trigger_id")
        if presence is None or not self._identity.owns(body):
            self._refused("command", body)
            return
        if self._again(f"command {trigger}", trigger):
            return
        self._work.start(self._commanding.command(presence, command_text(body), trigger), name=f"command {trigger}")

    async def _click(self, ack: AsyncAck, body: Payload) -> None:
        await ack()
        click = read_click(body)
        if click is None or not self._identity.owns(body):
            self._refused("click", body)
            return
        if self._again(f"{click.message_ts} {click.button.value} {click.mark}", click.mark):
            return
        self._work.start(self._answering.click(click), name=f"click {click.upgrade_id}")

    async def _press(self, ack: AsyncAck, body: Payload) -> None:
        await ack()
        press = read_press(body)
        if press is None or not self._identity.owns(body):
            self._refused("press", body)
            return
        if self._again(f"press {press.trigger_id}", press.trigger_id):
            return
        self._work.start(self._commanding.press(press), name=f"press {press.shortcut.value}")

    def _again(self, mark: str, proof: str) -> bool:
        """Whether Slack delivers this once more: the work is the store's to do once, an answer is not given twice."""
        if not proof:
            return False
        if mark in self._seen:
            log.info("door.delivered_again")
            return True
        self._seen[mark] = None
        if len(self._seen) > MOST_SEEN:
            self._seen.pop(next(iter(self._seen)))
        return False

    def _refused(self, kind: str, body: Payload) -> None:
        """What is not for this bot, or not what Slack sends, is logged by its shape, never by its content."""
        log.warning("door.refused", extra={"kind": kind, "fields": ",".join(sorted(map(str, body))[:20])})
