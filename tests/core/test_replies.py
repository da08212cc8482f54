"""The list of instances: what can be upgraded first, ten a page, and honest about what it does not know yet."""

from dataclasses import replace

import pytest

from bot.core.instances import InstanceList, upgradable_first
from bot.core.messages import Message
from bot.core.replies import PAGE_SIZE, InstanceListReply, instance_list_reply
from tests.core.examples import ORDERS, many


def reply(instances: InstanceList, page: int) -> InstanceListReply:
    return instance_list_reply(instances, page, "/x", {})


def test_the_list_begins_with_what_can_be_upgraded() -> None:
    instances = [
        replace(ORDERS, id="1", name="a-latest", upgrade_available=False),
        replace(ORDERS, id="2", name="b-busy", running_actions=("X",)),
        replace(ORDERS, id="3", name="c"),
        replace(ORDERS, id="4", name="D"),
        replace(ORDERS, id="5", name="e", status="abnormal"),
        replace(ORDERS, id="6", name="f", upgrade_available=None),
    ]
    assert [one.name for one in upgradable_first(instances)] == ["c", "D", "a-latest", "b-busy", "e", "f"]


def test_only_what_can_be_upgraded_has_buttons() -> None:
    instances = (
        ORDERS,
        replace(ORDERS, id="1", upgrade_available=None),
        replace(ORDERS, id="2", upgrade_available=False),
        replace(ORDERS, id="3", running_actions=("X",)),
        replace(ORDERS, id="4", status="abnormal"),
    )
    rows = reply(InstanceList(instances, True, True), 0).rows
    assert {row.instance_id for row in rows if row.is_upgradable} == {ORDERS.id, "1"}


def test_one_instance_reads_as_one() -> None:
    assert reply(InstanceList((ORDERS,), True, True), 0).header.key == "instance_list_one"


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (10, 1), (11, 2), (2000, 200)])
def test_the_list_comes_in_pages_of_ten(count: int, pages: int) -> None:
    listing, seen, number = InstanceList(many(count), True, True), set[str](), 0
    for _ in range(pages):
        page = reply(listing, number)
        assert 1 <= len(page.rows) <= PAGE_SIZE
        seen |= {row.instance_id for row in page.rows}
        assert (page.next_page is None) == (number == pages - 1)
        number += 1
    assert number == pages
    assert len(seen) == count


def test_a_page_that_is_gone_is_the_last_one() -> None:
    page = reply(InstanceList(many(12), True, True), 400)
    assert len(page.rows) == 2
    assert page.next_page is None


@pytest.mark.parametrize(("complete", "settled"), [(False, True), (True, False), (False, False)])
def test_an_unfinished_list_says_so(complete: bool, settled: bool) -> None:
    assert reply(InstanceList(many(2), complete, settled), 0).footer == Message("instance_list_incomplete")
    assert reply(InstanceList(many(2), True, True), 0).footer is None
