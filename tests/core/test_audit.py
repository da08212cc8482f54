"""The chain of the audit trail, what is counted instead of written, and what verification finds."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.audit import (
    GENESIS,
    MAX_REFUSALS,
    MAX_REFUSED_PEOPLE,
    REFUSALS_SECONDS,
    AuditBreak,
    AuditEntry,
    AuditRow,
    RefusalCounter,
    row_hash,
    verify_audit,
)
from bot.core.messages import Language
from bot.core.upgrade import State, Upgrade

ENTRY = AuditEntry(
    at=1_764_000_000.25,
    event="confirmed",
    upgrade_id="u-1",
    instance_id="590031445ef845bb912d7fc8243db80cin17",
    user_id="U1",
    team_id="T1",
    channel_id="C1",
    reason="",
    api_request_id="r-1",
)
FIELDS = [field.name for field in fields(AuditEntry)]
TEXT_FIELDS = [name for name in FIELDS if name != "at"]
ANY_TEXT = st.text(
    st.characters(exclude_categories=[]), max_size=6
)  # lone surrogates too: the cloud's JSON may have some
ENTRIES = st.builds(AuditEntry, st.floats(0, 4e9), *([ANY_TEXT] * len(TEXT_FIELDS)))


@pytest.mark.parametrize("field", FIELDS)
def test_the_hash_changes_with_every_field(field: str) -> None:
    value: Any = getattr(ENTRY, field)
    changed = replace(ENTRY, **{field: value + 0.001 if field == "at" else value + " "})
    assert row_hash(GENESIS, 1, changed) != row_hash(GENESIS, 1, ENTRY)


def test_the_hash_changes_with_the_number_and_with_the_hash_before() -> None:
    hashes = {
        row_hash(GENESIS, 1, ENTRY),
        row_hash(GENESIS, 2, ENTRY),
        row_hash("f" * 64, 1, ENTRY),
        row_hash("", 1, ENTRY),
    }
    assert len(hashes) == 4


@pytest.mark.parametrize("pair", list(pairwise(TEXT_FIELDS)))
def test_a_text_moved_to_the_next_field_is_another_entry(pair: tuple[str, str]) -> None:
    first, second = pair
    splits: list[dict[str, Any]] = [{first: "ab", second: ""}, {first: "", second: "ab"}, {first: "a", second: "b"}]
    assert len({row_hash(GENESIS, 1, replace(ENTRY, **texts)) for texts in splits}) == 3


def test_no_text_can_stand_for_two_fields() -> None:
    forged = replace(ENTRY, event='confirmed","u-1', upgrade_id="")
    assert row_hash(GENESIS, 1, forged) != row_hash(GENESIS, 1, replace(ENTRY, event="confirmed", upgrade_id="u-1"))


@given(ENTRIES, ENTRIES)
def test_two_entries_share_a_hash_only_if_they_are_equal(first: AuditEntry, second: AuditEntry) -> None:
    assert (row_hash(GENESIS, 1, first) == row_hash(GENESIS, 1, second)) == (first == second)


@given(ENTRIES, st.integers(1, 10**9))
def test_any_entry_has_a_hash_of_64_hex_digits_that_is_the_same_each_time(entry: AuditEntry, number: int) -> None:
    digest = row_hash(GENESIS, number, entry)
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")
    assert digest == row_hash(GENESIS, number, replace(entry))


def test_the_hash_is_what_anybody_can_compute_from_the_row() -> None:
    """The form is public: a trail written today has to be checkable by every later version."""
    body = json.dumps([GENESIS, 1, *(getattr(ENTRY, name) for name in FIELDS)], separators=(",", ":"))
    assert row_hash(GENESIS, 1, ENTRY) == hashlib.sha256(body.encode()).hexdigest()
    assert row_hash(GENESIS, 1, ENTRY) == "a3015c0441e8076b8f72fb70fa7b540050db86c6f32bea74877a3d33d0469177"


def test_an_entry_about_an_upgrade_names_the_user_only_if_one_did_it() -> None:
    upgrade = Upgrade("u-1", "i-1", False, False, "T1", "C1", "t-1", "U1", Language.EN, 0.0, 600.0)
    upgrade = replace(upgrade, state=State.REJECTED, api_request_id="r-9")
    by_user = AuditEntry.of(upgrade, 5.0, "denied", "U2", reason="only_requester")
    assert by_user == AuditEntry(5.0, "denied", "u-1", "i-1", "U2", "T1", "C1", "only_requester", "r-9")
    assert AuditEntry.of(upgrade, 6.0, "rejected") == AuditEntry(6.0, "rejected", "u-1", "i-1", "", "", "C1", "", "r-9")


def test_an_entry_about_an_upgrade_has_all_that_an_auditor_asks_for() -> None:
    upgrade = Upgrade("u-1", "i-1", True, True, "T1", "C1", "t-1", "U1", Language.EN, 0.0, 600.0)
    upgrade = replace(upgrade, job_id="job-7", api_request_id="r-9", project="cn-north-4:p-1")
    assert AuditEntry.of(upgrade, 5.0, "canceled", "U2", reason="requested", team_id="T2") == AuditEntry(
        at=5.0,
        event="canceled",
        upgrade_id="u-1",
        instance_id="i-1",
        user_id="U2",
        team_id="T2",
        channel_id="C1",
        reason="requested",
        api_request_id="r-9",
        flags="--delay --skip-validate",
        job_id="job-7",
        project="cn-north-4:p-1",
    )


T0 = 1_764_000_000.0


def refused(at: float, user_id: str = "U1", reason: str = "user_not_allowed", instance_id: str = "") -> AuditEntry:
    """A refusal so many seconds after the first."""
    return AuditEntry(T0 + at, "refused", instance_id=instance_id, user_id=user_id, reason=reason)


def test_a_refusal_that_comes_again_is_counted_and_told_after_ten_minutes() -> None:
    refusals = RefusalCounter()
    assert refusals.due_entries(refused(0)) == [refused(0)]
    assert [refusals.due_entries(refused(at)) for at in range(1, 500)] == [[]] * 499
    assert refusals.due_entries(refused(500, reason="guest_not_allowed")) == [refused(500, reason="guest_not_allowed")]
    later = REFUSALS_SECONDS
    assert refusals.due_entries(refused(later, user_id="U2")) == [
        refused(later, reason="user_not_allowed (499 more)"),
        refused(later, user_id="U2"),
    ]
    assert refusals.due_entries(refused(later + 1)) == [refused(later + 1)]


def test_nobody_grows_the_chain_by_being_refused_ever_different_things() -> None:
    refusals = RefusalCounter()
    rows = [row for n in range(500) for row in refusals.due_entries(refused(n, instance_id=f"{n:032x}in17"))]
    assert len(rows) == MAX_REFUSALS
    assert refusals.due_entries(refused(500, user_id="U2"))
    told = refusals.due_entries(refused(REFUSALS_SECONDS, user_id="U3"))
    assert [row.reason for row in told] == [f"others ({500 - MAX_REFUSALS} more)", "user_not_allowed"]


def test_a_clock_that_is_set_back_holds_no_refusal_back() -> None:
    refusals = RefusalCounter()
    refusals.due_entries(refused(0))
    assert refusals.due_entries(refused(-3600)) == [refused(-3600)]


def test_a_refusal_that_could_not_be_written_is_not_only_counted_the_next_time() -> None:
    refusals = RefusalCounter()
    refusals.due_entries(refused(0))
    refusals.forget("U1")
    assert refusals.due_entries(refused(1)) == [refused(1)]


def test_only_so_many_people_are_remembered() -> None:
    refusals = RefusalCounter()
    for n in range(MAX_REFUSED_PEOPLE + 1):
        assert refusals.due_entries(refused(0, user_id=f"U{n}"))
    assert refusals.due_entries(refused(0, user_id="U0"))
    assert not refusals.due_entries(refused(0, user_id=f"U{MAX_REFUSED_PEOPLE}"))


def test_what_was_counted_of_a_person_who_is_forgotten_for_another_is_told() -> None:
    refusals = RefusalCounter()
    for n in range(MAX_REFUSED_PEOPLE):
        refusals.due_entries(refused(0, user_id=f"U{n}"))
    refusals.due_entries(refused(1, user_id="U0"))
    assert refusals.due_entries(refused(2, user_id="another")) == [
        refused(2, user_id="U0", reason="user_not_allowed (1 more)"),
        refused(2, user_id="another"),
    ]


def test_what_was_counted_is_told_once_when_the_process_ends() -> None:
    refusals = RefusalCounter()
    for at in range(3):
        refusals.due_entries(refused(at))
    refusals.due_entries(refused(3, user_id="U2"))
    assert refusals.drain(T0 + 9) == [refused(9, reason="user_not_allowed (2 more)")]
    assert refusals.drain(T0 + 9) == []


# verification


class Trail:
    """An audit trail in memory with the head that was noted."""

    def __init__(self, count: int) -> None:
        self.rows: list[AuditRow] = []
        self.head = (0, GENESIS)
        for _ in range(count):
            self.append()

    def append(self) -> None:
        number, previous = self.head[0] + 1, self.head[1]
        entry = refused(number)
        self.head = (number, row_hash(previous, number, entry))
        self.rows.append(AuditRow(number, entry, self.head[1]))

    async def audit(self) -> AsyncIterator[AuditRow]:
        for row in self.rows:
            yield row

    async def audit_head(self) -> tuple[int, str]:
        return self.head


class GrowingTrail(Trail):
    """A row is written while the trail is read."""

    async def audit(self) -> AsyncIterator[AuditRow]:
        self.append()
        async for row in super().audit():
            yield row


@pytest.mark.parametrize("kind", [Trail, GrowingTrail])
@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_whole_trail_is_told_with_its_length_and_its_head(kind: type[Trail], count: int) -> None:
    trail = kind(count)
    verdict = await verify_audit(trail)
    assert verdict.is_whole
    assert (verdict.rows, verdict.head) == trail.head


@pytest.mark.parametrize(
    ("head", "broken", "number"),
    [
        ((4, "f" * 64), AuditBreak.REMOVED, 4),
        ((3, "f" * 64), AuditBreak.REWRITTEN, 3),
        ((2, "f" * 64), AuditBreak.REWRITTEN, 3),
        ((0, "f" * 64), AuditBreak.REWRITTEN, 3),
        ((0, GENESIS), AuditBreak.ADDED, 1),
    ],
)
async def test_a_trail_that_does_not_end_as_noted_is_broken(
    head: tuple[int, str], broken: AuditBreak, number: int
) -> None:
    trail = Trail(3)
    trail.head = head
    verdict = await verify_audit(trail)
    assert (verdict.broken, verdict.number) == (broken, number)
    assert not verdict.is_whole


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_value_of_a_type_that_no_row_is_written_with_is_a_change(number: int) -> None:
    """SQLite stores bytes in a column of texts."""
    trail = Trail(3)
    changed: dict[str, Any] = {"reason": b"user_not_allowed"}
    row = trail.rows[number - 1]
    trail.rows[number - 1] = replace(row, entry=replace(row.entry, **changed))
    verdict = await verify_audit(trail)
    assert (verdict.broken, verdict.number, verdict.rows) == (AuditBreak.CHANGED, number, number - 1)
