"""The thread: the job and its progress, the API's own words under ours, and an end nobody can misread."""

from dataclasses import replace

import pytest

from bot.core.sentence import Language
from bot.core.upgrade import News, State
from bot.locales.catalog import Catalog
from bot.slack.views.thread import bar, broadcasts, news
from tests.slack.views.cases import DECIDED, ENDED, FAILED, FAULTY, GIVEN_UP, JOB, SILENT

CATALOG = Catalog.load()
WORDS = CATALOG.words(Language.EN)
BOTH = pytest.mark.parametrize("language", list(Language))


@pytest.mark.parametrize(
    ("percent", "cells"),
    [(0, "░░░░░░░░░░"), (9, "░░░░░░░░░░"), (60, "▓▓▓▓▓▓░░░░"), (99, "▓▓▓▓▓▓▓▓▓░"), (100, "▓▓▓▓▓▓▓▓▓▓")],
)
def test_the_bar_is_full_only_at_the_end(percent: int, cells: str) -> None:
    assert bar(percent) == cells


@BOTH
@pytest.mark.parametrize("what", [News.STARTED, News.FOUND, News.PROGRESS])
def test_the_job_id_stays_in_the_message_that_shows_the_progress(what: News, language: Language) -> None:
    shown = news(replace(JOB, job_status="Running", percent=60), what, CATALOG.words(language))
    for text in (shown.text, str(shown.blocks)):
        assert f"`{JOB.job_id}`" in text
        assert "▓▓▓▓▓▓░░░░ 60" in text


@pytest.mark.parametrize(("percent", "shown"), [(-5, "░░░░░░░░░░ 0 %"), (9000, "▓▓▓▓▓▓▓▓▓▓ 100 %")])
def test_a_percentage_that_lies_is_still_a_bar(percent: int, shown: str) -> None:
    assert shown in news(replace(JOB, job_status="Running", percent=percent), News.PROGRESS, WORDS).text


def test_a_delayed_job_waits_for_its_window_and_another_one_just_waits() -> None:
    pending = replace(JOB, job_status="Pending")
    assert "maintenance window" in news(replace(pending, delay=True), News.PROGRESS, WORDS).text
    assert "maintenance window" not in news(pending, News.PROGRESS, WORDS).text


@BOTH
@pytest.mark.parametrize("what", [News.REFUSED, News.NOT_SENT, News.UNSURE])
def test_the_api_s_own_words_stand_beneath_ours(what: News, language: Language) -> None:
    shown = news(FAULTY, what, CATALOG.words(language))
    for own in ("`DBS.200019`", FAULTY.error_msg, "HTTP 409", f"`{FAULTY.request_id}`"):
        assert own in shown.text
        assert own in str(shown.blocks[-1])


def test_what_the_api_did_not_say_is_left_out() -> None:
    shown = news(DECIDED, News.NOT_SENT, WORDS)
    assert [block["type"] for block in shown.blocks] == ["section", "section"]
    assert "HTTP" not in shown.text


@BOTH
def test_a_lost_answer_is_unknown_and_must_not_be_repeated(language: Language) -> None:
    text = news(SILENT, News.UNSURE, CATALOG.words(language)).text.lower()
    assert ("unknown" if language is Language.EN else "未知") in text
    assert ("do not repeat" if language is Language.EN else "请勿重复") in text
    assert not [end for end in ("failed", "completed", "失败", "完成") if end in text]


@BOTH
@pytest.mark.parametrize("sight", ["idle", "busy", "blind", "", "elsewhere"])
def test_an_unresolved_upgrade_can_be_looked_for_again(sight: str, language: Language) -> None:
    shown = news(replace(GIVEN_UP, sight=sight), News.UNRESOLVED, CATALOG.words(language))
    (button,) = shown.blocks[-1]["elements"]
    assert (button["action_id"], button["value"]) == ("check_outcome", GIVEN_UP.id)
    assert ("unknown" if language is Language.EN else "未知") in shown.text


@pytest.mark.parametrize(
    ("what", "english", "chinese"),
    [
        (News.COMPLETED, "completed", "完成"),
        (News.FAILED, "failed", "失败"),
        (News.CANCELED, "canceled", "取消"),
    ],
)
def test_the_end_names_both_people_the_instance_and_how_long_it_took(what: News, english: str, chinese: str) -> None:
    upgrade = replace(ENDED, state=State(what.value))
    for language, word, took in ((Language.EN, english, "4 min 12 s"), (Language.ZH, chinese, "4 分 12 秒")):
        text = news(upgrade, what, CATALOG.words(language)).text
        for part in (word, took, "<@U0SRE>", "<@U0DBA>", upgrade.instance_id):
            assert part in text


def test_one_person_is_mentioned_once() -> None:
    text = news(replace(ENDED, state=State.COMPLETED, decided_by="U0SRE"), News.COMPLETED, WORDS).text
    assert text.count("<@U0SRE>") == 1


def test_a_failed_job_tells_the_api_s_reason() -> None:
    assert FAILED.fail_reason in news(FAILED, News.FAILED, WORDS).text


def test_only_what_an_incident_needs_is_also_shown_in_the_channel() -> None:
    loud = {what for what in News if broadcasts(what)}
    assert loud == {News.FAILED, News.CANCELED, News.UNSURE, News.UNRESOLVED}


@pytest.mark.parametrize("what", [News.QUESTION, News.CARD])
def test_the_question_is_not_the_thread_s_matter(what: News) -> None:
    with pytest.raises(ValueError, match=what.value):
        news(JOB, what, WORDS)
