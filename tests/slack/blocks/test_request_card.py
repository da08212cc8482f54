"""The request card: what has to be known before Confirm, and buttons only while the request is open."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.messages import Language
from bot.core.permissions import ConfirmBy
from bot.core.upgrade import State
from bot.i18n.catalog import Catalog
from bot.slack.blocks.request_card import request_card
from tests.core.examples import ORDERS
from tests.slack.blocks.examples import DECIDED, IN_PROGRESS, REQUESTED

CATALOG = Catalog()
ENGLISH = CATALOG.translator(Language.EN)


def button_elements(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [button for block in blocks if block["type"] == "actions" for button in block["elements"]]


def test_the_buttons_of_an_open_request_begin_with_confirm_and_cancel() -> None:
    confirm, cancel = button_elements(request_card(REQUESTED, ENGLISH, ConfirmBy.REQUESTER).blocks)[:2]
    assert (confirm["action_id"], confirm["style"]) == ("confirm_upgrade", "danger")
    assert cancel["action_id"] == "cancel_upgrade"
    assert confirm["value"] == cancel["value"] == REQUESTED.id


def test_confirm_opens_a_dialog_and_cancel_does_not() -> None:
    confirm, cancel, translate = button_elements(request_card(REQUESTED, ENGLISH, ConfirmBy.REQUESTER).blocks)
    assert REQUESTED.instance_id in confirm["confirm"]["text"]["text"]
    assert confirm["confirm"]["style"] == "danger"
    assert "confirm" not in cancel
    assert "confirm" not in translate


@pytest.mark.parametrize("delay", [False, True])
def test_the_dialog_is_stronger_when_the_validation_is_skipped(delay: bool) -> None:
    def dialog(skip_validate: bool) -> dict[str, Any]:
        upgrade = replace(REQUESTED, delay=delay, skip_validate=skip_validate)
        confirm: dict[str, Any] = button_elements(request_card(upgrade, ENGLISH, ConfirmBy.REQUESTER).blocks)[0]
        element: dict[str, Any] = confirm["confirm"]
        return element

    usual, stronger = dialog(False), dialog(True)
    assert stronger["text"]["text"].startswith("Validation is skipped")
    assert usual["text"]["text"] in stronger["text"]["text"]
    assert stronger["confirm"]["text"] == "Upgrade without validation"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", [state for state in State if state is not State.REQUESTED])
def test_a_decided_request_has_no_buttons(state: State, language: Language) -> None:
    for upgrade in (replace(IN_PROGRESS, state=state), replace(REQUESTED, state=state)):
        view = request_card(upgrade, CATALOG.translator(language), ConfirmBy.REQUESTER)
        actions = {button["action_id"] for button in button_elements(view.blocks)}
        assert actions == ({"request_again"} if state is State.EXPIRED else set())


@pytest.mark.parametrize("state", [state for state in State if state not in (State.REQUESTED, State.EXPIRED)])
def test_a_decided_request_says_who_decided(state: State) -> None:
    view = request_card(replace(IN_PROGRESS, state=state), ENGLISH, ConfirmBy.REQUESTER)
    assert "<@U0DBA>" in view.text
    assert "<@U0DBA>" in str(view.blocks)


@pytest.mark.parametrize(
    ("confirmers", "text"),
    [
        (ConfirmBy.REQUESTER, "Only <@U0SRE> can confirm"),
        (ConfirmBy.ANYONE, "Anyone allowed"),
        (ConfirmBy.ANOTHER, "Someone other than <@U0SRE>"),
    ],
)
def test_the_request_says_who_may_confirm(confirmers: ConfirmBy, text: str) -> None:
    assert text in request_card(REQUESTED, ENGLISH, confirmers).text


@pytest.mark.parametrize(
    "text",
    [
        "restarts",
        "interruptions",
        "no rollback",
        "no temporary data-sync tasks",
        "<!date^1795500600^",
        REQUESTED.instance_id,
    ],
)
def test_the_request_says_what_a_person_has_to_know(text: str) -> None:
    view = request_card(REQUESTED, ENGLISH, ConfirmBy.REQUESTER)
    assert text in view.text
    assert text in str(view.blocks)


def test_the_request_says_when_and_whether_it_is_validated() -> None:
    usual = request_card(REQUESTED, ENGLISH, ConfirmBy.REQUESTER).text
    other = request_card(replace(REQUESTED, delay=True, skip_validate=True), ENGLISH, ConfirmBy.REQUESTER).text
    assert "immediately" in usual
    assert "alidation" not in usual
    assert "in the maintenance window" in other
    assert "Validation is skipped" in other


@pytest.mark.parametrize("language", list(Language))
def test_the_words_for_ends_are_kept_for_ends(language: Language) -> None:
    translator = CATALOG.translator(language)
    end_words = ("completed", "failed", "unknown", "完成", "失败", "未知")
    no_ends = (
        State.REQUESTED,
        State.SUBMITTING,
        State.IN_PROGRESS,
        State.WITHDRAWN,
        State.EXPIRED,
        State.REJECTED,
    )
    for state in no_ends:
        upgrade = replace(IN_PROGRESS, state=state, skip_validate=True)
        text = request_card(upgrade, translator, ConfirmBy.REQUESTER).text.lower()
        assert not [word for word in end_words if word in text], state


def test_a_lost_upgrade_is_called_unknown() -> None:
    for state in (State.UNKNOWN, State.UNRESOLVED):
        for language, word in ((Language.EN, "unknown"), (Language.ZH, "未知")):
            view = request_card(replace(DECIDED, state=state), CATALOG.translator(language), ConfirmBy.ANYONE)
            assert word in view.text


NAMED = replace(REQUESTED, instance_snapshot=ORDERS.to_json())


def header_of(blocks: list[dict[str, Any]]) -> str:
    (header,) = (block["text"]["text"] for block in blocks if block["type"] == "header")
    return str(header)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", list(State))
def test_the_header_and_the_notification_begin_with_the_name_for_the_whole_life(
    state: State, language: Language
) -> None:
    decided: dict[str, Any] = {} if state is State.REQUESTED else {"decided_by": "U0DBA", "job_id": "9a7d"}
    view = request_card(replace(NAMED, state=state, **decided), CATALOG.translator(language), ConfirmBy.REQUESTER)
    assert "sr-orders" in header_of(view.blocks)
    assert "sr-orders" in view.text.splitlines()[0]
    assert REQUESTED.instance_id in str(view.blocks[-1])


def test_the_beginning_of_the_id_stands_in_for_a_name_that_is_not_known() -> None:
    view = request_card(REQUESTED, ENGLISH, ConfirmBy.REQUESTER)
    assert view.text.startswith(f"Upgrade {REQUESTED.instance_id[:8]}")


@pytest.mark.parametrize("language", list(Language))
def test_title_and_ok_of_the_dialog_are_the_mode_s_own(language: Language) -> None:
    def dialog(**fields: Any) -> tuple[str, str]:
        view = request_card(replace(NAMED, **fields), CATALOG.translator(language), ConfirmBy.REQUESTER)
        confirm = button_elements(view.blocks)[0]["confirm"]
        assert "sr-orders" in confirm["text"]["text"]
        return confirm["title"]["text"], confirm["confirm"]["text"]

    dialogs = [dialog(), dialog(delay=True), dialog(skip_validate=True), dialog(delay=True, skip_validate=True)]
    assert len({title for title, _ in dialogs}) == 4
    assert dialogs[0][1] != dialogs[1][1]


@pytest.mark.parametrize("language", list(Language))
def test_a_delayed_upgrade_says_when_it_starts(language: Language) -> None:
    at = "at " if language is Language.EN else ""
    start = f"<!date^1795572000^{{date_short_pretty}} {at}{{time}}|2026-11-25 02:00 UTC>"
    for upgrade in (replace(NAMED, delay=True), replace(IN_PROGRESS, delay=True, instance_snapshot=ORDERS.to_json())):
        assert start in request_card(upgrade, CATALOG.translator(language), ConfirmBy.ANYONE).text


def test_the_window_is_in_the_reader_s_own_hours() -> None:
    view = request_card(replace(NAMED, delay=True), ENGLISH, ConfirmBy.ANYONE)
    assert "<!date^1795572000^{time}|02:00 UTC>–<!date^1795586400^{time}|06:00 UTC>" in str(view.blocks)


def test_the_job_id_is_alone_on_its_line() -> None:
    view = request_card(IN_PROGRESS, ENGLISH, ConfirmBy.ANYONE)
    assert f"`{IN_PROGRESS.job_id}`" in view.text.splitlines()
    assert f"`{IN_PROGRESS.job_id}`" in view.blocks[1]["text"]["text"].splitlines()


def test_who_canceled_for_whom_is_told() -> None:
    withdrawn = request_card(replace(DECIDED, state=State.WITHDRAWN), ENGLISH, ConfirmBy.ANYONE)
    assert "anceled by <@U0DBA> (upgrade requested by <@U0SRE>)" in withdrawn.text
    canceled = replace(IN_PROGRESS, state=State.CANCELED, canceled_by="U0LI")
    assert (
        "anceled by <@U0LI> (upgrade requested by <@U0SRE>)" in request_card(canceled, ENGLISH, ConfirmBy.ANYONE).text
    )


def test_an_emoji_code_in_a_name_is_no_emoji_in_the_header() -> None:
    named = replace(REQUESTED, instance_snapshot=replace(ORDERS, name=":x:").to_json())
    header = request_card(named, ENGLISH, ConfirmBy.ANYONE).blocks[0]["text"]
    assert header["emoji"] is False
