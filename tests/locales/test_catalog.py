"""Both languages say everything the core can say, with the same blanks, and in their own typography."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from string import Formatter
from typing import get_type_hints

import pytest

import bot.core
from bot.core.durations import Seconds
from bot.core.news import Both
from bot.core.sentence import Blank, Code, Language, Link, Moment, Person, Sentence
from bot.locales.catalog import Catalog, Words

for module in pkgutil.iter_modules(bot.core.__path__, "bot.core."):
    importlib.import_module(module.name)

CATALOG = Catalog.load()
EVERY_LANGUAGE = pytest.mark.parametrize("words", CATALOG.languages.values(), ids=lambda words: words.language.value)
TERMS = re.compile(r"(任务|实例|请求)ID")  # the cloud's own way of writing them
HAN = "\u4e00-\u9fff"


def leaves(base: type[Sentence] = Sentence) -> Iterator[type[Sentence]]:
    """Every sentence of the bot: the classes that no other derives from (`slots=True` leaves doubles behind)."""
    below = [one for one in base.__subclasses__() if getattr(sys.modules[one.__module__], one.__name__, None) is one]
    for one in below:
        yield from leaves(one)
    if not below:
        yield base


def sample(kind: type[Sentence]) -> Sentence:
    """The sentence with something in every blank."""
    hints = get_type_hints(kind)
    return kind(**{field.name: _value(hints[field.name]) for field in fields(kind)})


def _value(hint: object) -> Blank:
    samples: dict[object, Blank] = {str: "value", int: 7, Sentence: Seconds(7), Person | Both: Person("U1")}
    samples |= {
        tuple[Sentence, ...]: (Seconds(7), Seconds(8)),
        Person: Person("U1"),
        Moment: Moment(0.0),
        Code: Code("code"),
        Link: Link("https://example.com"),
    }
    return samples[hint]


SENTENCES = {kind.key(): kind for kind in leaves()}


def test_every_sentence_has_a_key_of_its_own() -> None:
    assert len(SENTENCES) == len(list(leaves()))


@EVERY_LANGUAGE
def test_the_catalogue_has_exactly_the_sentences_of_the_core(words: Words) -> None:
    assert set(words.sentences) == set(SENTENCES)


@EVERY_LANGUAGE
@pytest.mark.parametrize("key", SENTENCES)
def test_the_catalogue_uses_exactly_the_blanks_of_the_sentence(words: Words, key: str) -> None:
    named = {name for _, name, _, _ in Formatter().parse(words.sentences[key]) if name is not None}
    assert named == set(sample(SENTENCES[key]).blanks())


@EVERY_LANGUAGE
@pytest.mark.parametrize("key", SENTENCES)
def test_every_sentence_can_be_said(words: Words, key: str) -> None:
    assert words.say(sample(SENTENCES[key])).strip()


@EVERY_LANGUAGE
def test_catalogues_hold_words_and_no_markup(words: Words) -> None:
    advice = [text for one in words.faults.values() for text in (one.meaning, one.next)]
    for text in [*words.sentences.values(), *words.job_statuses.values(), *advice]:
        assert not re.search(r"[<>&*~`]|(?<!\w)_", text), text


def test_both_languages_know_the_same_answers_of_the_cloud() -> None:
    english, chinese = (CATALOG.words(language) for language in Language)
    assert set(english.faults) == set(chinese.faults)
    assert set(english.job_statuses) == set(chinese.job_statuses)


def test_only_links_carry_words_of_their_own() -> None:
    for words in CATALOG.languages.values():
        for key, text in words.sentences.items():
            for _, name, label, _ in Formatter().parse(text):
                if name is not None:
                    is_link = isinstance(sample(SENTENCES[key]).blanks()[name], Link)
                    assert bool(label) == is_link, key


def test_chinese_uses_full_width_punctuation_and_spaces_latin_off() -> None:
    words = CATALOG.words(Language.ZH)
    advice = [text for one in words.faults.values() for text in (one.meaning, one.next)]
    for text in [*words.sentences.values(), *advice]:
        plain = TERMS.sub("术语", re.sub(r"\{link:([^}]*)\}", r"\1", text))
        assert not re.search(rf"[{HAN}][,.;:!?()]|[,;:!?()][{HAN}]", plain), text
        assert not re.search(rf"[{HAN}][A-Za-z0-9{{]|[A-Za-z0-9}}][{HAN}]", plain), text
        assert not re.search(r"[，。；：！？（）] | [，。；：！？（）]", plain), text


@pytest.mark.parametrize(
    ("language", "key", "word"),
    [
        (Language.EN, "upgrade_completed", "completed"),
        (Language.EN, "upgrade_failed", "failed"),
        (Language.EN, "upgrade_canceled", "canceled"),
        (Language.EN, "outcome_unknown", "unknown"),
        (Language.ZH, "upgrade_completed", "完成"),
        (Language.ZH, "upgrade_failed", "失败"),
        (Language.ZH, "upgrade_canceled", "取消"),
        (Language.ZH, "outcome_unknown", "未知"),
    ],
)
def test_an_end_is_told_by_the_contracts_word_and_by_no_other(language: Language, key: str, word: str) -> None:
    others = {"completed", "failed", "canceled", "unknown", "完成", "失败", "取消", "未知"} - {word}
    text = CATALOG.words(language).sentences[key]
    assert word in text
    assert not [other for other in others if other in text]


@EVERY_LANGUAGE
@pytest.mark.parametrize("key", ["probably_not_started", "another_runs", "could_not_look", "job_forgotten"])
def test_what_stays_unknown_is_called_unknown(words: Words, key: str) -> None:
    assert ("unknown" if words.language is Language.EN else "未知") in words.sentences[key]
