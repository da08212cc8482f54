"""Values in Slack's mrkdwn: the one place where what people and APIs write is kept from becoming markup."""

import re
import unicodedata

from bot.core.sentence import Code, Link, Moment, Person
from bot.locales.catalog import Plain, utc

MOST_TEXT = 1500  # characters of one plain value, as escaped: a section holds 3000, a message 4000
MOST_CODE = 400
MOST_DIALOG = 48  # of the 300 of a dialog
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_LOOK_ALIKES = {"*": "\u2217", "_": "\u02cd", "~": "\u223c", "`": "\u02cb"}
_OPENS = re.compile(r"(?<![^\W_])[*_~](?=\S)|`")  # where Slack would begin bold, italic, struck-out or code
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})  # controls, bidirectional and zero-width marks, half characters
_PERSON = re.compile(r"[A-Za-z0-9]{1,40}")
_ADDRESS = re.compile(r"https?://[^\s<>|]{1,2000}")


class Mrkdwn:
    """Slack's own markup; every value passes through here."""

    def text(self, value: str) -> str:
        """A plain value: one line, nothing in it is formatted, mentioned or linked."""
        calm = _OPENS.sub(lambda found: _LOOK_ALIKES[found.group()], one_line(value, MOST_TEXT))
        return escaped(calm, MOST_TEXT)

    def person(self, person: Person) -> str:
        """A mention; what cannot be an id is shown as it is."""
        return f"<@{person.id}>" if _PERSON.fullmatch(person.id) else self.code(Code(person.id))

    def moment(self, moment: Moment) -> str:
        """The moment in the reader's own time zone."""
        return f"<!date^{int(moment.at)}^{{date_short_pretty}} {{time}}|{utc(moment)}>"

    def link(self, link: Link, label: str) -> str:
        """A link to a web address; anything else is only its label."""
        label = escaped(one_line(label, MOST_CODE), MOST_CODE).replace("|", "\u2758")
        return f"<{link.url.replace('&', '&amp;')}|{label}>" if _ADDRESS.fullmatch(link.url) else label

    def code(self, code: Code) -> str:
        """A code span; back-ticks would end it, and it must not be empty."""
        shown = one_line(code.text, MOST_CODE).replace("`", _LOOK_ALIKES["`"])
        return f"`{escaped(shown or ' ', MOST_CODE)}`"


class Dialog(Plain):
    """Plain text objects: nothing is markup there, but Slack reads the escapes, and a dialog holds 300 characters."""

    def text(self, value: str) -> str:
        """A plain value, in short."""
        return escaped(one_line(value, MOST_DIALOG), MOST_DIALOG)

    def code(self, code: Code) -> str:
        """An id, in short."""
        return self.text(code.text)


MRKDWN = Mrkdwn()
DIALOG = Dialog()


def one_line(value: str, most: int) -> str:
    """A value without line breaks and without what cannot be seen, of more than `most` characters if it was longer."""
    visible = [one for one in value[: most * 4] if one.isspace() or unicodedata.category(one) not in _INVISIBLE]
    return " ".join("".join(visible).split())


def escaped(value: str, most: int) -> str:
    """The value with `&`, `<` and `>` as Slack wants them, cut to so many characters, never within an escape."""
    pieces = [_ESCAPES.get(character, character) for character in value[: most + 1]]
    if sum(map(len, pieces)) <= most:
        return "".join(pieces)
    length = most - 1
    kept = []
    for piece in pieces:
        length -= len(piece)
        if length < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"
