"""What the cloud answers to the one POST, and what people are told of it."""

import pytest

from bot.workflow import reconcile
from tests.driver import CHANNEL, BotDriver, buttons, text_of

REFUSED = [
    "400 DBS.200022",
    "400 DBS.05000008",
    "400 DBS.05000012",
    "400 DBS.280001",
    "409 DBS.200019",
    "403 APIGW.0302",
    "404 APIGW.0101",
]
UNKNOWN = [
    "500 DBS.05000000",
    "502 APIGW.0201",
    "504 APIGW.0201",
    "html",
    "no job_id",
    "redirect",
    "huge",
    "wrong types",
    "empty body",
    "half answer",
    "accepted, answer lost",
    "accepted, reset",
    "lost before",
]


@pytest.mark.parametrize("fault", REFUSED)
@pytest.mark.parametrize("person", ["sre", "dba"])
async def test_a_refusal_is_told_with_the_apis_own_code_and_what_to_do(
    driver: BotDriver, fault: str, person: str
) -> None:
    driver.cloud.inject_fault(fault)
    message = await driver.request(driver.instance(), person=person)
    await driver.confirm(message, person=person)
    status, code = fault.split()
    words = text_of(await driver.wait_for_reply(message, code))
    assert status in words
    assert any("\u4e00" <= letter <= "\u9fff" for letter in words) == (person == "dba")
    assert not buttons(driver.card(message))
    assert len(driver.cloud.upgrades) == 1


@pytest.mark.parametrize(("person", "word"), [("sre", "accepted"), ("dba", "已受理")])
async def test_a_conflict_with_our_own_upgrade_is_no_refusal(driver: BotDriver, person: str, word: str) -> None:
    driver.cloud.set_speed("minute")
    driver.cloud.inject_fault("repeated")
    message = await driver.request(driver.instance(), person=person)
    await driver.confirm(message, person=person)
    job_id = (await driver.cloud.until(lambda: driver.cloud.jobs))[0].id
    assert job_id in text_of(await driver.wait_for_reply(message, word))
    await driver.wait_for_card(message, job_id)
    assert "409" not in "".join(map(text_of, driver.thread(message)))
    assert len(driver.cloud.jobs) == 1


@pytest.mark.parametrize(("person", "word"), [("sre", "could not be checked"), ("dba", "无法核实")])
async def test_a_conflict_that_cannot_be_looked_into_does_not_claim_that_nothing_started(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch, person: str, word: str
) -> None:
    monkeypatch.setattr(reconcile, "CONFLICT_SEARCH_PAUSES", (0.0, 0.1))
    message = await driver.request(driver.instance(), person=person)
    driver.cloud.inject_fault("403 APIGW.0302", "immediate", times=1000)
    driver.cloud.inject_fault("409 DBS.200019")
    await driver.confirm(message, person=person)
    assert "DBS.200019" in text_of(await driver.wait_for_reply(message, word))
    await driver.wait_for_card(message, word)


async def test_a_conflict_that_an_older_operation_explains_is_told_at_once(driver: BotDriver) -> None:
    message = await driver.request_anyway(driver.instance("sr-billing"), "restarting")
    await driver.confirm(message)
    told = text_of(await driver.wait_for_reply(message, "restarting", 1.9))  # the second search comes after two seconds
    assert "No upgrade was started" in told


@pytest.mark.parametrize("fault", UNKNOWN)
@pytest.mark.parametrize(("person", "word"), [("sre", "unknown"), ("dba", "未知")])
async def test_an_answer_that_proves_nothing_is_told_as_unknown(
    driver: BotDriver, fault: str, person: str, word: str
) -> None:
    driver.cloud.set_speed("paused")
    driver.cloud.inject_fault(fault)
    message = await driver.request(driver.instance(), person=person)
    await driver.confirm(message, person=person)
    await driver.wait_for_reply(message, word)
    assert len(driver.cloud.upgrades) == 1


@pytest.mark.parametrize("fault", ["429 APIGW.0308", "503 APIGW.0613"])
async def test_what_was_certainly_not_passed_on_is_tried_again(driver: BotDriver, fault: str) -> None:
    driver.cloud.inject_fault(fault)
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    assert [call.took_effect for call in driver.cloud.upgrades] == [False, True]


async def test_a_cloud_that_cannot_be_reached_is_told_as_not_sent(driver: BotDriver) -> None:
    message = await driver.request(driver.instance())
    await driver.cloud.refuse_connections()
    await driver.confirm(message)
    await driver.until(lambda: driver.thread(message) or None, 30)
    assert "could not be sent" in text_of(driver.thread(message)[0])


async def test_a_token_that_ended_early_is_renewed_once(driver: BotDriver) -> None:
    first = await driver.request(driver.instance())
    await driver.confirm(first)
    await driver.wait_for_card(first, "job")
    driver.cloud.revoke_tokens()
    second = await driver.request(driver.instance("sr-metrics"))
    await driver.confirm(second)
    await driver.wait_for_card(second, "job")
    assert driver.cloud.sign_ins == 2


async def test_fifty_upgrades_at_once_sign_in_once(driver: BotDriver) -> None:
    instances = driver.cloud.add_instances(50)
    messages = [await driver.request(instance.id) for instance in instances]
    for message in messages:
        await driver.confirm(message)
    await driver.cloud.until(lambda: len(driver.cloud.upgrades) == 50, 30)
    assert driver.cloud.sign_ins == 1


async def test_a_wrong_password_is_told_and_the_bot_lives(idle_driver: BotDriver) -> None:
    await idle_driver.start(HW_USER_PASSWORD="wrong")
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.confirm(message)
    await idle_driver.until(lambda: idle_driver.thread(message) or None)
    assert not idle_driver.cloud.upgrades
    await idle_driver.slack.command("sre", CHANNEL, "help")
    await idle_driver.wait_for_ephemeral("sre")


async def test_the_api_texts_are_escaped(driver: BotDriver) -> None:
    driver.cloud.inject_fault("400 DBS.280001")
    message = await driver.request(driver.instance())
    await driver.confirm(message)
    reply = await driver.wait_for_reply(message, "DBS.280001")
    assert "<!" not in str(reply.blocks)


async def test_a_wrong_access_key_is_tried_seldom_and_told_as_not_sent(idle_driver: BotDriver) -> None:
    keys = {"HW_ACCESS_KEY": idle_driver.cloud.access_key, "HW_SECRET_KEY": "a-wrong-key"}
    await idle_driver.start(HW_DOMAIN_NAME="", HW_USER_NAME="", HW_USER_PASSWORD="", **keys)
    await idle_driver.cloud.until(lambda: [call for call in idle_driver.cloud.calls if call.status == 401])
    for name in ("sr-orders", "sr-metrics"):
        message = await idle_driver.request(idle_driver.instance(name))
        await idle_driver.confirm(message)
        reply = await idle_driver.wait_for_reply(message, "APIGW.0301")
        assert "could not be sent. No upgrade was started." in text_of(reply)
    assert idle_driver.cloud.upgrades == []
    assert len(idle_driver.cloud.calls) == 1
