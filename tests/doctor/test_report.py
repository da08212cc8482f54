"""Results as text and in short."""

import ast
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from string import Formatter

import pytest

import bot.doctor
from bot.core.messages import Language
from bot.doctor.report import MAX_LINES, Check, CheckStatus, to_message, to_text
from bot.i18n.catalog import Catalog

FINE = Check("settings", CheckStatus.PASS, "fine")
WARNING = Check("slack.channel.C1", CheckStatus.WARN, "a word", "do this")


def lines(language: Language, *checks: Check) -> list[str]:
    return Catalog().translator(language).render(to_message(checks)).splitlines()


def test_failures_come_first_one_a_line_and_not_too_many() -> None:
    failures = [Check(f"slack.channel.C{n}", CheckStatus.FAIL, "the bot is\nnot in it", "invite it") for n in range(99)]
    text = lines(Language.EN, FINE, WARNING, *failures)
    assert text[1] == "The bot cannot work until the failed checks pass. Passed: 1. Failed: 99. Warnings: 1."
    assert text[2] == "• failed: allowed channel slack.channel.C0 (the bot is not in it). What to do: invite it"
    assert len(text) == 2 + MAX_LINES + 1
    assert text[-1] == "• and 80 more: run python -m bot doctor"


@pytest.mark.parametrize(
    ("language", "verdict", "line"),
    [
        (Language.EN, "The bot can work", "• warning: allowed channel slack.channel.C1 (a word). What to do: do this"),
        (
            Language.ZH,
            "本机器人可以工作",
            "• 警告：允许使用的频道 slack.channel.C1（a word）。处理建议：邀请本机器人加入该频道",
        ),
    ],
)
def test_it_is_told_in_the_reader_s_language(language: Language, verdict: str, line: str) -> None:
    text = lines(language, FINE, WARNING)
    assert text[1].startswith(verdict)
    assert text[2].startswith(line)


def test_a_check_that_has_no_words_yet_is_told_in_its_own() -> None:
    (_, _, line) = lines(Language.ZH, Check("new.check", CheckStatus.FAIL, "odd", "mend it"))
    assert "new.check" in line
    assert line.endswith("mend it")


CHINESE = Catalog().translator(Language.ZH)


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("the bot is not in #ops", "本机器人不在 #ops 中"),
        (
            "cn-south-1: https://x.example: the proxy http://p:1 wants a user and password, or other ones (407) (E)",
            "cn-south-1: https://x.example：代理 http://p:1 要求用户名和密码，或当前的用户名和密码有误（407）（E）",
        ),
        ("IAM gives no token now: no token within 9 s", "IAM 暂未返回 Token：9 秒内未收到 Token"),
        ("gaussdbformysql:task:list: 503 busy", "未能确认 gaussdbformysql:task:list：“503 busy”"),
        ("SQLite: database is locked (bot.db)", "SQLite: database is locked (bot.db)"),
        ("rows and columns are odd", "rows and columns are odd"),
    ],
)
def test_a_detail_is_told_in_chinese_and_what_a_system_says_in_its_own_words(english: str, chinese: str) -> None:
    (_, _, line) = lines(Language.ZH, Check("slack.channel.C1", CheckStatus.FAIL, english, "do this"))
    assert f"（{chinese}）。" in line


def details_in_the_code() -> Iterator[str]:
    """Every detail of a failure or a warning that is written in the doctor, with examples for its values."""
    for path in Path(bot.doctor.__file__).parent.glob("*.py"):
        for function in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warned", "failed"):
                    yield from examples(node.args[1], function)
                if path.stem == "causes" and isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                    yield from examples(node.value.elts[0], function)


def examples(node: ast.expr, function: ast.AST) -> list[str]:
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp(body=body, orelse=otherwise):
            return examples(body, function) + examples(otherwise, function)
        case ast.FormattedValue(value=ast.IfExp() as choice):
            return examples(choice, function)
        case ast.FormattedValue(value=value):
            known = {"url": "https://x.example", "permission": "gaussdbformysql:task:list", "label": "#ops"}
            return [next((known[word] for word in known if word in ast.unparse(value).lower()), "7")]
        case ast.JoinedStr(values=values):
            return ["".join(parts) for parts in product(*(examples(value, function) for value in values))]
        case ast.Name(id=name):
            assigned = (one for one in ast.walk(function) if isinstance(one, ast.Assign))
            return [
                text
                for one in assigned
                if name in {ast.unparse(target) for target in one.targets}
                for text in examples(one.value, function)
            ]
    return []  # what another module says


@pytest.mark.parametrize("detail", sorted(set(details_in_the_code())))
def test_every_detail_has_its_chinese(detail: str) -> None:
    assert CHINESE.sentence(detail) != detail


def test_the_chinese_of_a_sentence_has_its_values() -> None:
    for sentence in CHINESE.sentences:
        english, chinese = ({name for _, name, _, _ in Formatter().parse(text) if name} for text in sentence)
        assert english == chinese, sentence


def test_a_detail_cannot_move_the_cursor() -> None:
    assert "\x1b" not in to_text([Check("a", CheckStatus.PASS, "\x1b[2J\r\n")], colored=False)
