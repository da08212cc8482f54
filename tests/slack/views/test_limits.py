"""Whatever people and the cloud write into a value: Slack takes every view, and no value becomes markup."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.command import shown
from bot.core.doubts import doubt, not_in_project
from bot.core.instances import Instance, Listing
from bot.core.mistakes import SeveralOfThatName
from bot.core.naming import choices
from bot.core.pages import Doubted, page_of
from bot.core.policy import ConfirmBy
from bot.core.recount import HistoryTold, recounted
from bot.core.sentence import Code, Language
from bot.core.upgrade import News, State, Upgrade
from bot.locales.catalog import Catalog
from bot.sandbox.slack.checks import read_blocks
from bot.slack.views.card import card
from bot.slack.views.pages import page
from bot.slack.views.private import private
from bot.slack.views.thread import news
from bot.slack.views.view import View
from tests.slack.views.cases import ASKED, every_view

CATALOG = Catalog.load()
VIEWS = every_view()
TOLD = [one for one in News if one not in (News.QUESTION, News.CARD)]
OURS = re.compile(
    r"<@[A-Za-z0-9]+>|<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>|&(?:amp|lt|gt);"
    r"|<https://example\.com/p+\|[^<>|]+>"
)
HOSTILE = ["<!channel>", "<@U0SRE>", "<https://evil.example|here>", "&lt;!here&gt;", "`x` *b* _i_ ~s~", "\u202egnp.exe"]
values = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.text(alphabet="<>&`*_~!@|\n\u202e ", max_size=60),
    st.sampled_from(["&", "<", "`", "字", "a b\n"]).map(lambda one: one * 10_000),
)


def texts(part: Any, *kinds: str) -> list[str]:
    """Every text inside blocks, buttons and dialogs, of these kinds."""
    if isinstance(part, list):
        return [text for one in part for text in texts(one, *kinds)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") in kinds else []
    return own + [text for one in part.values() for text in texts(one, *kinds)]


def assert_safe(shown: View) -> None:
    """Slack takes it, and what stands in angle brackets is ours."""
    read_blocks(shown.blocks)
    assert 1 <= len(shown.text) <= 4000
    for text in [shown.text, *texts(shown.blocks, "mrkdwn", "plain_text")]:
        assert not re.search("[<>&]", OURS.sub("", text)), text
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    for text in [shown.text, *texts(shown.blocks, "mrkdwn")]:
        assert text.count("`") % 2 == 0, text


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", VIEWS)
def test_slack_takes_every_view(name: str, language: Language) -> None:
    shown = VIEWS[name](CATALOG.words(language))
    read_blocks(shown.blocks)
    assert 1 <= len(shown.text) <= 4000


@given(
    value=values,
    other=values,
    state=st.sampled_from(State),
    told=st.sampled_from(TOLD),
    language=st.sampled_from(Language),
)
def test_no_value_breaks_a_view_or_becomes_markup(
    value: str, other: str, state: State, told: News, language: Language
) -> None:
    upgrade: Upgrade = replace(
        ASKED,
        state=state,
        instance_id=value,
        skip_validate=True,
        asked_by=other,
        decided_by=other,
        decided_at=1.0,
        ended_at=5.0,
        job_id=other,
        job_status=value,
        percent=None,
        fail_reason=value,
        http_status=400,
        error_code=other,
        error_msg=value,
        request_id=other,
    )
    words = CATALOG.words(language)
    assert_safe(card(upgrade, words, ConfirmBy.ANOTHER))
    assert_safe(news(upgrade, told, words))


@given(
    name=values,
    other=values,
    running=st.lists(values, max_size=9),
    nodes=st.one_of(st.none(), st.integers(0, 10**6)),
    has_newer=st.sampled_from([None, True, False]),
    language=st.sampled_from(Language),
)
def test_no_instance_breaks_the_question_or_the_list(
    name: str, other: str, running: list[str], nodes: int | None, has_newer: bool | None, language: Language
) -> None:
    instance = Instance(
        id=ASKED.instance_id,
        name=name,
        status=other,
        version=name,
        has_newer=has_newer,
        nodes=nodes,
        window_start="02:00",
        window_end=other,
        running=tuple(running),
        is_detailed=False,
    )
    words = CATALOG.words(language)
    for delay in (False, True):
        upgrade = replace(ASKED, about=instance.written(), delay=delay, skip_validate=True)
        assert_safe(card(upgrade, words, ConfirmBy.ANOTHER))
    assert_safe(page(page_of(Listing((instance,) * 10), 0, "/x"), words))
    against = doubt(instance)
    if against:
        assert_safe(page(Doubted(against, Code("x")), words))
    assert_safe(page(Doubted(not_in_project(name, [instance] * 3), Code("x")), words))
    assert_safe(private(SeveralOfThatName(shown(name), choices([instance] * 5)), words))
    assert_safe(private(HistoryTold(recounted([upgrade] * 10, ["https://example.com/" + "p" * 200] * 10)), words))
