"""How long it took, in the two units that matter."""

import pytest

from bot.core.durations import Days, Hours, Minutes, Seconds, duration
from bot.core.sentence import Language, Sentence
from bot.locales.catalog import Catalog

CATALOG = Catalog.load()


@pytest.mark.parametrize(
    ("seconds", "sentence", "english", "chinese"),
    [
        (0.0, Seconds(0), "0 s", "0 秒"),
        (59.4, Seconds(59), "59 s", "59 秒"),
        (59.6, Minutes(1, 0), "1 min 0 s", "1 分 0 秒"),
        (252.0, Minutes(4, 12), "4 min 12 s", "4 分 12 秒"),
        (3600.0, Hours(1, 0), "1 h 0 min", "1 小时 0 分"),
        (86_399.0, Hours(23, 59), "23 h 59 min", "23 小时 59 分"),
        (97_200.0, Days(1, 3), "1 d 3 h", "1 天 3 小时"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds: float, sentence: Sentence, english: str, chinese: str) -> None:
    assert duration(seconds) == sentence
    assert CATALOG.words(Language.EN).say(sentence) == english
    assert CATALOG.words(Language.ZH).say(sentence) == chinese


def test_a_clock_that_was_set_back_gives_no_negative_duration() -> None:
    assert duration(-5.0) == Seconds(0)
