"""The catalogues: a `Message` of the core in, its text in one language out.

`{name}` in a catalogue is a value of the message; `{link:words}` and `{console:words}` show the words as a link.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any, Protocol

from bot.core.messages import (
    Code,
    Console,
    Language,
    Link,
    Listing,
    Message,
    Person,
    Project,
    Sentence,
    Term,
    Time,
    Value,
    Vocabulary,
)

FILES = {Language.EN: "en-us.toml", Language.ZH: "zh-cn.toml"}


# What a value of a sentence of the doctor looks like, by its name; others are any text.
_SENTENCE_VALUES = {
    "url": r"\w+://\S+",
    "place": r"[a-z]+(?:-[a-z0-9]+)+(?::\w+)?",
    "count": r"\d+",
    "seconds": r"[+-]?[\d.]+",
    "problem": r".+",
    **dict.fromkeys(("name", "first", "second", "kind"), r"\w+"),
}


class Markup(Protocol):
    """How the values of a message are written in one kind of text; the words between them are the catalogue's."""

    def text(self, value: str) -> str:
        """A plain value, from a person or from an API."""

    def person(self, person: Person) -> str:
        """A mention."""

    def time(self, time: Time, date_time: str) -> str:
        """A point in time; `date_time` is the format of the language in Slack's date tokens."""

    def link(self, link: Link, label: str) -> str:
        """A link that shows `label`, or only the label when the URL is empty."""

    def code(self, code: Code) -> str:
        """Text to copy or to compare letter by letter."""


class PlainText:
    """No markup: for plain text objects and for a terminal."""

    def text(self, value: str) -> str:
        """The value as it is."""
        return value

    def person(self, person: Person) -> str:
        """The user id."""
        return person.id

    def time(self, time: Time, date_time: str) -> str:
        """The time in UTC."""
        return utc_time(time)

    def link(self, link: Link, label: str) -> str:
        """The label with the URL behind it."""
        return f"{label} ({link.url})" if link.url else label

    def code(self, code: Code) -> str:
        """The text as it is."""
        return code.text


PLAIN_TEXT = PlainText()


def utc_time(time: Time) -> str:
    """A time for those who cannot see it in their own time zone."""
    return datetime.fromtimestamp(time.at, UTC).strftime("%H:%M UTC" if time.is_clock else "%Y-%m-%d %H:%M UTC")


@dataclass(frozen=True, slots=True)
class Regions:
    """Of the served projects: the console's URL by region (the key "" is the first project's); regions with several."""

    consoles: Mapping[str, str] = field(default_factory=dict)
    shared: frozenset[str] = frozenset()


NO_REGIONS = Regions()


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What an error of the cloud means, and what to do next when the upgrade's outcome is `outcome`.

    `next` may name the console: `{console:words}`.
    """

    meaning: str
    next: str
    outcome: str


@dataclass(slots=True, eq=False, repr=False)
class Translator:
    """The catalogue of one language, and where the projects are that the bot serves."""

    language: Language
    list_separator: str
    date_time: str
    messages: Mapping[str, str]
    cloud_errors: Mapping[str, ErrorText]
    vocabularies: Mapping[Vocabulary, Mapping[str, str]]
    sentences: Sequence[tuple[str, str]]  # of the doctor, in English and in this language
    regions: "Regions"

    def render(self, message: Message, markup: Markup = PLAIN_TEXT) -> str:
        """The text of a message, its values written in this markup. Raises KeyError for an unknown key."""
        return self._render_text(self.messages[message.key], message.values, markup)

    def render_next(self, error: ErrorText, console: Console, markup: Markup = PLAIN_TEXT) -> str:
        """What to do next after an error of the cloud."""
        return self._render_text(error.next, {"console": console}, markup)

    def _render_text(self, text: str, values: Mapping[str, Value], markup: Markup) -> str:
        parts: list[str] = []
        for words, name, label in _parsed(text):
            is_after_cut = words.startswith(".") and parts[-1:] and parts[-1].endswith("…")  # no four dots
            parts.append(words[1:] if is_after_cut else words)
            if name is not None:
                parts.append(self._render_value(values[name], label, markup))
        return "".join(parts)

    def error_text(self, outcome: str, status: int | None, code: str) -> ErrorText:
        """The text for an error of the cloud.

        `outcome` is what became of the request: `rejected`, `not_sent`, `unknown`, or `sign_in` when it was not sent
        because signing in failed. The outcome decides the advice; an answer has its own for its usual outcome. The
        meaning is found by status and code, by code within the family of the status (4xx, 5xx), by status.
        """
        by_outcome = self.cloud_errors[outcome]
        if outcome == "sign_in" or status is None:
            return by_outcome
        family = f"{status // 100}xx"
        in_family = (key for key in self.cloud_errors if code and key[0] == family[0] and key.endswith(f" {code}"))
        keys = (f"{status} {code}", next(in_family, ""), str(status), family)
        error = next((self.cloud_errors[key] for key in keys if key in self.cloud_errors), by_outcome)
        if outcome in (error.outcome, "not_sent"):  # nothing was sent: what the answer says can be mended and retried
            return error
        return ErrorText(error.meaning, by_outcome.next, outcome)

    def term(self, term: Term) -> str:
        """The words for a word of the API, or for the longest part before a dot that is known."""
        words, parts = self.vocabularies[term.vocabulary], term.word.split(".")
        keys = (_normalized("".join(parts[:length])) for length in range(len(parts), 0, -1))
        return next((words[key] for key in keys if key in words), term.fallback or term.word)

    def sentence(self, text: str) -> str:
        """The words for a sentence of the doctor, and for those within it; what no pattern fits stays as it is."""
        for english, words in self.sentences:
            if match := _pattern(english).fullmatch(text):
                parts = Formatter().parse(words)
                return "".join(part + (self.sentence(match[name]) if name else "") for part, name, _, _ in parts)
        return text

    def _render_value(self, value: Value, label: str, markup: Markup) -> str:
        match value:
            case Message():
                return self.render(value, markup)
            case tuple():
                return "\n".join(self.render(message, markup) for message in value)
            case Person():
                return markup.person(value)
            case Time():
                return markup.time(value, self.date_time)
            case Link():
                return markup.link(value, label)
            case Console(region):
                return markup.link(Link(self.regions.consoles.get(region, "")), label)
            case Project(project):
                region, _, project_id = project.partition(":")
                if region not in self.regions.shared:
                    return markup.text(region)
                return self.render(Message("project_by_id", region=region, project=Code(project_id)), markup)
            case Code():
                return markup.code(value)
            case Term():
                return markup.text(self.term(value))
            case Sentence(text):
                return markup.text(self.sentence(text))
            case Listing(terms):
                return markup.text(self.list_separator.join(self.term(term) for term in terms))
            case _:
                return markup.text(str(value))


@dataclass(slots=True, eq=False, repr=False)
class Catalog:
    """The translators: each is read from its file in the package when it is first asked for, in about 6 ms."""

    regions: Regions = NO_REGIONS
    _translators: dict[Language, Translator] = field(default_factory=dict)

    def translator(self, language: Language) -> Translator:
        """The translator of one language."""
        translator = self._translators.get(language)
        if translator is None:
            translator = self._translators[language] = _load(language, FILES[language], self.regions)
        return translator


def _load(language: Language, name: str, regions: Regions) -> Translator:
    table: dict[str, Any] = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    errors = {
        key: ErrorText(error["meaning"], error["next"], error["outcome"])
        for error in table["cloud_errors"]
        for key in error["match"]
    }
    vocabularies = {
        vocabulary: {_normalized(word): text for word, text in table[vocabulary.value].items()}
        for vocabulary in Vocabulary
    }
    sentences = sorted(table["sentences"].items(), key=lambda item: -len(item[0]))  # "{a}: {b}" fits too much
    return Translator(
        language,
        table["list_separator"],
        table["date_time"],
        table["messages"],
        errors,
        vocabularies,
        sentences,
        regions,
    )


@cache  # compiled when the doctor is first asked: all of them would take a tenth of the bot's start
def _pattern(english: str) -> re.Pattern[str]:
    """What a sentence with these placeholders looks like."""

    def value(name: str | None) -> str:
        return f"(?P<{name}>{_SENTENCE_VALUES.get(name, '.+?')})" if name else ""

    return re.compile("".join(re.escape(words) + value(name) for words, name, _, _ in Formatter().parse(english)))


@cache
def _parsed(template: str) -> Sequence[tuple[str, str | None, str]]:
    """The words of a message of the catalogue, each with the name and the label of the value after it."""
    return [(words, name, label or "") for words, name, label, _ in Formatter().parse(template)]


def _normalized(word: str) -> str:
    """A word of the API as vocabularies have it: lower case, without separators."""
    return "".join(letter for letter in word.lower() if letter.isalnum())
