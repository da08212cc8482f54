"""The catalogues: a sentence of the core in, its words in one language out.

`{name}` in a catalogue is a blank of the sentence; `{link:words}` shows the words and leads to the link.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import Any, Protocol

from bot.core.sentence import Blank, Code, Language, Link, Moment, Person, Sentence

FILES = {Language.EN: "en-us.toml", Language.ZH: "zh-cn.toml"}


class Markup(Protocol):
    """How the blanks are written in one kind of text; the words between them are the catalogue's own."""

    def text(self, value: str) -> str:
        """A plain value, from a person or from an API."""
        ...

    def person(self, person: Person) -> str:
        """A mention."""
        ...

    def moment(self, moment: Moment) -> str:
        """A point in time."""
        ...

    def link(self, link: Link, label: str) -> str:
        """A link that shows `label`, or only the label when there is nowhere to go."""
        ...

    def code(self, code: Code) -> str:
        """Something to copy, or to read letter by letter."""
        ...


class Plain:
    """No markup at all: for plain text objects and for reading in a terminal."""

    def text(self, value: str) -> str:
        """The value as it is."""
        return value

    def person(self, person: Person) -> str:
        """The person's id."""
        return person.id

    def moment(self, moment: Moment) -> str:
        """The moment in UTC."""
        return utc(moment)

    def link(self, link: Link, label: str) -> str:
        """The words with the address behind them."""
        return f"{label} ({link.url})" if link.url else label

    def code(self, code: Code) -> str:
        """The text as it is."""
        return code.text


PLAIN = Plain()


def utc(moment: Moment) -> str:
    """A moment for those who cannot see it in their own time zone."""
    return datetime.fromtimestamp(moment.at, UTC).strftime("%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True, slots=True)
class Advice:
    """What an error of the cloud means, and what to do next."""

    meaning: str
    next: str


@dataclass(frozen=True, slots=True)
class Words:
    """Everything the bot can say in one language."""

    language: Language
    sentences: Mapping[str, str]
    faults: Mapping[str, Advice]
    job_statuses: Mapping[str, str]

    def say(self, sentence: Sentence, markup: Markup = PLAIN) -> str:
        """The sentence in words, its blanks written in this markup."""
        blanks = sentence.blanks()
        said = []
        for words, name, label, _ in Formatter().parse(self.sentences[sentence.key()]):
            said.append(words)
            if name is not None:
                said.append(self._fill(blanks[name], label or "", markup))
        return "".join(said)

    def advice(self, outcome: str, status: int | None, code: str) -> Advice:
        """What to tell about the cloud's answer: by status and code together, else by status, else by `outcome`.

        `outcome` is what became of the request: `refused`, `not_sent` or `unknown`.
        """
        for answer in (f"{status} {code}", str(status), outcome):
            if answer in self.faults:
                return self.faults[answer]
        raise KeyError(outcome)

    def job_status(self, status: str) -> str:
        """The word for a job's status; one that nobody documented stays as the API says it."""
        return self.job_statuses.get(status, status)

    def _fill(self, blank: Blank, label: str, markup: Markup) -> str:
        match blank:
            case Sentence():
                return self.say(blank, markup)
            case tuple():
                return "\n".join(self.say(one, markup) for one in blank)
            case Person():
                return markup.person(blank)
            case Moment():
                return markup.moment(blank)
            case Link():
                return markup.link(blank, label)
            case Code():
                return markup.code(blank)
            case _:
                return markup.text(str(blank))


@dataclass(frozen=True, slots=True)
class Catalog:
    """The words of every language."""

    languages: Mapping[Language, Words]

    @classmethod
    def load(cls) -> "Catalog":
        """Read the catalogues that come with the package."""
        return cls({language: _read(language, name) for language, name in FILES.items()})

    def words(self, language: Language) -> Words:
        """The words of one language."""
        return self.languages[language]


def _read(language: Language, name: str) -> Words:
    """One catalogue file."""
    table: dict[str, Any] = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    faults = {
        answer: Advice(fault["meaning"], fault["next"]) for fault in table["faults"] for answer in fault["answers"]
    }
    return Words(language, table["sentences"], faults, table["job_status"])
