"""The list of instances: what can be upgraded first, ten a page, and honest about what it does not know yet."""

from dataclasses import replace

import pytest

from bot.core.instances import Listing, by_usefulness
from bot.core.pages import PAGE, ListedSoFar, page_of
from tests.core.test_instances import ORDERS, many


def test_the_list_begins_with_what_can_be_upgraded() -> None:
    instances = [
        replace(ORDERS, id="1", name="a-latest", has_newer=False),
        replace(ORDERS, id="2", name="b-busy", running=("X",)),
        replace(ORDERS, id="3", name="d"),
        replace(ORDERS, id="4", name="C"),
        replace(ORDERS, id="5", name="e", status="abnormal"),
        replace(ORDERS, id="6", name="f", has_newer=None),
    ]
    assert [one.name for one in by_usefulness(instances)] == ["C", "d", "a-latest", "b-busy", "e", "f"]


@pytest.mark.parametrize(("count", "pages"), [(1, 1), (10, 1), (11, 2), (2000, 200)])
def test_the_list_comes_in_pages_of_ten(count: int, pages: int) -> None:
    listing, seen, number = Listing(many(count), True, True), set[str](), "0"
    for _ in range(pages):
        page = page_of(listing, int(number), "/x")
        assert 1 <= len(page.rows) <= PAGE
        seen |= {row.instance_id for row in page.rows}
        number = page.next_page
    assert number == ""
    assert len(seen) == count


def test_a_page_that_is_gone_is_the_last_one() -> None:
    page = page_of(Listing(many(12), True, True), 400, "/x")
    assert len(page.rows) == 2
    assert page.next_page == ""


@pytest.mark.parametrize(("complete", "settled"), [(False, True), (True, False), (False, False)])
def test_an_unfinished_list_says_so(complete: bool, settled: bool) -> None:
    assert page_of(Listing(many(2), complete, settled), 0, "/x").tail == (ListedSoFar(),)
    assert page_of(Listing(many(2), True, True), 0, "/x").tail == ()
