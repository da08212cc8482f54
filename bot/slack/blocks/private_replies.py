"""Private replies: a message of paragraphs, a preflight warning that can be overridden, the list of instances."""

from collections.abc import Iterator

from slack_sdk.models.blocks import Block

from bot.core.actions import Action
from bot.core.messages import Message
from bot.core.replies import InstanceListReply, PreflightReply
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    MAX_SECTION_TEXT,
    MRKDWN,
    MessageView,
    actions,
    button,
    context,
    joined_text,
    message_view,
    section,
)


def text_reply(message: Message, translator: Translator) -> MessageView:
    """A message, each of its paragraphs a block."""
    text = translator.render(message, MRKDWN).strip()
    blocks = [section(part) for paragraph in text.split("\n\n") for part in _section_texts(paragraph)]
    return message_view(joined_text(text.split("\n")), *blocks)


def _section_texts(paragraph: str) -> Iterator[str]:
    """A paragraph in as many pieces as it needs, broken between lines."""
    piece = ""
    for line in paragraph.split("\n"):
        if piece and len(piece) + len(line) + 1 > MAX_SECTION_TEXT:
            yield piece
            piece = line
        else:
            piece = f"{piece}\n{line}" if piece else line
    yield piece


def preflight_reply(reply: PreflightReply, translator: Translator) -> MessageView:
    """A warning, and the button that requests the upgrade all the same."""
    text = translator.render(reply.warning, MRKDWN)
    request_anyway = button(translator, Message("request_anyway_button"), Action.REQUEST_ANYWAY, reply.command)
    return message_view(text, section(f":warning: {text}"), actions(request_anyway))


def instance_list(reply: InstanceListReply, translator: Translator) -> MessageView:
    """One page of instances, each with buttons that request an upgrade."""
    head = translator.render(reply.header, MRKDWN)
    rows = [translator.render(row.message, MRKDWN) for row in reply.rows]
    footer = [translator.render(reply.footer, MRKDWN)] if reply.footer else []
    blocks: list[Block] = [section(head)]
    for row, text in zip(reply.rows, rows, strict=True):
        now = button(translator, Message("request_now_button"), Action.REQUEST_NOW, row.instance_id)
        delayed = button(
            translator, Message("request_delayed_button"), Action.REQUEST_DELAYED, f"{row.instance_id} --delay"
        )
        blocks += [section(text), actions(now, delayed)]
    blocks += [context(*footer)] if footer else []
    if reply.next_page is not None:
        label = Message("next_page_button")
        blocks.append(actions(button(translator, label, Action.LIST_PAGE, str(reply.next_page))))
    return message_view(joined_text([head, *rows, *footer]), *blocks)


def without_buttons(view: MessageView) -> MessageView:
    """The same message to read only."""
    return MessageView(view.text, [block for block in view.blocks if block["type"] != "actions"])
