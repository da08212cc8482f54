"""Durations in the two units that matter, and foreign text that is cut."""

import pytest

from bot.core.messages import MAX_FOREIGN_TEXT, Language, Message, clipped, duration_message
from bot.i18n.catalog import Catalog

CATALOG = Catalog()


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.0, "0 s", "0 秒"),
        (59.4, "59 s", "59 秒"),
        (59.6, "1 min", "1 分钟"),
        (252.0, "4 min 12 s", "4 分钟 12 秒"),
        (3600.0, "1 h", "1 小时"),
        (3601.0, "1 h", "1 小时"),
        (7500.0, "2 h 5 min", "2 小时 5 分钟"),
        (86399.0, "23 h 59 min", "23 小时 59 分钟"),
        (97200.0, "1 d 3 h", "1 天 3 小时"),
        (172800.0, "2 d", "2 天"),
    ],
)
def test_a_duration_is_told_in_its_two_largest_units_without_zeros(seconds: float, english: str, chinese: str) -> None:
    message = duration_message(seconds)
    assert CATALOG.translator(Language.EN).render(message) == english
    assert CATALOG.translator(Language.ZH).render(message) == chinese


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    assert duration_message(-5.0) == Message("seconds", seconds=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("sr-orders 订单", "sr-orders 订单"),
        ("x" * 20, "x" * 20),
        ("x" * 21, "x" * 19 + "…"),
        ("订" * 9_000, "订" * 19 + "…"),
        ("a\nb\r\tc\x0b\u2028d\x85", "a b  c  d "),
        ("a\x00b\x1b[31m\x7f\ud800", "a\ufffdb\ufffd[31m\ufffd\ufffd"),
    ],
)
def test_foreign_text_is_cut_and_on_one_line(text: str, expected: str) -> None:
    assert clipped(text, 20) == expected
    assert len(clipped(text * 1000)) <= MAX_FOREIGN_TEXT
