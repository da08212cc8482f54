"""What people are told, as values: the class names the sentence, its fields are the blanks, locales has the words."""

import re
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeAlias


class Language(StrEnum):
    """A language the bot speaks; also the value of the API's `X-Language` header."""

    EN = "en-us"
    ZH = "zh-cn"

    @classmethod
    def of(cls, locale: str | None) -> "Language | None":
        """Read Slack's `user.locale` (IETF: `zh-CN`, `en-US`): any `zh…` is Chinese, all else English, None unknown."""
        if not locale:
            return None
        return cls.ZH if locale.lower().startswith("zh") else cls.EN


@dataclass(frozen=True, slots=True)
class Person:
    """A blank filled with a person; Slack shows it as a mention."""

    id: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A blank filled with a point in time (UNIX seconds); Slack shows it in the reader's own time zone."""

    at: float


@dataclass(frozen=True, slots=True)
class Link:
    """A blank filled with an address of ours (a permalink), never one that a person typed."""

    url: str


@dataclass(frozen=True, slots=True)
class Code:
    """A blank filled with something to copy or to read letter by letter: an id, a command, an offending token."""

    text: str


Blank: TypeAlias = "str | int | Person | Moment | Link | Code | Sentence | tuple[Sentence, ...]"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Base of everything said; a subclass is one sentence of every catalogue."""

    @classmethod
    def key(cls) -> str:
        """The sentence's key in the catalogues: `UnknownFlag` is `unknown_flag`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()

    def blanks(self) -> dict[str, Blank]:
        """The values for the blanks, by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}
