"""The command alone lists the instances; `status` and `history` tell what lives and was: to the allowed, privately."""

import time

import pytest

from bot.sandbox.slack import Ephemeral
from bot.slack import publisher
from bot.workflow.handle_command import MAX_LINES
from tests.driver import CHANNEL, BotDriver, buttons, text_of
from tests.workflow.test_preflight import answered, warm

ENGLISH, CHINESE = "sre", "dba"


def ids_in(driver: BotDriver, answer: Ephemeral) -> list[str]:
    """The ids that the list shows, in its order."""
    ids = {one.id for one in driver.cloud.instances.values()}
    return [one for block in answer.blocks if block["type"] == "section" for one in ids if one in str(block["text"])]


@pytest.mark.parametrize(("person", "head"), [(ENGLISH, "1 to 6 of 6"), (CHINESE, "共 6 个")])
async def test_the_command_alone_lists_the_instances_updatable_first(driver: BotDriver, person: str, head: str) -> None:
    await warm(driver)
    answer = await answered(driver, person, "", head)
    names = {one.id: one.name for one in driver.cloud.instances.values()}
    shown = [names[one] for one in ids_in(driver, answer)]
    assert set(shown[:3]) == {"sr-orders", "sr-metrics", "订单分析"}
    assert set(shown[3:]) == {"sr-reports", "sr-billing", "sr-archive"}
    assert not driver.slack.messages(CHANNEL)


async def test_the_list_is_complete_also_right_after_the_start(driver: BotDriver) -> None:
    answer = await answered(driver, ENGLISH, "list", "1 to 6 of 6")
    assert "Not all instances" not in text_of(answer)


async def test_the_list_shows_its_instances_as_they_are_now(driver: BotDriver) -> None:
    await warm(driver)
    driver.cloud.change_instance("sr-orders", version="3.1.16")
    assert "3.1.16" in text_of(await answered(driver, ENGLISH, "", "1 to 6 of 6"))


@pytest.mark.parametrize("person", [ENGLISH, CHINESE])
@pytest.mark.parametrize(("button", "delay"), [("request_now", False), ("request_delayed", True)])
async def test_the_lists_buttons_make_the_same_request(
    driver: BotDriver, button: str, delay: bool, person: str
) -> None:
    await warm(driver)
    typed = await driver.request(f"{driver.instance('sr-metrics')} {'--delay' if delay else ''}", person=person)
    await driver.slack.click(person, typed, "cancel_upgrade")
    await driver.until(lambda: None if buttons(driver.card(typed)) else True)
    answer = await answered(driver, person, "", "StarRocks")
    value = f"{driver.instance('sr-metrics')} --delay" if delay else driver.instance("sr-metrics")
    delivery = await driver.slack.click(person, answer, button, value)
    await driver.slack.redeliver(delivery)
    pressed = (await driver.slack.until(lambda: driver.slack.messages(CHANNEL)[1:]))[0]
    until = "<!date^"
    assert pressed.text.partition(until)[0] == typed.text.partition(until)[0]
    await driver.confirm(pressed, person=person)
    call = (await driver.cloud.until(lambda: driver.cloud.upgrades))[0]
    assert (call.instance_id, call.body) == (driver.instance("sr-metrics"), {"delay": delay, "is_skip_validate": False})
    assert len(driver.slack.messages(CHANNEL)) == 2


async def test_a_button_of_the_list_finds_what_speaks_against_it(driver: BotDriver) -> None:
    await warm(driver)
    answer = await answered(driver, ENGLISH, "", "StarRocks")
    await driver.slack.click(ENGLISH, answer, "request_now", driver.instance("sr-reports"))
    await driver.wait_for_ephemeral(ENGLISH, "is already on the latest")
    assert not driver.slack.messages(CHANNEL)


async def test_two_thousand_instances_are_listed_within_two_seconds_without_a_flood(idle_driver: BotDriver) -> None:
    idle_driver.cloud.add_instances(1994)
    await idle_driver.start()
    began = time.monotonic()
    answer = await answered(idle_driver, ENGLISH, "", "of 2000")
    assert time.monotonic() - began < 2.0
    assert len(ids_in(idle_driver, answer)) == 10
    await warm(idle_driver)
    second = await answered(idle_driver, CHINESE, "", "共 2000 个")
    await idle_driver.slack.click(CHINESE, second, "list_page")
    third = await idle_driver.wait_for_ephemeral(CHINESE, "第 11～20 个")
    assert not set(ids_in(idle_driver, second)) & set(ids_in(idle_driver, third))
    assert idle_driver.cloud.most_in_flight <= 8


async def test_a_long_list_delays_neither_requests_nor_looks_at_jobs(idle_driver: BotDriver) -> None:
    for n in range(300):
        idle_driver.cloud.add_instance(f"sr-x{n}", parent=f"taurus-x{n}")
    await idle_driver.start()
    message = await idle_driver.request(idle_driver.instance())
    await idle_driver.confirm(message)
    await idle_driver.wait_for_reply(message, "completed", 15)
    assert idle_driver.cloud.most_in_flight <= 9  # the one POST waits for no read


@pytest.mark.parametrize("value", ["-1", "9" * 1999, "x", "", "１", "1000000"])
async def test_a_forged_page_number_breaks_nothing(idle_driver: BotDriver, value: str) -> None:
    driver = idle_driver
    driver.cloud.add_instances(20)
    await driver.start()
    await warm(driver)
    answer = await answered(driver, ENGLISH, "", "StarRocks")
    before = len(driver.slack.ephemerals(ENGLISH))
    await driver.slack.click(ENGLISH, answer, "list_page", value)
    await driver.until(lambda: driver.slack.ephemerals(ENGLISH)[before:] or None)
    assert "StarRocks instances" in text_of(driver.slack.ephemerals(ENGLISH)[-1])


@pytest.mark.parametrize(("person", "word"), [(ENGLISH, "could not be listed"), (CHINESE, "没有查询权限")])
async def test_without_the_permission_there_is_a_reason_instead_of_a_list(
    idle_driver: BotDriver, person: str, word: str
) -> None:
    idle_driver.cloud.inject_fault("403 APIGW.0302", "taurusdb", times=1000)
    await idle_driver.start()
    await answered(idle_driver, person, "", word)


async def test_the_list_is_answered_in_time_when_the_cloud_is_slow(idle_driver: BotDriver) -> None:
    idle_driver.cloud.inject_fault("slow", "htap", times=1000, seconds=30.0)
    await idle_driver.start()
    began = time.monotonic()
    await answered(idle_driver, ENGLISH, "", "could not be listed")
    assert time.monotonic() - began < 2.0


async def test_a_list_that_is_known_does_not_wait_for_a_slow_cloud(driver: BotDriver) -> None:
    await warm(driver)
    for operation in ("htap", "taurusdb", "instance"):
        driver.cloud.inject_fault("slow", operation, times=1000, seconds=30.0)
    began = time.monotonic()
    await answered(driver, ENGLISH, "", "1 to 6 of 6")
    assert time.monotonic() - began < 2.0


async def test_a_second_command_for_a_busy_instance_gets_the_link(driver: BotDriver) -> None:
    driver.cloud.set_speed("paused")
    await warm(driver)
    message = await driver.request("sr-orders")
    await driver.confirm(message)
    await driver.wait_for_card(message, "job")
    answer = await answered(driver, CHINESE, "sr-orders", message.ts.replace(".", ""))
    assert "已有未完成的升级" in text_of(answer)
    list_answer = await answered(driver, ENGLISH, "", "In progress: upgrading")
    await driver.slack.click(ENGLISH, list_answer, "request_now", driver.instance())
    await driver.wait_for_ephemeral(ENGLISH, message.ts.replace(".", ""))
    assert len(driver.slack.messages(CHANNEL)) == 1


@pytest.mark.parametrize(
    ("person", "open_word", "withdrawn_word"),
    [(ENGLISH, "waiting for confirmation", "request canceled"), (CHINESE, "待确认", "申请已取消")],
)
async def test_status_and_history_tell_with_links(
    driver: BotDriver, person: str, open_word: str, withdrawn_word: str
) -> None:
    await warm(driver)
    first, second = await driver.request("sr-orders"), await driver.request("sr-metrics")
    await driver.slack.click(ENGLISH, first, "cancel_upgrade")
    await driver.wait_for_card(first, "canceled")
    links = {one.ts: one.ts.replace(".", "") for one in (first, second)}
    lives = text_of(await answered(driver, person, "status", open_word))
    assert links[second.ts] in lives
    assert links[first.ts] not in lives
    was = text_of(await answered(driver, person, "history", withdrawn_word))
    assert was.index(links[second.ts]) < was.index(links[first.ts])
    only = text_of(await answered(driver, person, "history sr-metrics", links[second.ts]))
    assert links[second.ts] in only
    nothing = {ENGLISH: "No open requests", CHINESE: "当前没有未完成的升级申请"}[person]
    await answered(driver, person, "status sr-orders", nothing)


@pytest.mark.parametrize("text", ["history", "status", "", "doctor"])
async def test_only_the_allowed_are_told(driver: BotDriver, text: str) -> None:
    await driver.slack.command("guest", CHANNEL, text)
    answer = text_of(await driver.wait_for_ephemeral("guest"))
    assert "Guests" in answer
    assert driver.instance() not in answer


async def test_whoever_may_not_use_the_bot_cannot_turn_the_page(idle_driver: BotDriver) -> None:
    driver = idle_driver
    driver.cloud.add_instances(20)
    await driver.start()
    await warm(driver)
    answer = await answered(driver, ENGLISH, "", "of 26")
    await driver.slack.click("guest", answer, "list_page", "1")
    assert "Guests" in text_of(await driver.wait_for_ephemeral("guest"))


@pytest.fixture
async def narrowed(idle_driver: BotDriver) -> BotDriver:
    """Requests in two channels for two instances; since then the rules allow one channel and one instance."""
    driver = idle_driver
    replica = await driver.start()
    await warm(driver)
    for channel, instance in ((CHANNEL, "sr-orders"), ("incident-42", "sr-orders"), (CHANNEL, "sr-metrics")):
        await driver.slack.command(ENGLISH, channel, f"{driver.instance(instance)} --delay")
    await driver.until(lambda: (driver.slack.messages("incident-42") and driver.slack.messages(CHANNEL)[1:]) or None)
    await replica.stop()
    await driver.start(ALLOWED_CHANNELS="C0DBOPS001", ALLOWED_INSTANCES=driver.instance("sr-orders"))
    await warm(driver)
    return driver


@pytest.mark.parametrize("text", ["history", "status", "history sr-orders", "status {id}"])
async def test_history_and_status_tell_what_the_rules_allow_now(narrowed: BotDriver, text: str) -> None:
    answer = text_of(await answered(narrowed, ENGLISH, text.format(id=narrowed.instance()), "sr-orders"))
    (allowed,) = (card for card in narrowed.slack.messages(CHANNEL) if narrowed.instance() in card.text)
    (elsewhere,) = narrowed.slack.messages("incident-42")
    assert allowed.ts.replace(".", "") in answer
    assert elsewhere.ts.replace(".", "") not in answer
    assert narrowed.instance("sr-metrics") not in answer


async def test_the_list_has_the_instances_that_the_rules_allow(narrowed: BotDriver) -> None:
    answer = await answered(narrowed, ENGLISH, "list", "One StarRocks instance")
    assert ids_in(narrowed, answer) == [narrowed.instance("sr-orders")]


@pytest.mark.parametrize("text", ["history {id}", "status {id}", "{id}"])
async def test_an_instance_that_the_rules_do_not_allow_is_refused(narrowed: BotDriver, text: str) -> None:
    answer = await answered(narrowed, ENGLISH, text.format(id=narrowed.instance("sr-metrics")), "cannot upgrade")
    assert "--delay" not in text_of(answer)


@pytest.mark.parametrize("text", ["sr-metric", "history sr-metrics", "sr-metrics --delay"])
async def test_a_name_that_the_rules_do_not_allow_is_not_offered(narrowed: BotDriver, text: str) -> None:
    await narrowed.slack.command(ENGLISH, CHANNEL, text)
    answer = text_of(await narrowed.wait_for_ephemeral(ENGLISH, "sr-metric"))
    assert narrowed.instance("sr-metrics") not in answer


async def test_without_any_allowed_instance_the_list_says_so(idle_driver: BotDriver) -> None:
    await idle_driver.start(ALLOWED_INSTANCES="0" * 32 + "in17")
    await warm(idle_driver)
    await answered(idle_driver, ENGLISH, "list", "any of the StarRocks instances")


@pytest.mark.parametrize("text", ["history", "status"])
async def test_the_ten_newest_are_told(driver: BotDriver, text: str) -> None:
    others = driver.cloud.add_instances(MAX_LINES + 2)
    for other in others:  # one after the other: their order is then certain
        await driver.request(f"{other.id} --delay")
    told = text_of(await answered(driver, ENGLISH, text, "requests"))
    assert [other.id in told for other in others] == [False] * 2 + [True] * MAX_LINES


async def test_the_allowed_requests_are_found_behind_many_others(idle_driver: BotDriver) -> None:
    driver = idle_driver
    others = driver.cloud.add_instances(12)
    replica = await driver.start()
    first = await driver.request(driver.instance("sr-orders"))
    for other in others:
        await driver.slack.command(ENGLISH, CHANNEL, f"{other.id} --delay")
    await driver.until(lambda: driver.slack.messages(CHANNEL)[12:] or None)
    await replica.stop()
    await driver.start(ALLOWED_INSTANCES=driver.instance("sr-orders"))
    await answered(driver, ENGLISH, "history", first.ts.replace(".", ""))


async def test_a_reply_that_cannot_be_shown_is_not_waited_for(
    driver: BotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OverflowError("timestamp out of range")

    monkeypatch.setattr(publisher, "instance_list", fails)
    await driver.slack.command("sre", CHANNEL, "list")
    assert "Something went wrong in the bot" in text_of(await driver.wait_for_ephemeral("sre"))
