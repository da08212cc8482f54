"""What one person alone sees: a sentence, each of its paragraphs a block."""

from collections.abc import Iterator

from bot.core.sentence import Sentence
from bot.locales.catalog import Words
from bot.slack.markup import MRKDWN
from bot.slack.views.view import View, in_short, section, view

MOST_SECTION = 2900  # of the 3000 characters that a section holds


def private(sentence: Sentence, words: Words) -> View:
    """The sentence as a message; also what replaces a message that has lost its question."""
    said = words.say(sentence, MRKDWN).strip()
    return view(
        in_short(said.split("\n")), *(section(part) for paragraph in said.split("\n\n") for part in _parts(paragraph))
    )


def _parts(paragraph: str) -> Iterator[str]:
    """A paragraph in as many pieces as it needs, broken between lines."""
    part = ""
    for line in paragraph.split("\n"):
        if part and len(part) + len(line) + 1 > MOST_SECTION:
            yield part
            part = line
        else:
            part = f"{part}\n{line}" if part else line
    yield part
