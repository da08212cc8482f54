"""The message in the channel: what has to be known before Confirm, and buttons only while they mean something."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.policy import ConfirmBy
from bot.core.sentence import Language
from bot.core.upgrade import State
from bot.locales.catalog import Catalog
from bot.slack.views.card import card
from tests.slack.views.cases import ASKED, DECIDED, JOB

CATALOG = Catalog.load()
WORDS = CATALOG.words(Language.EN)


def buttons(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [button for block in blocks if block["type"] == "actions" for button in block["elements"]]


def test_an_open_question_begins_its_buttons_with_confirm_and_cancel() -> None:
    confirm, cancel = buttons(card(ASKED, WORDS, ConfirmBy.REQUESTER).blocks)[:2]
    assert (confirm["action_id"], confirm["style"]) == ("confirm_upgrade", "danger")
    assert cancel["action_id"] == "cancel_upgrade"
    assert confirm["value"] == cancel["value"] == ASKED.id


def test_confirm_asks_a_second_time_and_cancel_does_not() -> None:
    confirm, cancel, translate = buttons(card(ASKED, WORDS, ConfirmBy.REQUESTER).blocks)
    assert ASKED.instance_id in confirm["confirm"]["text"]["text"]
    assert confirm["confirm"]["style"] == "danger"
    assert "confirm" not in cancel
    assert "confirm" not in translate


@pytest.mark.parametrize("delay", [False, True])
def test_the_second_question_is_stronger_when_the_validation_is_skipped(delay: bool) -> None:
    def dialog(skip: bool) -> dict[str, Any]:
        upgrade = replace(ASKED, delay=delay, skip_validate=skip)
        found: dict[str, Any] = buttons(card(upgrade, WORDS, ConfirmBy.REQUESTER).blocks)[0]["confirm"]
        return found

    usual, stronger = dialog(False), dialog(True)
    assert stronger["text"]["text"].startswith("DANGER")
    assert usual["text"]["text"] in stronger["text"]["text"]
    assert "skip validation" in stronger["confirm"]["text"]


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", [state for state in State if state is not State.ASKED])
def test_a_decided_question_has_no_buttons(state: State, language: Language) -> None:
    for upgrade in (replace(JOB, state=state), replace(ASKED, state=state)):
        assert buttons(card(upgrade, CATALOG.words(language), ConfirmBy.REQUESTER).blocks) == []


@pytest.mark.parametrize("state", [state for state in State if state not in (State.ASKED, State.EXPIRED)])
def test_a_decided_question_says_who_decided(state: State) -> None:
    shown = card(replace(JOB, state=state), WORDS, ConfirmBy.REQUESTER)
    assert "<@U0DBA>" in shown.text
    assert "<@U0DBA>" in shown.blocks[-1]["text"]["text"]


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (ConfirmBy.REQUESTER, "Only <@U0SRE> can confirm"),
        (ConfirmBy.ANYONE, "Anyone allowed"),
        (ConfirmBy.ANOTHER, "Someone other than <@U0SRE>"),
    ],
)
def test_the_question_says_who_may_confirm(who: ConfirmBy, words: str) -> None:
    assert words in card(ASKED, WORDS, who).text


@pytest.mark.parametrize(
    "words",
    ["restarts", "interrupted intermittently", "can't be rolled back", "temporary data-sync", "<!date^1795500600^"],
)
def test_the_question_says_what_a_person_has_to_know(words: str) -> None:
    shown = card(ASKED, WORDS, ConfirmBy.REQUESTER)
    assert words in shown.text
    assert words in str(shown.blocks)


def test_the_question_says_when_and_whether_it_is_validated() -> None:
    usual = card(ASKED, WORDS, ConfirmBy.REQUESTER).text
    other = card(replace(ASKED, delay=True, skip_validate=True), WORDS, ConfirmBy.REQUESTER).text
    assert "at once" in usual
    assert "Validation: skipped" not in usual
    assert "maintenance window" in other
    assert "Validation: skipped" in other


@pytest.mark.parametrize("language", list(Language))
def test_the_words_for_ends_are_kept_for_ends(language: Language) -> None:
    words = CATALOG.words(language)
    ends = ("completed", "failed", "unknown", "完成", "失败", "未知")
    for state in (State.ASKED, State.SENDING, State.FOLLOWING, State.WITHDRAWN, State.EXPIRED, State.REFUSED):
        text = card(replace(JOB, state=state, skip_validate=True), words, ConfirmBy.REQUESTER).text.lower()
        assert not [end for end in ends if end in text], state


def test_a_lost_upgrade_is_called_unknown() -> None:
    for state in (State.UNKNOWN, State.UNRESOLVED):
        for language, word in ((Language.EN, "unknown"), (Language.ZH, "未知")):
            assert word in card(replace(DECIDED, state=state), CATALOG.words(language), ConfirmBy.ANYONE).text
