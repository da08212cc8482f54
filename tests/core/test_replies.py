"""The list of instances: what can be upgraded first, ten a page, and honest about what it does not know yet."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.instances import InstanceList, upgradable_first
from bot.core.messages import Code, Link, Message, Person, Time
from bot.core.replies import (
    PAGE_SIZE,
    InstanceListReply,
    earlier_request,
    instance_list_reply,
    instances_on_page,
    request_open,
    unresolved_before,
    upgrade_lines,
)
from bot.core.upgrade import EarlierRequest, EndCheck, State, Upgrade
from tests.core.examples import ID, ORDERS, T0, in_every_state, in_progress, many, posted


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


@pytest.mark.parametrize(("status", "key"), [("normal", "list_with_buttons"), ("frozen", "list_without_buttons")])
def test_buttons_are_named_only_where_the_page_has_some(status: str, key: str) -> None:
    frozen = tuple(replace(instance, status="frozen") for instance in many(PAGE_SIZE))
    for listing in ((replace(ORDERS, status=status),), (*frozen[1:], replace(ORDERS, status=status))):
        for is_complete in (True, False):
            header = reply(InstanceList(listing, is_complete, True), 0).header
            assert header.values["how"] == Message(key, usage=Code("/x"))


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


def test_a_page_before_the_first_one_or_of_nothing_begins_at_the_first() -> None:
    for page in (-1, 0, 7):
        assert instances_on_page(InstanceList(), page) == (0, [])
    assert instances_on_page(InstanceList(many(12)), -1) == (0, list(many(10)))


@pytest.mark.parametrize("settled", [True, False])
def test_an_unfinished_list_says_so_and_names_no_total(settled: bool) -> None:
    page = reply(InstanceList(many(2), False, settled), 0)
    assert (page.header.key, page.footer) == ("instance_list_so_far", Message("instance_list_incomplete"))
    page = reply(InstanceList(many(2), True, False), 0)
    assert (page.header.key, page.footer) == ("instance_list", Message("instance_list_refreshing"))
    assert reply(InstanceList(many(2), True, True), 0).footer is None


def test_an_unfinished_list_of_several_projects_names_those_that_were_not_read() -> None:
    unread = Message("project_choice", project=Message("project_by_id", region="cn-north-4", project=Code("abc")))
    listing = InstanceList(many(2), unread_projects=("cn-north-4:abc",))
    assert reply(listing, 0).footer == Message("instance_list_unread", projects=(unread,))


def test_the_header_says_which_of_how_many_are_shown() -> None:
    how = Message("list_with_buttons", usage=Code("/x"))
    for is_complete, key in ((True, "instance_list"), (False, "instance_list_so_far")):
        header = reply(InstanceList(many(12), is_complete, True), 1).header
        assert (header.key, header.values) == (key, {"first": 11, "last": 12, "total": 12, "how": how})


def test_what_was_read_again_replaces_what_was_listed() -> None:
    newer = replace(ORDERS, running_actions=("X",))
    (row,) = instance_list_reply(InstanceList((ORDERS,), True, True), 0, "/x", {ORDERS.id: newer}).rows
    assert not row.is_upgradable
    assert [detail.key for detail in row.details] == ["version_upgradable", "actions_running"]


def test_a_row_says_what_is_not_as_usual_and_to_which_project_it_belongs() -> None:
    instances = (ORDERS, replace(ORDERS, id="1", status="abnormal", project="cn-north-4:abc"))
    usual, abnormal = reply(InstanceList(instances, True, True), 0).rows
    assert ([detail.key for detail in usual.details], usual.project) == (["version_upgradable"], None)
    assert [detail.key for detail in abnormal.details] == ["version_upgradable", "instance_status"]
    assert abnormal.project == Message("project_by_id", region="cn-north-4", project=Code("abc"))
    assert (abnormal.name, abnormal.label.key) == ("sr-orders", "named_instance")


# history and status


def state_of(upgrade: Upgrade) -> Message:
    """How the line of an upgrade says where it is."""
    (line,) = upgrade_lines([upgrade], ["https://example.com/p1"])
    state = line.values["state"]
    assert isinstance(state, Message)
    return state


def test_a_line_says_when_what_by_whom_and_leads_to_the_card() -> None:
    upgrade = posted(instance_snapshot=ORDERS.to_json())
    (line,) = upgrade_lines([upgrade], ["https://example.com/p1"])
    assert line.key == "upgrade_line"
    assert (line.values["at"], line.values["requester"]) == (Time(T0), Person("UANN"))
    assert line.values["link"] == Link("https://example.com/p1")


@pytest.mark.parametrize("state", [state for state in State if state is not State.IN_PROGRESS])
def test_every_state_has_its_word(state: State) -> None:
    assert state_of(replace(in_every_state()[state], end_check=EndCheck.NONE)) == Message(f"state_{state.value}")


@pytest.mark.parametrize("check", EndCheck)
def test_a_completed_upgrade_that_is_not_proven_is_to_be_checked(check: EndCheck) -> None:
    unproven = (EndCheck.VERSION_UNCHANGED, EndCheck.NOT_NORMAL, EndCheck.NOT_READ)
    key = "state_completed_check" if check in unproven else "state_completed"
    assert state_of(replace(in_every_state()[State.COMPLETED], end_check=check)).key == key


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, Message("state_accepted")),
        ({"job_status": "Paused"}, Message("state_accepted")),
        ({"job_status": "Pending"}, Message("state_not_started")),
        ({"job_status": "Running"}, Message("state_running")),
        ({"job_status": "Running", "progress_percent": 40}, Message("state_running_percent", percent=40)),
        ({"job_status": "Running", "progress_percent": 140}, Message("state_running_percent", percent=100)),
        ({"job_status": "Running", "progress_percent": -1}, Message("state_running_percent", percent=0)),
        ({"job_status": "Unauthorized", "progress_percent": 40}, Message("state_awaits_authorization")),
        ({"job_status": "Pending", "delay": True}, Message("state_awaits_window")),
    ],
)
def test_an_upgrade_in_progress_says_how_far_it_is_or_what_it_waits_for(fields: dict[str, Any], state: Message) -> None:
    assert state_of(in_progress(**fields)) == state


def test_a_delayed_upgrade_says_when_it_starts() -> None:
    waiting = in_progress(delay=True, instance_snapshot=ORDERS.to_json())
    assert waiting.starts_at is not None
    assert state_of(waiting) == Message("state_starts", at=Time(waiting.starts_at))


def test_other_requests_for_the_instance_are_named_with_their_links() -> None:
    open_request = request_open(posted(), "https://example.com/p1")
    assert open_request.key == "request_open"
    assert (open_request.values["requester"], open_request.values["link"]) == (
        Person("UANN"),
        Link("https://example.com/p1"),
    )
    earlier = EarlierRequest("UBOB", T0, "https://example.com/p2")
    line = Message("earlier_request", requester=Person("UBOB"), at=Time(T0), link=Link("https://example.com/p2"))
    assert earlier_request(earlier) == line
    warning = unresolved_before(ID, earlier)
    assert (warning.key, warning.values) == ("unresolved_before", {"instance": Code(ID), "earlier": line})
