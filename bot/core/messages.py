"""What the bot says to people, as data: a catalogue key and the values for its placeholders. bot/i18n has the words."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

MAX_FOREIGN_TEXT = 1000
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def clipped(text: str, limit: int = MAX_FOREIGN_TEXT) -> str:
    """A text from outside as it may be logged, stored and shown: at most `limit` characters, on one line.

    Applied where the text is read, so that nothing behind that has to ask how long it is. Line breaks and tabs
    become blanks; other controls and lone surrogates are replaced.
    """
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return _UNPRINTABLE.sub(lambda match: " " if match.group().isspace() else "\ufffd", cut)


class Language(StrEnum):
    """A language of the catalogues; the value is also what TaurusDB expects in `X-Language`."""

    EN = "en-us"
    ZH = "zh-cn"

    @classmethod
    def from_locale(cls, locale: str | None) -> "Language | None":
        """Map Slack's `user.locale` (IETF: `zh-CN`, `en-US`): any `zh…` is Chinese, all else English, None if unset."""
        if not locale:
            return None
        return cls.ZH if locale.lower().startswith("zh") else cls.EN


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user id, rendered as a mention."""

    id: str


@dataclass(frozen=True, slots=True)
class Time:
    """A point in time in UNIX seconds, rendered in the reader's own time zone; `is_clock`: the time of day alone."""

    at: float
    is_clock: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A URL that Slack gave us (a permalink), never one that a person typed."""

    url: str


@dataclass(frozen=True, slots=True)
class Console:
    """The cloud's web console in a region (empty: that of the only project), a link where its address is known."""

    region: str


@dataclass(frozen=True, slots=True)
class Project:
    """A project (`region:project_id`), shown by its region, and its id where several are served in the region."""

    project: str


@dataclass(frozen=True, slots=True)
class Code:
    """Text to copy or to compare letter by letter: an id, a command, a token of the user's input."""

    text: str


class Vocabulary(StrEnum):
    """A table of the catalogues that translates words of the API."""

    JOB_STATUS = "job_statuses"
    INSTANCE_STATUS = "instance_statuses"
    INSTANCE_ACTION = "instance_actions"
    SYNC_STAGE = "sync_stages"
    CHECK_STATUS = "check_statuses"
    CHECK_NAME = "check_names"
    CHECK_REMEDY = "check_remedies"


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the API or of the doctor, translated where the vocabulary knows it or what it begins with (`a.b.c`).

    An unknown one is shown as `fallback`, without one as it is.
    """

    vocabulary: Vocabulary
    word: str
    fallback: str = ""


@dataclass(frozen=True, slots=True)
class Sentence:
    """An English sentence of the doctor, translated where the catalogue has its pattern, values within it as well."""

    text: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Several terms in one line, joined as the language does it."""

    terms: tuple[Term, ...]


Value: TypeAlias = (
    "str | int | Person | Time | Link | Console | Project | Code | Term | Sentence | Listing | Message"
    " | tuple[Message, ...]"
)


class Message:
    """One entry of the catalogues with its values: `Message("job_accepted", instance=Code(id), job=Code(job_id))`.

    The key is a string literal at every call, so that a test can compare code and catalogues. Only what code branches
    on is a subclass: refusals (errors.py) and preflight warnings (instances.py).
    """

    __slots__ = ("key", "values")

    def __init__(self, key: str, /, **values: Value) -> None:
        self.key = key
        self.values = values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Message):
            return NotImplemented
        return type(self) is type(other) and (self.key, self.values) == (other.key, other.values)

    def __hash__(self) -> int:
        return hash((self.key, tuple(sorted(self.values))))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"{type(self).__name__}({', '.join(filter(None, (repr(self.key), values)))})"


def duration_message(seconds: float) -> Message:
    """A duration in its two largest units, none of them 0; a negative one (the clock was set back) counts as 0."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    parts: list[Message] = []
    if days:
        parts.append(Message("days", days=days))
    if hours:
        parts.append(Message("hours", hours=hours))
    if minutes and not days:
        parts.append(Message("minutes", minutes=minutes))
    if whole < 3600 and (whole % 60 or not minutes):
        parts.append(Message("seconds", seconds=whole % 60))
    first, *rest = parts
    return Message("two_units", first=first, second=rest[0]) if rest else first


def help_message(command_name: str) -> Message:
    """How the command is used; `command_name` is its name in this workspace."""
    return Message(
        "help",
        usage=Code(f"{command_name} <instance_id> [--delay] [--skip-validate]"),
        delay=Code("--delay"),
        skip_validate=Code("--skip-validate"),
        instance=Code("instance_id"),
        ending=Code("in17"),
        list=Code(command_name),
        status=Code(f"{command_name} status [instance_id]"),
        history=Code(f"{command_name} history [instance_id]"),
        help=Code(f"{command_name} help"),
    )
