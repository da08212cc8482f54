"""A lost answer: told as unknown, looked for, and never sent again."""

import pytest

from bot.core import looks
from tests.house import House, Message, buttons, said


async def lost(home: House, mishap: str, flags: str = "") -> Message:
    """An upgrade whose answer was lost, told as unknown."""
    home.cloud.set_speed("minute")
    home.cloud.choose_mishap(mishap)
    message = await home.ask(f"{home.instance()} {flags}")
    await home.confirm(message)
    told = await home.told(message, "unknown")
    assert told.broadcast
    return message


@pytest.mark.parametrize("flags", ["", "--delay"])
async def test_a_job_that_the_cloud_lists_is_found_and_followed(home: House, flags: str) -> None:
    message = await lost(home, "accepted, answer lost", flags)
    job = home.cloud.upgrades[0].job_id or "?"
    await home.told(message, job, 60)
    await home.seen(message, job)
    assert len(home.cloud.upgrades) == 1


async def test_what_is_not_found_is_probably_not_started_and_can_be_looked_for_again(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks, "SEARCH_SECONDS", (1.0, 1.5))
    message = await lost(home, "lost before")
    end = await home.until(lambda: next((one for one in home.thread(message) if buttons(one)), None), 30)
    assert "check_outcome" in buttons(end)
    assert "probably" in said(end).lower()
    await home.slack.click("dba", end, "check_outcome")
    await home.whispered("dba")
    assert len(home.cloud.upgrades) == 1
    again = await home.ask(home.instance())
    await home.confirm(again)
    await home.seen(again, "job")


async def test_looking_again_finds_what_the_cloud_listed_late(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "SEARCH_SECONDS", (1.0,))
    for operation in ("immediate", "htap", "taurusdb", "instance"):
        home.cloud.choose_mishap("403 APIGW.0302", operation=operation, times=4)
    message = await lost(home, "accepted, answer lost")
    end = await home.until(lambda: next((one for one in home.thread(message) if buttons(one)), None), 30)
    home.cloud.heal()
    await home.slack.click("sre", end, "check_outcome")
    await home.told(message, home.cloud.upgrades[0].job_id or "?")
    assert len(home.cloud.upgrades) == 1
