"""The messages in the thread: the job and its progress, the API's own words beneath the bot's, and a clear end."""

from dataclasses import replace

import pytest

from bot.core.errors import Rejected
from bot.core.messages import Language
from bot.core.notifications import NOTIFICATIONS, Notification, Renderer, Target
from bot.core.upgrade import EndCheck, State, Upgrade
from bot.i18n.catalog import Catalog
from bot.slack.blocks.thread_updates import progress_bar
from bot.taurusdb.responses import ApiResponse, error_from_response
from tests.core.examples import ORDERS
from tests.slack.blocks.examples import (
    BACK,
    DECIDED,
    ENDED,
    FAILED,
    IN_PROGRESS,
    PROVEN,
    UNKNOWN,
    UNRESOLVED,
    WITH_ERROR,
    thread_message,
)

CATALOG = Catalog()
ENGLISH = CATALOG.translator(Language.EN)
both_languages = pytest.mark.parametrize("language", list(Language))


@pytest.mark.parametrize(
    ("percent", "cells"),
    [(0, "░░░░░░░░░░"), (9, "░░░░░░░░░░"), (60, "▓▓▓▓▓▓░░░░"), (99, "▓▓▓▓▓▓▓▓▓░"), (100, "▓▓▓▓▓▓▓▓▓▓")],
)
def test_the_bar_is_full_only_at_the_end(percent: int, cells: str) -> None:
    assert progress_bar(percent) == cells


@both_languages
@pytest.mark.parametrize("notification", [Notification.JOB_ACCEPTED, Notification.JOB_FOUND, Notification.JOB_PROGRESS])
def test_the_job_id_stays_in_the_message_that_shows_the_progress(
    notification: Notification, language: Language
) -> None:
    upgrade = replace(IN_PROGRESS, job_status="Running", progress_percent=60)
    view = thread_message(upgrade, notification, CATALOG.translator(language))
    for text in (view.text, str(view.blocks)):
        assert f"`{IN_PROGRESS.job_id}`" in text
        assert "▓▓▓▓▓▓░░░░ 60" in text


@pytest.mark.parametrize(("percent", "progress"), [(-5, "░░░░░░░░░░ 0%"), (9000, "▓▓▓▓▓▓▓▓▓▓ 100%")])
def test_a_percentage_out_of_range_is_still_a_bar(percent: int, progress: str) -> None:
    upgrade = replace(IN_PROGRESS, job_status="Running", progress_percent=percent)
    assert progress in thread_message(upgrade, Notification.JOB_PROGRESS, ENGLISH).text


def test_a_delayed_job_waits_for_its_window_and_another_one_just_waits() -> None:
    pending = replace(IN_PROGRESS, job_status="Pending")
    delayed = replace(pending, delay=True)
    assert "maintenance window" in thread_message(delayed, Notification.JOB_PROGRESS, ENGLISH).text
    assert "maintenance window" not in thread_message(pending, Notification.JOB_PROGRESS, ENGLISH).text


@both_languages
@pytest.mark.parametrize("notification", [Notification.REJECTED, Notification.NOT_SENT, Notification.OUTCOME_UNKNOWN])
def test_the_api_s_own_words_stand_beneath_the_bot_s(notification: Notification, language: Language) -> None:
    view = thread_message(WITH_ERROR, notification, CATALOG.translator(language))
    for detail in ("`DBS.200019`", WITH_ERROR.error_msg, "HTTP 409", f"`{WITH_ERROR.api_request_id}`"):
        assert detail in view.text
        assert detail in str(view.blocks[-1])


def test_what_the_api_did_not_say_is_left_out() -> None:
    view = thread_message(DECIDED, Notification.NOT_SENT, ENGLISH)
    assert [block["type"] for block in view.blocks] == ["section", "section"]
    assert "HTTP" not in view.text


@both_languages
def test_a_lost_answer_is_unknown_and_must_not_be_repeated(language: Language) -> None:
    text = thread_message(UNKNOWN, Notification.OUTCOME_UNKNOWN, CATALOG.translator(language)).text.lower()
    assert ("unknown" if language is Language.EN else "未知") in text
    assert ("do not retry" if language is Language.EN else "请勿重试") in text
    assert not [word for word in ("failed", "completed", "失败", "完成") if word in text]


@both_languages
@pytest.mark.parametrize("search_result", ["idle", "busy", "inconclusive", "", "undocumented"])
def test_an_unresolved_upgrade_can_be_searched_for_again(search_result: str, language: Language) -> None:
    upgrade = replace(UNRESOLVED, search_result=search_result)
    view = thread_message(upgrade, Notification.UNRESOLVED, CATALOG.translator(language))
    (button,) = view.blocks[-1]["elements"]
    assert (button["action_id"], button["value"]) == ("search_again", UNRESOLVED.id)
    assert ("unknown" if language is Language.EN else "未知") in view.text


@pytest.mark.parametrize(
    ("notification", "english", "chinese"),
    [
        (Notification.COMPLETED, "completed", "完成"),
        (Notification.FAILED, "failed", "失败"),
        (Notification.CANCELED, "canceled", "取消"),
    ],
)
def test_the_end_names_both_people_the_instance_and_how_long_it_took(
    notification: Notification, english: str, chinese: str
) -> None:
    upgrade = replace(ENDED, state=State(notification.value))
    for language, word, duration in ((Language.EN, english, "4 min 12 s"), (Language.ZH, chinese, "4 分钟 12 秒")):
        text = thread_message(upgrade, notification, CATALOG.translator(language)).text
        for part in (word, duration, "<@U0SRE>", "<@U0DBA>", upgrade.instance_name, f"\n`{upgrade.job_id}`"):
            assert part in text


def test_one_person_is_mentioned_once() -> None:
    upgrade = replace(ENDED, state=State.COMPLETED, decided_by="U0SRE")
    assert thread_message(upgrade, Notification.COMPLETED, ENGLISH).text.count("<@U0SRE>") == 1


def test_a_failed_job_tells_the_api_s_reason() -> None:
    assert FAILED.fail_reason in thread_message(FAILED, Notification.FAILED, ENGLISH).text


def test_only_what_an_incident_needs_is_also_shown_in_the_channel() -> None:
    broadcast = {notification for notification, spec in NOTIFICATIONS.items() if spec.broadcast}
    assert broadcast == {
        Notification.FAILED,
        Notification.CANCELED,
        Notification.END_ALARM,
        Notification.AUTHORIZATION_NEEDED,
        Notification.OUTCOME_UNKNOWN,
        Notification.UNRESOLVED,
    }


@pytest.mark.parametrize("notification", [Notification.REQUEST_CARD, Notification.CARD_UPDATE])
def test_the_request_card_is_not_rendered_or_posted_as_a_message_of_the_thread(notification: Notification) -> None:
    spec = NOTIFICATIONS[notification]
    assert spec.renderer is Renderer.REQUEST_CARD
    assert spec.target in (Target.NEW_CARD, Target.CARD)
    in_thread = {kind for kind, spec in NOTIFICATIONS.items() if spec.target not in (Target.NEW_CARD, Target.CARD)}
    assert in_thread == set(Notification) - {Notification.REQUEST_CARD, Notification.CARD_UPDATE}
    assert all(NOTIFICATIONS[kind].renderer is not Renderer.REQUEST_CARD for kind in in_thread)


@both_languages
@pytest.mark.parametrize("notification", [kind for kind in Notification if NOTIFICATIONS[kind].target is Target.THREAD])
def test_every_message_of_the_thread_names_the_instance(notification: Notification, language: Language) -> None:
    states = {Notification.COMPLETED, Notification.FAILED, Notification.CANCELED, Notification.UNRESOLVED}
    state = State(notification.value) if notification in states else State.IN_PROGRESS
    upgrade = replace(ENDED, state=state, instance_snapshot=ORDERS.to_json())
    assert "sr-orders" in thread_message(upgrade, notification, CATALOG.translator(language)).text


@both_languages
@pytest.mark.parametrize(
    ("upgrade", "notification"),
    [
        (WITH_ERROR, Notification.REJECTED),
        (DECIDED, Notification.NOT_SENT),
        (UNKNOWN, Notification.OUTCOME_UNKNOWN),
        (UNRESOLVED, Notification.UNRESOLVED),
        (replace(IN_PROGRESS, job_status="Unauthorized"), Notification.AUTHORIZATION_NEEDED),
    ],
)
def test_whoever_has_to_act_is_mentioned(upgrade: Upgrade, notification: Notification, language: Language) -> None:
    view = thread_message(upgrade, notification, CATALOG.translator(language))
    for text in (view.text, str(view.blocks)):
        assert "<@U0SRE>" in text
        assert "<@U0DBA>" in text


@both_languages
@pytest.mark.parametrize(
    ("state", "english", "chinese"),
    [
        (State.IN_PROGRESS, "Found", "已找到"),
        (State.COMPLETED, "completed", "完成"),
        (State.FAILED, "failed", "失败"),
        (State.CANCELED, "canceled", "取消"),
        (State.REJECTED, "refused", "拒绝"),
    ],
)
@pytest.mark.parametrize("kind", [Notification.OUTCOME_UNKNOWN_UPDATE, Notification.UNRESOLVED_UPDATE])
def test_an_alarm_reads_as_settled_once_more_is_known(
    state: State, english: str, chinese: str, kind: Notification, language: Language
) -> None:
    text = thread_message(replace(ENDED, state=state), kind, CATALOG.translator(language)).text
    assert (english if language is Language.EN else chinese) in text
    assert "unknown" not in text
    assert "未知" not in text


def test_a_running_job_says_since_when_and_for_how_long() -> None:
    running = replace(IN_PROGRESS, job_status="Running", progress_percent=60, started_at=1000.0, progress_at=1720.0)
    text = thread_message(running, Notification.JOB_PROGRESS, ENGLISH).text
    assert "<!date^1000^" in text
    assert "12 min so far" in text


@both_languages
def test_a_note_of_our_own_is_never_put_into_the_api_s_mouth(language: Language) -> None:
    error = error_from_response(ApiResponse(200, {}, {}), "the answer holds no job_id")
    assert "job_id" in str(error)
    row = DECIDED.submission_failed(error, 0.0)
    text = thread_message(row, Notification.OUTCOME_UNKNOWN, CATALOG.translator(language)).text
    assert "job_id" not in text
    assert not [words for words in ("The API says", "API 返回：") if words in text]


@both_languages
def test_a_refusal_to_sign_in_is_told_as_iam_s(language: Language) -> None:
    error = Rejected(401, "Unauthorized", "The username or password is wrong.", is_sign_in=True)
    row = replace(DECIDED, state=State.SUBMITTING).submission_failed(error, 0.0)
    text = thread_message(row, Notification.REJECTED, CATALOG.translator(language)).text
    assert "IAM" in text
    assert "HW_AUTH_URL" in text
    assert error.message in text


@both_languages
def test_an_end_claims_no_more_than_the_cloud_said(language: Language) -> None:
    translator = CATALOG.translator(language)
    unsaid = replace(PROVEN, end_check=EndCheck.NORMAL, normal_at=None)
    text = thread_message(unsaid, Notification.END_UPDATE, translator).text
    assert "3.1.15 → 3.1.18" in text
    for known in (PROVEN.ended_at, (PROVEN.ended_at or 0.0) + 95):
        told = thread_message(replace(unsaid, normal_at=known), Notification.END_UPDATE, translator).text
        assert len(told.splitlines()) == len(text.splitlines()) + 1  # how long it was not normal
    no_status = replace(PROVEN, end_check=EndCheck.NOT_READ, end_snapshot=replace(BACK, status="").to_json())
    text = thread_message(no_status, Notification.END_UPDATE, translator).text
    assert "3.1.15 → 3.1.18" in text
    assert {Language.EN: "did not report the instance", Language.ZH: "实例状态"}[language] in text
