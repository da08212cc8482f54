"""The building blocks of every view: a message, its kinds of blocks, and values escaped as Slack's mrkdwn.

Every value of a person or an API passes through `Mrkdwn` or `DialogText`; nothing in it can become markup.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from bot.core.actions import Action
from bot.core.messages import Code, Link, Message, Person, Time
from bot.i18n.catalog import PlainText, Translator, utc_time

MAX_MESSAGE_TEXT = 3800  # of the 4000 characters of a message's `text`
MAX_SECTION_TEXT = 2900  # of the 3000 characters of a section
MAX_VALUE = 1500  # characters of one value, as escaped
MAX_CODE = 400
MAX_DIALOG_VALUE = 48  # of the 300 characters of a dialog's text, of the 150 of a header
MAX_BUTTON_VALUE = 2000
MAX_SPOKEN = 75  # characters of an accessibility label

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOOK_ALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
_OPENS = re.compile(r"(?<![^\W_])[*_~](?=\S)|`")  # where Slack would begin bold, italic, struck-out or code
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})  # controls, bidirectional and zero-width marks, lone surrogates
_USER_ID = re.compile(r"[A-Za-z0-9]{1,40}")
_URL = re.compile(r"https?://[^\s<>|]{1,2000}")


Block: TypeAlias = dict[str, Any]
"""A block of Block Kit, or an element of one, as JSON; slack_sdk's models take a sixth of a flow's CPU."""


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message: `text` is all of it for notifications and screen readers, `blocks` are what is displayed."""

    text: str
    blocks: list[Block] = field(default_factory=list)


def message_view(text: str, *blocks: Block) -> MessageView:
    """A message of these blocks."""
    return MessageView(text, list(blocks))


def joined_text(parts: Iterable[str]) -> str:
    """As many whole parts, one a line, as the `text` of a message holds; its blocks have them all."""
    lines: list[str] = []
    length = 0
    for part in parts:
        length += len(part) + 1
        if length > MAX_MESSAGE_TEXT:
            return "\n".join([*lines, "…"])
        lines.append(part)
    return "\n".join(lines)


def header(text: str) -> Block:
    """The title line: plain text, in which `:x:` is no emoji."""
    return {"type": "header", "text": _plain_text(text) | {"emoji": False}}


def section(text: str, accessory: Block | None = None) -> Block:
    """A paragraph of mrkdwn, with a button beside it."""
    block: Block = {"type": "section", "text": _mrkdwn(text)}
    return block | {"accessory": accessory} if accessory else block


def two_columns(*texts: str) -> Block:
    """Short texts of mrkdwn in two columns."""
    return {"type": "section", "fields": [_mrkdwn(text) for text in texts]}


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [_mrkdwn(text) for text in texts]}


def actions(*buttons: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "elements": list(buttons)}


def button(
    translator: Translator,
    label: Message,
    action: Action,
    value: str,
    *,
    style: str | None = None,
    confirm: Block | None = None,
    spoken: Message | None = None,
) -> Block:
    """A button; `value` is an opaque id or the text of a command, `spoken` what a screen reader says for it."""
    text, value = _plain_text(translator.render(label)), value[:MAX_BUTTON_VALUE]
    element: Block = {"type": "button", "text": text, "action_id": action.value, "value": value}
    if style:
        element["style"] = style
    if confirm:
        element["confirm"] = confirm
    if spoken:
        element["accessibility_label"] = translator.render(spoken, DIALOG_TEXT)[:MAX_SPOKEN]
    return element


def confirm_dialog(translator: Translator, title: Message, text: Message, ok: Message, deny: Message) -> Block:
    """Slack's confirmation dialog of a dangerous button."""
    return {
        "title": _plain_text(translator.render(title)),
        "text": _plain_text(translator.render(text, DIALOG_TEXT)),
        "confirm": _plain_text(translator.render(ok)),
        "deny": _plain_text(translator.render(deny)),
        "style": "danger",
    }


def _plain_text(text: str) -> Block:
    return {"type": "plain_text", "text": text}


def _mrkdwn(text: str) -> Block:
    """Markup; `verbatim`: Slack makes no link or mention of anything in it that is not written as one."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


class Mrkdwn:
    """Slack's markup (`bot.i18n.catalog.Markup`)."""

    def text(self, value: str) -> str:
        """A plain value: one line, nothing in it is formatted, mentioned or linked."""
        return escaped(neutral(single_line(value, MAX_VALUE)), MAX_VALUE)

    def person(self, person: Person) -> str:
        """A mention; what cannot be a user id is shown as it is."""
        return f"<@{person.id}>" if _USER_ID.fullmatch(person.id) else self.code(Code(person.id))

    def time(self, time: Time, date_time: str) -> str:
        """A date token: Slack shows the reader's own time zone."""
        style = "{time}" if time.is_clock else date_time
        return f"<!date^{int(time.at)}^{style}|{utc_time(time)}>"

    def link(self, link: Link, label: str) -> str:
        """A link to a web address; anything else is only its label."""
        label = escaped(single_line(label, MAX_CODE), MAX_CODE).replace("|", "\u2758")
        return f"<{link.url.replace('&', '&amp;')}|{label}>" if _URL.fullmatch(link.url) else label

    def code(self, code: Code) -> str:
        """A code span; back-ticks would end it, and it must not be empty."""
        text = single_line(code.text, MAX_CODE).replace("`", _LOOK_ALIKES["`"])
        return f"`{escaped(text or ' ', MAX_CODE)}`"


class DialogText(PlainText):
    """Plain text objects of dialogs: nothing is markup there, but Slack reads the escapes."""

    def text(self, value: str) -> str:
        """A value, cut so that the dialog's 300 characters hold it."""
        return escaped(single_line(value, MAX_DIALOG_VALUE), MAX_DIALOG_VALUE)

    def code(self, code: Code) -> str:
        """An id, cut the same way."""
        return self.text(code.text)


class HeaderText(DialogText):
    """The title, which also begins the notification: there, mrkdwn would be formatted."""

    def text(self, value: str) -> str:
        """A value, cut as in a dialog."""
        return super().text(neutral(value))


MRKDWN = Mrkdwn()
HEADER_TEXT = HeaderText()
DIALOG_TEXT = DialogText()


def neutral(value: str) -> str:
    """The value with look-alikes where Slack would begin a format."""
    return _OPENS.sub(lambda match: _LOOK_ALIKES[match.group()], value)


def single_line(value: str, limit: int) -> str:
    """A value without line breaks and invisible characters; of a long one, more than `limit` characters are kept."""
    head = value[: limit * 4]
    if head.isascii() and head.isprintable():
        return " ".join(head.split())
    visible = [letter for letter in head if letter.isspace() or unicodedata.category(letter) not in _INVISIBLE]
    return " ".join("".join(visible).split())


def escaped(value: str, limit: int) -> str:
    """The value with `&`, `<` and `>` escaped, cut to so many characters, never within an escape."""
    pieces = [_ESCAPES.get(character, character) for character in value[: limit + 1]]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    length = limit - 1
    kept = []
    for piece in pieces:
        length -= len(piece)
        if length < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"
