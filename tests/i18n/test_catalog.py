"""Both catalogues have exactly the messages that the code uses, with their values, in their own typography."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest

import bot
from bot.core.messages import (
    Code,
    Console,
    Language,
    Link,
    Listing,
    Message,
    Person,
    Project,
    Term,
    Time,
    Value,
    Vocabulary,
)
from bot.i18n.catalog import Catalog, Regions, Translator

CATALOG = Catalog()
EVERY_LANGUAGE = pytest.mark.parametrize(
    "translator",
    [CATALOG.translator(language) for language in Language],
    ids=lambda translator: translator.language.value,
)
HAN = "\u4e00-\u9fff"
BOT = Path(bot.__file__).parent
SOURCES = {  # the stand-ins have a class Message of their own: the messages of Slack
    path: path.read_text(encoding="utf-8") for path in BOT.rglob("*.py") if path.relative_to(BOT).parts[0] != "sandbox"
}


def message_classes(sources: Iterator[str]) -> set[str]:
    """The names of `Message` and of every class that derives from it, however far."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for source in sources
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef)
    }
    names = {"Message"}
    while more := {name for name, parents in bases.items() if parents & names} - names:
        names |= more
    return names


CLASSES = message_classes(iter(SOURCES.values()))


def uses(source: str) -> Iterator[tuple[object, frozenset[str | None]]]:
    """Every construction of a message in a module: its first argument if that is a literal, and its keywords."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
            key = node.args[0].value if len(node.args) == 1 and isinstance(node.args[0], ast.Constant) else None
            yield key, frozenset(keyword.arg for keyword in node.keywords)


def placeholders(text: str) -> frozenset[str]:
    """The names in braces; `{link:words}` counts as `link`."""
    return frozenset(name for _, name, _, _ in Formatter().parse(text) if name is not None)


USES = [(path, key, values) for path, source in SOURCES.items() for key, values in uses(source)]
KEYS = sorted({str(key) for _, key, _ in USES})


def test_the_subclasses_of_message_are_found() -> None:
    assert {"Message", "Refusal", "PermissionDenied", "UpgradeInProgress", "PreflightWarning"} <= CLASSES


def test_every_message_is_made_with_a_literal_key() -> None:
    assert [path for path, key, _ in USES if not isinstance(key, str)] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Message('a')", [("a", frozenset())]),
        ("TooLate('b', by=x, at=y)", [("b", frozenset({"by", "at"}))]),
        ("Message('a', text=Message('c', n=1))", [("a", frozenset({"text"})), ("c", frozenset({"n"}))]),
        ("Message(key)", [(None, frozenset())]),
        ("Message(f'a_{state}')", [(None, frozenset())]),
        ("Message('a', **values)", [("a", frozenset({None}))]),
        ("Other('a')", []),
    ],
)
def test_a_use_is_read_from_the_syntax_tree(source: str, expected: list[tuple[object, frozenset[str | None]]]) -> None:
    assert list(uses(source)) == expected


@EVERY_LANGUAGE
def test_the_catalogue_has_exactly_the_messages_that_the_code_uses(translator: Translator) -> None:
    assert set(translator.messages) == {key for _, key, _ in USES}


@EVERY_LANGUAGE
@pytest.mark.parametrize("key", KEYS)
def test_every_use_gives_exactly_the_values_that_the_catalogue_has_places_for(translator: Translator, key: str) -> None:
    for path, used_key, values in USES:
        if used_key == key:
            assert values == placeholders(translator.messages[key]), path.name


def sample_value(name: str) -> Value:
    """A value for a placeholder; which type it has matters to links alone."""
    values: dict[str, Value] = {"link": Link("https://example.com"), "console": Console("")}
    return values.get(name, "value")


@EVERY_LANGUAGE
@pytest.mark.parametrize("key", KEYS)
def test_every_message_can_be_rendered(translator: Translator, key: str) -> None:
    values = {name: sample_value(name) for name in placeholders(translator.messages[key])}
    assert translator.render(Message(key, **values)).strip()


def test_values_of_every_type_are_rendered() -> None:
    translator = CATALOG.translator(Language.EN)
    line = Message(
        "upgrade_line",
        at=Time(0.0),
        instance=Message("unnamed_instance", instance=Code("in17")),
        requester=Person("U1"),
        state=Message("state_failed"),
        link=Link("https://example.com"),
    )
    text = translator.render(Message("history", lines=(line, line)))
    assert text.count("1970-01-01 00:00 UTC · in17 · U1 · failed · thread (https://example.com)") == 2
    assert translator.render(Message("seconds", seconds=7)) == "7 s"


def test_a_sentence_ends_in_three_dots_where_its_last_value_does() -> None:
    message = Message("found_rejected", name="a long name…")
    assert CATALOG.translator(Language.EN).render(message) == (
        "Huawei Cloud answered late: it refused the upgrade of a long name… No upgrade was started."
    )


def vocabulary_words(translator: Translator) -> list[str]:
    return [word for words in translator.vocabularies.values() for word in words.values()]


@EVERY_LANGUAGE
def test_catalogues_hold_words_and_no_markup(translator: Translator) -> None:
    errors = [text for error in translator.cloud_errors.values() for text in (error.meaning, error.next)]
    for text in [*translator.messages.values(), *vocabulary_words(translator), *errors]:
        assert not re.search(r"[<>&*~`]|(?<!\w)_", text), text


def test_both_languages_know_the_same_errors_and_statuses() -> None:
    english, chinese = (CATALOG.translator(language) for language in Language)
    assert set(english.cloud_errors) == set(chinese.cloud_errors)
    for vocabulary in set(Vocabulary) - {Vocabulary.CHECK_REMEDY}:  # the checks have theirs in English
        assert set(english.vocabularies[vocabulary]) == set(chinese.vocabularies[vocabulary])


@EVERY_LANGUAGE
def test_only_links_carry_words_of_their_own(translator: Translator) -> None:
    for key, text in translator.messages.items():
        for _, name, label, _ in Formatter().parse(text):
            if name is not None:
                assert bool(label) == (name in ("link", "console")), key


@EVERY_LANGUAGE
def test_the_task_center_is_a_link_wherever_a_link_can_stand(translator: Translator) -> None:
    errors = [error.next for error in translator.cloud_errors.values()]
    for text in [*translator.messages.values(), *errors]:
        without_links = re.sub(r"\{console:[^}]*\}", "", text)
        is_dialog = text == translator.messages["cancel_scheduled_text"]  # plain text
        assert is_dialog or not re.search(r"Task Center|任务中心|TaurusDB 控制台|TaurusDB console", without_links), text


def test_the_console_and_a_project_are_those_of_the_region() -> None:
    regions = Regions({"": "https://one.example", "cn-north-4": "https://north.example"}, frozenset({"cn-south-1"}))
    translator = Catalog(regions).translator(Language.EN)

    def rendered(value: Value, key: str) -> str:
        return translator.render(Message(key, **{"project" if key == "project" else "console": value}))

    for region, url in (("cn-north-4", "https://north.example"), ("", "https://one.example")):
        assert f"TaurusDB console ({url})" in rendered(Console(region), "check_instance")
    assert "instance's status in the TaurusDB console." in rendered(Console("cn-south-1"), "check_instance")
    assert rendered(Project(f"cn-north-4:{'a' * 32}"), "project") == "cn-north-4"
    assert rendered(Project(f"cn-south-1:{'a' * 32}"), "project") == f"cn-south-1 · {'a' * 32}"


def test_a_value_named_link_is_a_link_and_no_other_value_is() -> None:
    for path, source in SOURCES.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CLASSES:
                for keyword in node.keywords:
                    is_link = isinstance(keyword.value, ast.Call) and ast.unparse(keyword.value.func) == "Link"
                    assert is_link == (keyword.arg == "link"), (path.name, node.lineno)


def test_chinese_uses_full_width_punctuation_and_spaces_latin_off() -> None:
    translator = CATALOG.translator(Language.ZH)
    errors = [text for error in translator.cloud_errors.values() for text in (error.meaning, error.next)]
    for text in [*translator.messages.values(), *errors, *(words for _, words in translator.sentences)]:
        plain = re.sub(r"\{(?:link|console):([^}]*)\}", r"\1", text).replace("{duration}", "4 秒")
        assert not re.search(rf"[{HAN}][,.;:!?()]|[,;:!?()][{HAN}]", plain), text
        assert not re.search(rf"[{HAN}][A-Za-z0-9{{]|[A-Za-z0-9}}][{HAN}]", plain), text
        assert not re.search(r"[，。；：！？（）] | [，。；：！？（）]", plain), text
        assert not re.search(rf"[{HAN}] [{HAN}]", plain), text
        assert not re.search(r"\{people\}(?![，：])", text), text  # a mention is set off from the sentence


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
    text = CATALOG.translator(language).messages[key]
    assert word in text
    assert not [other for other in others if other in text]


def test_several_operations_are_joined_and_translated_by_the_catalogue() -> None:
    actions = Listing(tuple(Term(Vocabulary.INSTANCE_ACTION, word) for word in ("RESTARTING", "RESIZE_FLAVOR", "NEW")))
    for language, text in (
        (Language.EN, "restarting, changing specifications, NEW"),
        (Language.ZH, "重启、规格变更、NEW"),
    ):
        assert text in CATALOG.translator(language).render(Message("actions_running", actions=actions))


@EVERY_LANGUAGE
@pytest.mark.parametrize(
    "key", ["unresolved_idle", "unresolved_busy", "unresolved_inconclusive", "unresolved_job_gone"]
)
def test_what_stays_unknown_is_called_unknown(translator: Translator, key: str) -> None:
    assert ("unknown" if translator.language is Language.EN else "未知") in translator.messages[key]
