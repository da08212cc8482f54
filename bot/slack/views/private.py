"""What one person alone sees: a sentence, each of its paragraphs a block."""

from bot.core.sentence import Sentence
from bot.locales.catalog import Words
from bot.slack.markup import MRKDWN
from bot.slack.views.view import View, section, view


def private(sentence: Sentence, words: Words) -> View:
    """The sentence as a message; also what replaces a message that has lost its question."""
    said = words.say(sentence, MRKDWN).strip()
    return view(said, *(section(paragraph) for paragraph in said.split("\n\n")))
