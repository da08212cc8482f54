"""What people and APIs write reaches Slack as text: no mention, no link, no formatting comes out of a value."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import Code, Link, Person, Time
from bot.slack.blocks.kit import DIALOG_TEXT, MAX_CODE, MAX_DIALOG_VALUE, MAX_VALUE, MRKDWN

ENTITY = re.compile("&(?:amp|lt|gt);")


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        ("a & b < c > d", "a &amp; b &lt; c &gt; d"),
        ("<!channel> look", "&lt;!channel&gt; look"),
        ("<@U0SRE>", "&lt;@U0SRE&gt;"),
        ("&lt;!here&gt;", "&amp;lt;!here&amp;gt;"),
        ("two\nlines\r\nand\ttabs", "two lines and tabs"),
        ("safe\u202egnp.exe\u2066", "safegnp.exe"),
        ("nul\x00 and bell\x07", "nul and bell"),
        ("half \ud83d character", "half character"),
    ],
)
def test_a_plain_value_is_escaped_and_stays_on_its_line(value: str, rendered: str) -> None:
    assert MRKDWN.text(value) == rendered


@pytest.mark.parametrize("value", ["*bold*", "_italic_", "~struck~", "`code`", "(*x*)", "__init__"])
def test_a_plain_value_is_not_formatted(value: str) -> None:
    assert not re.search(r"(?<!\w)[*_~]\S|`", MRKDWN.text(value))


@pytest.mark.parametrize("value", ["instance_id is wrong", "2 * 3 * 4", "a:b:c", "10:20:30", "50% ~ 60%"])
def test_a_plain_value_that_slack_would_not_format_is_left_alone(value: str) -> None:
    assert MRKDWN.text(value) == value


def test_code_cannot_be_left_by_a_back_tick() -> None:
    assert MRKDWN.code(Code("a`*b*`\n```c")) == "`aˋ*b*ˋ ˋˋˋc`"


def test_code_is_never_empty() -> None:
    assert MRKDWN.code(Code("\u200b")) == "` `"


@pytest.mark.parametrize("person", ["<!channel>", "U1> <!here", "", "U1|x", "@here", "U1\n"])
def test_what_is_no_person_s_id_is_no_mention(person: str) -> None:
    assert "<" not in MRKDWN.person(Person(person))


def test_a_person_is_mentioned() -> None:
    assert MRKDWN.person(Person("U0SRE")) == "<@U0SRE>"


def test_a_time_is_shown_in_the_reader_s_time_zone_with_utc_to_fall_back_on() -> None:
    token = MRKDWN.time(Time(1_795_500_600.9), "{date_short_pretty} {time}")
    assert token == "<!date^1795500600^{date_short_pretty} {time}|2026-11-24 06:10 UTC>"


def test_a_link_leads_to_a_web_address() -> None:
    link = Link("https://example.slack.com/archives/C1/p1?thread_ts=1.2&cid=C1")
    assert MRKDWN.link(link, "the thread") == (
        "<https://example.slack.com/archives/C1/p1?thread_ts=1.2&amp;cid=C1|the thread>"
    )


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "https://a|b", "https://a> <!here>", "https://a b", "slack://x"]
)
def test_anything_else_is_only_the_label_of_the_link(url: str) -> None:
    assert MRKDWN.link(Link(url), "the thread") == "the thread"


@given(st.text(alphabet="&<>a字`*\n ", max_size=4000), st.integers(min_value=0, max_value=8))
def test_a_long_value_is_cut_but_never_within_an_escape(value: str, times: int) -> None:
    value *= 2**times
    for rendered, limit in ((MRKDWN.text(value), MAX_VALUE), (MRKDWN.code(Code(value))[1:-1], MAX_CODE)):
        assert len(rendered) <= limit
        assert not re.search("[&<>]", ENTITY.sub("", rendered))
    assert len(DIALOG_TEXT.code(Code(value))) <= MAX_DIALOG_VALUE


def test_a_value_that_was_cut_says_so() -> None:
    assert MRKDWN.text("x" * 10_000).endswith("…")
    assert MRKDWN.code(Code("x" * 10_000)).endswith("…`")
    assert not MRKDWN.text("x" * MAX_VALUE).endswith("…")
