"""Whatever people and the cloud write into a value: Slack takes every view, and no value becomes markup."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import CommandMistake
from bot.core.instances import Instance, InstanceList, instance_choices, not_in_project, preflight_warning
from bot.core.messages import Language, Message
from bot.core.notifications import NOTIFICATIONS, Notification, Target
from bot.core.permissions import ConfirmBy
from bot.core.replies import PreflightReply, instance_list_reply, upgrade_lines
from bot.core.tokenizer import quoted
from bot.core.upgrade import State, Upgrade
from bot.i18n.catalog import Catalog
from bot.sandbox.slack.block_validation import parse_blocks
from bot.slack.blocks.kit import MessageView
from bot.slack.blocks.private_replies import instance_list, preflight_reply, text_reply
from bot.slack.blocks.request_card import request_card
from tests.slack.blocks.examples import REQUESTED, every_view, thread_message

CATALOG = Catalog()
VIEWS = every_view()
IN_THREAD = [kind for kind, spec in NOTIFICATIONS.items() if spec.target not in (Target.NEW_CARD, Target.CARD)]
OWN_MARKUP = re.compile(
    r"<@[A-Za-z0-9]+>|<!date\^\d+\^(?:\{date_short_pretty\} (?:at )?)?\{time\}\|(?:\d{4}-\d\d-\d\d )?\d\d:\d\d UTC>"
    r"|&(?:amp|lt|gt);"
    r"|<https://example\.com/p+\|[^<>|]+>"
)
HOSTILE_VALUES = [
    "<!channel>",
    "<@U0SRE>",
    "<https://evil.example|here>",
    "&lt;!here&gt;",
    "`x` *b* _i_ ~s~",
    "\u202egnp.exe",
]
values = st.one_of(
    st.sampled_from(HOSTILE_VALUES),
    st.text(max_size=60),
    st.text(alphabet="<>&`*_~!@|\n\u202e ", max_size=60),
    st.sampled_from(["&", "<", "`", "字", "a b\n"]).map(lambda text: text * 10_000),
)


def texts(part: Any, *types: str) -> list[str]:
    """Every text inside blocks, buttons and dialogs, of these types."""
    if isinstance(part, list):
        return [text for element in part for text in texts(element, *types)]
    if not isinstance(part, dict):
        return []
    own = [part["text"]] if part.get("type") in types else []
    return own + [text for element in part.values() for text in texts(element, *types)]


def assert_safe(view: MessageView) -> None:
    """Slack takes it, and everything in angle brackets is the bot's own markup."""
    parse_blocks(view.blocks)
    assert 1 <= len(view.text) <= 4000
    for text in [view.text, *texts(view.blocks, "mrkdwn", "plain_text")]:
        assert not re.search("[<>&]", OWN_MARKUP.sub("", text)), text
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)
    for text in [view.text, *texts(view.blocks, "mrkdwn")]:
        assert text.count("`") % 2 == 0, text


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", VIEWS)
def test_slack_takes_every_view(name: str, language: Language) -> None:
    view = VIEWS[name](CATALOG.translator(language))
    parse_blocks(view.blocks)
    assert 1 <= len(view.text) <= 4000


@given(
    value=values,
    other=values,
    state=st.sampled_from(State),
    notification=st.sampled_from(IN_THREAD),
    language=st.sampled_from(Language),
)
def test_no_value_breaks_a_view_or_becomes_markup(
    value: str, other: str, state: State, notification: Notification, language: Language
) -> None:
    upgrade: Upgrade = replace(
        REQUESTED,
        state=state,
        instance_id=value,
        skip_validate=True,
        requested_by=other,
        decided_by=other,
        decided_at=1.0,
        ended_at=5.0,
        job_id=other,
        job_status=value,
        progress_percent=None,
        fail_reason=value,
        http_status=400,
        error_code=other,
        error_msg=value,
        api_request_id=other,
    )
    translator = CATALOG.translator(language)
    assert_safe(request_card(upgrade, translator, ConfirmBy.ANOTHER))
    assert_safe(thread_message(upgrade, notification, translator))


@given(
    name=values,
    other=values,
    actions=st.lists(values, max_size=9),
    node_count=st.one_of(st.none(), st.integers(0, 10**6)),
    upgrade_available=st.sampled_from([None, True, False]),
    language=st.sampled_from(Language),
)
def test_no_instance_breaks_the_card_or_the_list(
    name: str,
    other: str,
    actions: list[str],
    node_count: int | None,
    upgrade_available: bool | None,
    language: Language,
) -> None:
    instance = Instance(
        id=REQUESTED.instance_id,
        name=name,
        status=other,
        version=name,
        upgrade_available=upgrade_available,
        node_count=node_count,
        window_start="02:00",
        window_end=other,
        running_actions=tuple(actions),
        is_detailed=False,
    )
    translator = CATALOG.translator(language)
    for delay in (False, True):
        upgrade = replace(REQUESTED, instance_snapshot=instance.to_json(), delay=delay, skip_validate=True)
        assert_safe(request_card(upgrade, translator, ConfirmBy.ANOTHER))
    assert_safe(instance_list(instance_list_reply(InstanceList((instance,) * 10), 0, "/x", {}), translator))
    warning = preflight_warning(instance)
    if warning:
        assert_safe(preflight_reply(PreflightReply(warning, "x"), translator))
    assert_safe(preflight_reply(PreflightReply(not_in_project(name, [instance] * 3), "x"), translator))
    choices = instance_choices([instance] * 5)
    assert_safe(text_reply(CommandMistake("ambiguous_name", token=quoted(name), instances=choices), translator))
    lines = upgrade_lines([upgrade] * 10, ["https://example.com/" + "p" * 200] * 10)
    assert_safe(text_reply(Message("history", lines=lines), translator))
