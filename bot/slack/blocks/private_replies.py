"""Private replies: a message of paragraphs, a preflight warning that can be overridden, the list of instances."""

from collections.abc import Iterator

from bot.core.actions import Action
from bot.core.instances import project_message, region_of
from bot.core.messages import Message
from bot.core.replies import InstanceListReply, InstanceRow, PreflightReply
from bot.i18n.catalog import Translator
from bot.slack.blocks.kit import (
    MAX_SECTION_TEXT,
    MRKDWN,
    Block,
    MessageView,
    actions,
    button,
    context,
    joined_text,
    message_view,
    section,
)

MAX_PROJECTS = 40  # a message takes 50 blocks


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
    """A warning, and the button that requests the upgrade anyway."""
    text = translator.render(reply.warning, MRKDWN)
    if reply.projects:
        choices = [_project_choice(project, reply.command, translator) for project in reply.projects[:MAX_PROJECTS]]
        return message_view(text, section(f":warning: {text}"), *choices)
    is_typed = reply.warning.key in ("not_in_project", "not_in_project_near")  # the id that no instance is known by
    label = Message("request_as_typed_button") if is_typed else Message("request_anyway_button")
    request_anyway = button(translator, label, Action.REQUEST_ANYWAY, reply.command)
    return message_view(text, section(f":warning: {text}"), actions(request_anyway))


def _project_choice(project: str, command: str, translator: Translator) -> Block:
    """A project, and beside it the button that requests the upgrade there."""
    label = Message("request_in_project_button", region=region_of(project))
    request = button(translator, label, Action.REQUEST_IN_PROJECT, f"{project} {command}")
    return section(translator.render(project_message(project), MRKDWN), request)


def instance_list(reply: InstanceListReply, translator: Translator) -> MessageView:
    """One page of instances, those that can be upgraded with a button for each mode beside them."""
    head = translator.render(reply.header, MRKDWN)
    footer = [translator.render(reply.footer, MRKDWN)] if reply.footer else []
    blocks: list[Block] = [section(head)]
    texts = [head]
    heading: Message | None = None
    for row in reply.rows:
        if row.project is not None and row.project != heading:
            heading = row.project
            texts.append(translator.render(heading, MRKDWN))
            blocks.append(section(f"*{texts[-1]}*"))
        label = translator.render(row.label, MRKDWN)
        details = [translator.render(detail, MRKDWN) for detail in row.details]
        texts += [label, *details]
        if not row.is_upgradable:
            blocks.append(section("\n".join([label, *details])))
            continue
        now, delayed = _request_buttons(row, translator)
        # A section takes one button: the name has the one for now, the details the one for the window.
        blocks += [section(label, now), section("\n".join(details), delayed)]
    blocks += [context(*footer)] if footer else []
    if reply.next_page is not None:
        label_of_next = Message("next_page_button")
        blocks.append(actions(button(translator, label_of_next, Action.LIST_PAGE, str(reply.next_page))))
    return message_view(joined_text([*texts, *footer]), *blocks)


def _request_buttons(row: InstanceRow, translator: Translator) -> tuple[Block, Block]:
    return (
        button(
            translator,
            Message("request_now_button"),
            Action.REQUEST_NOW,
            row.instance_id,
            spoken=Message("request_now_label", name=row.name),
        ),
        button(
            translator,
            Message("request_delayed_button"),
            Action.REQUEST_DELAYED,
            f"{row.instance_id} --delay",
            spoken=Message("request_delayed_label", name=row.name),
        ),
    )
