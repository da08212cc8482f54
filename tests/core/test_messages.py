"""How long it took, in the two units that matter."""

import pytest

from bot.core.messages import Language, Message, duration_message
from bot.i18n.catalog import Catalog

CATALOG = Catalog.load()


@pytest.mark.parametrize(
    ("seconds", "message", "english", "chinese"),
    [
        (0.0, Message("seconds", seconds=0), "0 s", "0 秒"),
        (59.4, Message("seconds", seconds=59), "59 s", "59 秒"),
        (59.6, Message("minutes", minutes=1, seconds=0), "1 min 0 s", "1 分 0 秒"),
        (252.0, Message("minutes", minutes=4, seconds=12), "4 min 12 s", "4 分 12 秒"),
        (3600.0, Message("hours", hours=1, minutes=0), "1 h 0 min", "1 小时 0 分"),
        (86399.0, Message("hours", hours=23, minutes=59), "23 h 59 min", "23 小时 59 分"),
        (97200.0, Message("days", days=1, hours=3), "1 d 3 h", "1 天 3 小时"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds: float, message: Message, english: str, chinese: str) -> None:
    assert duration_message(seconds) == message
    assert CATALOG.translator(Language.EN).render(message) == english
    assert CATALOG.translator(Language.ZH).render(message) == chinese


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    assert duration_message(-5.0) == Message("seconds", seconds=0)
