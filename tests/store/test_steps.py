"""Questions are written once, steps are true once, an instance has one live upgrade."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.ports import InstanceTaken
from bot.core.upgrade import State, Upgrade
from bot.store.opening import AnyStore
from tests.store.examples import LIVE_AND_NOT, confirmed, entry, instance, question


async def test_a_question_is_read_as_it_was_written(store: AnyStore) -> None:
    assert await store.add(question(1), entry())
    assert await store.get("upgrade-1") == question(1)
    assert await store.get("upgrade-2") is None


async def test_a_command_delivered_again_is_written_once(store: AnyStore) -> None:
    assert await store.add(question(1), entry())
    assert not await store.add(question(2, trigger_id="trigger-1"), entry())
    assert await store.get("upgrade-2") is None
    assert (await store.audit_head())[0] == 1


async def test_a_step_on_an_older_revision_changes_nothing(store: AnyStore) -> None:
    first = question(1)
    await store.add(first, entry())

    second = await store.save(first, confirmed(first), entry("confirmed"))

    assert second is not None
    assert (second.revision, second.state) == (1, State.SENDING)
    assert await store.save(first, confirmed(first), entry("confirmed")) is None
    assert await store.save(question(9), question(9)) is None
    assert await store.get(first.id) == second
    assert (await store.audit_head())[0] == 2


async def test_bookkeeping_leaves_no_audit_row(store: AnyStore) -> None:
    await store.add(question(1), entry())
    saved = await store.save(question(1), question(1, tell_attempts=3))
    assert saved == question(1, tell_attempts=3, revision=1)
    assert (await store.audit_head())[0] == 1


@pytest.mark.parametrize("state", LIVE_AND_NOT)
async def test_a_second_live_upgrade_of_an_instance_is_refused(store: AnyStore, state: State) -> None:
    await store.add(question(1, of=7, state=state), entry())
    await store.add(question(2, of=7), entry())
    second = question(2, of=7)

    if not question(1, state=state).is_live:
        assert await store.save(second, confirmed(second), entry("confirmed")) is not None
        return
    with pytest.raises(InstanceTaken):
        await store.save(second, confirmed(second), entry("confirmed"))
    assert await store.get(second.id) == second
    assert (await store.audit_head())[0] == 2


async def test_the_live_upgrade_of_an_instance_is_found(store: AnyStore) -> None:
    await store.add(question(1, of=7, state=State.COMPLETED), entry())
    assert await store.live_for(instance(7)) is None
    await store.add(question(2, of=7, state=State.FOLLOWING), entry())
    assert await store.live_for(instance(7)) == question(2, of=7, state=State.FOLLOWING)


async def test_an_upgrade_is_found_by_its_message(store: AnyStore) -> None:
    asked = question(1, channel_id="C5", message_ts="1.000200")
    await store.add(asked, entry())
    assert await store.find_by_message("C5", "1.000200") == asked
    assert await store.find_by_message("C6", "1.000200") is None
    assert await store.find_by_message("C5", "1.000201") is None


async def test_history_shows_the_newest_first(store: AnyStore) -> None:
    for number in (2, 1, 3, 4):
        await store.add(question(number, of=number % 2), entry())

    everything = await store.history(None, 3)
    odd = await store.history(instance(1), 10)

    assert [upgrade.id for upgrade in everything] == ["upgrade-4", "upgrade-3", "upgrade-2"]
    assert [upgrade.id for upgrade in odd] == ["upgrade-3", "upgrade-1"]


async def test_what_is_open_now_is_what_waits_or_is_live(store: AnyStore) -> None:
    for number, state in enumerate(State):
        await store.add(question(number, state=state), entry())
    await store.add(question(100, of=0), entry())

    everything = await store.open_now(None, 10)
    two = await store.open_now(None, 2)
    one_instance = await store.open_now(instance(0), 10)

    assert [upgrade.state for upgrade in everything] == ["asked", "unknown", "following", "sending", "asked"]
    assert [upgrade.id for upgrade in two] == ["upgrade-100", "upgrade-3"]
    assert [upgrade.id for upgrade in one_instance] == ["upgrade-100", "upgrade-0"]
    assert await store.open_now(instance(9), 10) == []


STATES = st.sampled_from([State.ASKED, State.SENDING, State.UNKNOWN, State.COMPLETED])
WISHES = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), STATES), max_size=25)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wishes=WISHES)
async def test_any_steps_end_as_in_a_model_of_three_rows(store: AnyStore, wishes: list[tuple[int, int, State]]) -> None:
    """Each wish is a row, how many revisions old the caller's copy is, and the state that is wished for."""
    unique = uuid4()
    rows = [[question(n, id=f"{n}{unique}", trigger_id=f"{n}{unique}", instance_id=f"{unique}")] for n in range(3)]
    for (first,) in rows:
        await store.add(first, entry())
    for number, age, state in wishes:
        history = rows[number]
        before = history[max(0, len(history) - 1 - age)]
        after = question(number, id=before.id, trigger_id=before.id, instance_id=before.instance_id, state=state)
        others_live = any(other[-1].is_live for other in rows if other is not history)
        if before is history[-1] and after.is_live and others_live:
            with pytest.raises(InstanceTaken):
                await store.save(before, after, entry())
            continue
        saved: Upgrade | None = await store.save(before, after, entry())
        assert (saved is not None) == (before is history[-1])
        if saved is not None:
            history.append(saved)
    assert [await store.get(history[0].id) for history in rows] == [history[-1] for history in rows]
