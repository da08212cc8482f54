"""What a cloud may answer about instances: half of it, other types, nothing; never a crash, never a guess."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.instances import Instance
from bot.taurusdb.instances import detailed, listed
from tests.taurusdb.asking import INSTANCE_ID, Connect
from tests.taurusdb.raw_server import Conversation, RawServer

PARENT_ID = "9a7d3c1b2e4f4a5b8c6d7e8f90a1b2c3in07"
PATIENCE = 5.0
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20))
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner))
KEYS = [
    "id", "name", "status", "data_store_version", "new_version_available", "actions", "ops_window", "groups",
    "engine_version", "instance_state", "current_actions", "node_num",
]  # fmt: skip
HALF = {"id": INSTANCE_ID}


@given(st.dictionaries(st.sampled_from(KEYS), ANYTHING))
def test_whatever_the_cloud_answers_is_an_instance(row: dict[str, Any]) -> None:
    for one in (detailed(row, PARENT_ID), listed(row, PARENT_ID)):
        assert Instance.read(one.written()) == one
        assert one.nodes is None or one.nodes >= 0


def test_half_an_answer_is_half_an_instance() -> None:
    assert detailed(HALF, PARENT_ID) == Instance(INSTANCE_ID, parent_id=PARENT_ID)
    assert listed(HALF, PARENT_ID) == Instance(INSTANCE_ID, parent_id=PARENT_ID, is_detailed=False)


def test_an_action_without_a_name_is_one_all_the_same() -> None:
    assert detailed(HALF | {"actions": [{}]}, "").running == ("?",)
    assert detailed(HALF | {"groups": [{"nodes": [{"actions": [{"action": "RESIZE"}]}]}]}, "").running == ("RESIZE",)
    assert detailed(HALF | {"actions": []}, "").running == ()
    assert detailed(HALF, "").running is None


@asynccontextmanager
async def answering(answers: dict[str, Any]) -> AsyncIterator[str]:
    """A cloud that answers each path by its last word."""

    async def cloud(talk: Conversation) -> None:
        while True:
            path = (await talk.read_request()).split()[1].partition("?")[0]
            talk.answer(json.dumps(answers[path.rpartition("/")[2]]))

    async with RawServer(cloud) as server:
        yield server.endpoint


@pytest.mark.parametrize(
    "details",
    [None, [], 7, "x", {}, {"instances": None}, {"instances": [None, 7, {}]}, {"instances": [{"id": INSTANCE_ID}]}],
)
async def test_no_answer_of_the_cloud_breaks_the_list(connect: Connect, details: Any) -> None:
    answers = {
        "instances": {"instances": [{"id": PARENT_ID}, {}, None, 7]},
        "htap": {"instances": [{"id": INSTANCE_ID, "name": "<!channel>"}, {"id": 7}, None]},
        INSTANCE_ID: details,
    }
    async with answering(answers) as endpoint:
        listing = await connect(endpoint).directory.listing(PATIENCE)
    assert [one.id for one in listing.instances] == [INSTANCE_ID]
    assert listing.is_complete


@pytest.mark.parametrize(("htap", "is_complete"), [({"total": 0}, True), ({"instances": []}, True), ({}, False)])
async def test_an_empty_project_is_told_from_an_answer_that_says_nothing(
    connect: Connect, htap: Any, is_complete: bool
) -> None:
    async with answering({"instances": {"instances": [{"id": PARENT_ID}]}, "htap": htap}) as endpoint:
        listing = await connect(endpoint).directory.listing(PATIENCE)
    assert (listing.instances, listing.is_complete) == ((), is_complete)
