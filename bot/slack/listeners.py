"""Bolt's door: acknowledge first, translate the payload into values, hand the work on. Nothing raises here."""

import logging
from dataclasses import replace

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.flow.answering import Answering, Button
from bot.flow.commanding import Commanding, Shortcut
from bot.flow.work import Work
from bot.slack.identity import Identity
from bot.slack.payloads import Payload, command_presence, command_text, proof, read_click, read_press

log = logging.getLogger("bot.door")
MOST_SEEN = 2000
LONGEST_NAME = 30


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
        presence, trigger = command_presence(body), proof(body, "trigger_id")
        if self._refuses("command", body, presence) or presence is None:
            return
        if self._again(f"command {trigger}", trigger):
            return
        who = self._identity.of(presence)
        self._work.start(self._commanding.command(who, command_text(body), trigger), name=f"command {trigger}")

    async def _click(self, ack: AsyncAck, body: Payload) -> None:
        await ack()
        click = read_click(body)
        if self._refuses("click", body, click) or click is None:
            return
        if self._again(f"{click.message_ts} {click.button.value} {click.mark}", click.mark):
            return
        click = replace(click, presence=self._identity.of(click.presence))
        self._work.start(self._answering.click(click), name=f"click {click.upgrade_id}")

    async def _press(self, ack: AsyncAck, body: Payload) -> None:
        await ack()
        press = read_press(body)
        if self._refuses("press", body, press) or press is None:
            return
        if self._again(f"press {press.trigger_id}", press.trigger_id):
            return
        press = replace(press, presence=self._identity.of(press.presence))
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

    def _refuses(self, kind: str, body: Payload, found: object) -> bool:
        """Whether it is not for this bot, or not what Slack sends: logged by its shape, never by its content."""
        why = "unreadable" if found is None else self._identity.objection(body)
        if why:
            fields = ",".join(sorted(str(name)[:LONGEST_NAME] for name in body)[:20])
            log.warning("door.refused", extra={"kind": kind, "why": why, "fields": fields})
        return bool(why)
