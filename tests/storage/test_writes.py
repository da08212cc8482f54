"""A request is stored once, a transition happens once, and an instance has one live upgrade."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.errors import JobIdTaken, LiveUpgradeExists
from bot.core.upgrade import State, Upgrade
from bot.storage.opening import AnyStorage
from tests.storage.examples import confirmed, new_entry, new_upgrade


async def test_a_request_is_read_as_it_was_written(storage: AnyStorage) -> None:
    assert await storage.add(new_upgrade(1), new_entry())
    assert await storage.get("upgrade-1") == new_upgrade(1)
    assert await storage.get("upgrade-2") is None


async def test_a_command_delivered_again_is_written_once(storage: AnyStorage) -> None:
    assert await storage.add(new_upgrade(1), new_entry())
    assert not await storage.add(new_upgrade(2, trigger_id="trigger-1"), new_entry())
    assert await storage.get("upgrade-2") is None
    assert (await storage.audit_head())[0] == 1


@pytest.mark.parametrize("changes", [{"id": "upgrade-1"}, {"instance": 1}, {"job_id": "job-1"}])
async def test_what_is_no_command_delivered_again_is_not_taken_for_one(
    storage: AnyStorage, changes: dict[str, Any]
) -> None:
    await storage.add(new_upgrade(1, state=State.IN_PROGRESS, job_id="job-1"), new_entry())
    with pytest.raises(Exception, match=r"(?i)unique"):
        await storage.add(new_upgrade(2, state=State.IN_PROGRESS, **changes), new_entry())
    assert (await storage.audit_head())[0] == 1


async def test_a_transition_of_an_older_revision_changes_nothing(storage: AnyStorage) -> None:
    first = new_upgrade(1)
    await storage.add(first, new_entry())

    second = await storage.save(first, confirmed(first), new_entry("confirmed"))

    assert second is not None
    assert (second.revision, second.state) == (1, State.SUBMITTING)
    assert await storage.save(first, confirmed(first), new_entry("confirmed")) is None
    assert await storage.save(new_upgrade(9), new_upgrade(9)) is None
    assert await storage.get(first.id) == second
    assert (await storage.audit_head())[0] == 2


async def test_a_change_without_an_entry_leaves_no_audit_row(storage: AnyStorage) -> None:
    await storage.add(new_upgrade(1), new_entry())
    saved = await storage.save(new_upgrade(1), new_upgrade(1, notify_attempts=3))
    assert saved == new_upgrade(1, notify_attempts=3, revision=1)
    assert (await storage.audit_head())[0] == 1


@pytest.mark.parametrize("state", [State.SUBMITTING, State.IN_PROGRESS, State.UNKNOWN, State.COMPLETED, State.EXPIRED])
async def test_a_second_live_upgrade_of_an_instance_is_refused(storage: AnyStorage, state: State) -> None:
    await storage.add(new_upgrade(1, instance=7, state=state), new_entry())
    await storage.add(new_upgrade(2, instance=7), new_entry())
    second = new_upgrade(2, instance=7)

    if not new_upgrade(1, state=state).is_live:
        assert await storage.save(second, confirmed(second), new_entry("confirmed")) is not None
        return
    with pytest.raises(LiveUpgradeExists):
        await storage.save(second, confirmed(second), new_entry("confirmed"))
    assert await storage.get(second.id) == second
    assert (await storage.audit_head())[0] == 2


@pytest.mark.parametrize("state", State)
async def test_a_job_belongs_to_one_request(storage: AnyStorage, state: State) -> None:
    """In whatever state the first is: a job that has ended is nobody else's either."""
    await storage.add(new_upgrade(1, state=state), new_entry())
    first = await storage.save(new_upgrade(1, state=state), new_upgrade(1, state=state, job_id="job-1"))
    assert first is not None
    other = new_upgrade(2, state=State.UNRESOLVED)
    await storage.add(other, new_entry())

    with pytest.raises(JobIdTaken):
        await storage.save(other, new_upgrade(2, state=State.IN_PROGRESS, job_id="job-1"), new_entry("job_found"))

    assert await storage.get(other.id) == other
    assert (await storage.audit_head())[0] == 2
    assert await storage.save(first, new_upgrade(1, state=State.COMPLETED, job_id="job-1")) is not None
    assert await storage.save(other, new_upgrade(2, state=State.IN_PROGRESS, job_id="job-2")) is not None


STATES = st.sampled_from([State.REQUESTED, State.SUBMITTING, State.UNKNOWN, State.COMPLETED])
SAVES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), STATES), max_size=25)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(saves=SAVES)
async def test_any_saves_end_as_in_a_model_of_three_rows(
    storage: AnyStorage, saves: list[tuple[int, int, State]]
) -> None:
    """Each save is the row's number, how many revisions old the caller's copy is, and the new state."""
    unique = str(uuid4())
    histories = [
        [new_upgrade(number, id=f"{number}{unique}", trigger_id=f"{number}{unique}", instance_id=unique)]
        for number in range(3)
    ]
    for (first,) in histories:
        await storage.add(first, new_entry())
    for number, age, state in saves:
        history = histories[number]
        before = history[max(0, len(history) - 1 - age)]
        after = new_upgrade(number, id=before.id, trigger_id=before.id, instance_id=before.instance_id, state=state)
        other_is_live = any(other[-1].is_live for other in histories if other is not history)
        if before is history[-1] and after.is_live and other_is_live:
            with pytest.raises(LiveUpgradeExists):
                await storage.save(before, after, new_entry())
            continue
        saved: Upgrade | None = await storage.save(before, after, new_entry())
        assert (saved is not None) == (before is history[-1])
        if saved is not None:
            history.append(saved)
    assert [await storage.get(history[0].id) for history in histories] == [history[-1] for history in histories]
