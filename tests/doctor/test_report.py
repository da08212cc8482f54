"""Results as text and in short."""

import pytest

from bot.core.messages import Language
from bot.doctor.report import MAX_LINES, Check, CheckStatus, to_message, to_text
from bot.i18n.catalog import Catalog

FINE = Check("settings", CheckStatus.PASS, "fine")
WARNING = Check("slack.channel.C1", CheckStatus.WARN, "a word", "do this")


def lines(language: Language, *checks: Check) -> list[str]:
    return Catalog.load().translator(language).render(to_message(checks)).splitlines()


def test_failures_come_first_one_a_line_and_not_too_many() -> None:
    failures = [Check(f"slack.channel.C{n}", CheckStatus.FAIL, "the bot is\nnot in it", "invite it") for n in range(99)]
    text = lines(Language.EN, FINE, WARNING, *failures)
    assert text[1] == "The bot cannot work like this. Passed: 1. Problems: 100."
    assert text[2] == "• failed: allowed channel slack.channel.C0: the bot is not in it. What to do: invite it"
    assert len(text) == 2 + MAX_LINES + 1
    assert text[-1] == "• and 80 more: run python -m bot doctor"


@pytest.mark.parametrize(
    ("language", "verdict", "line"),
    [
        (Language.EN, "The bot can work", "• warning: allowed channel slack.channel.C1: a word. What to do: do this"),
        (
            Language.ZH,
            "本机器人可以工作",
            "• 警告：允许的频道 slack.channel.C1（a word）。处理建议：请邀请本机器人加入该频道",
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


def test_a_detail_cannot_move_the_cursor() -> None:
    assert "\x1b" not in to_text([Check("a", CheckStatus.PASS, "\x1b[2J\r\n")], colored=False)
